"""Errors of stores, journals and leases."""

from datetime import UTC, datetime

from storage.owner import Owner


class StorageError(Exception):
    """Whatever a store, a journal or a lease raises."""


class KeyMissingError(StorageError, FileNotFoundError):
    """There is no object under this key."""


class KeyExistsError(StorageError, FileExistsError):
    """There is an object under this key; `Store.create` turns it into its answer."""


class StoreDeniedError(StorageError, PermissionError):
    """The store refuses us: rights or credentials are wrong. Trying again does not help."""


class StoreFullError(StorageError, OSError):
    """The disk or the quota is full."""


class TransientStoreError(StorageError, OSError):
    """The store kept failing for as long as we tried. What was written may have arrived."""


class UnsafeStoreError(StorageError):
    """The store cannot keep two writers apart."""


class CorruptError(StorageError, ValueError):
    """An object is not what was written; the message names its key."""


class NewerFormatError(StorageError, ValueError):
    """An object was written by a newer Trialflow."""


class FencedError(StorageError):
    """Another process wrote the entry that was ours to write: we are no longer the writer."""

    def __init__(self, number: int, owner: str) -> None:
        super().__init__(number, owner)
        self.number = number
        self.owner = owner

    def __str__(self) -> str:
        return (
            "Expected to be the only writer of this search. Received: entry "
            f"number={self.number} by owner={self.owner}. That process goes on with the search; "
            "let it, or stop it and start again."
        )


class LeaseHeldError(StorageError):
    """Another process runs this search. `since` is in seconds since 1970."""

    def __init__(self, holder: Owner, since: float) -> None:
        super().__init__(holder, since)
        self.holder = holder
        self.since = since

    def __str__(self) -> str:
        since = datetime.fromtimestamp(self.since, UTC)
        return (
            f"Expected nobody else to run this search. Received: holder={self.holder}, "
            f"since={since:%Y-%m-%d %H:%M:%S} UTC. Wait until it ends, stop it, or use another "
            "`project_name`."
        )
