"""What can go wrong with a store, and what a backend's error means."""

import errno
import socket
from datetime import UTC, datetime
from typing import Literal

from storage.owner import Owner

Fault = Literal["exists", "missing", "denied", "full", "transient", "fatal"]
"""What an error of a backend means to us, whichever backend it came from."""

_KINDS: tuple[tuple[type[BaseException], Fault], ...] = (
    (FileExistsError, "exists"),
    (FileNotFoundError, "missing"),
    (PermissionError, "denied"),
    (TimeoutError, "transient"),
    (ConnectionError, "transient"),
    (socket.gaierror, "transient"),
)
_ERRNO: dict[int, Fault] = {
    errno.EROFS: "denied",
    errno.ENOSPC: "full",
    errno.EDQUOT: "full",
    errno.EFBIG: "full",
    errno.EIO: "transient",
    errno.EBUSY: "transient",
    errno.EAGAIN: "transient",
    errno.ESTALE: "transient",
    errno.EHOSTUNREACH: "transient",
    errno.ENETUNREACH: "transient",
    # Somebody wrote into a folder while it was being deleted.
    errno.ENOTEMPTY: "transient",
    # How s3fs words a failure it does not know; not every platform has it.
    getattr(errno, "EREMOTEIO", errno.EIO): "transient",
}
_CLIENTS = ("aiobotocore", "aiohttp", "azure", "botocore", "google", "requests", "urllib3")
_HTTP: dict[int, Fault] = {
    401: "denied",
    403: "denied",
    404: "missing",
    408: "transient",
    # S3 answers 409 to two creates at the same moment; the next answer is a clear one.
    409: "transient",
    412: "exists",
    429: "transient",
    500: "transient",
    502: "transient",
    503: "transient",
    504: "transient",
}


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
    """Somebody else wrote the entry that was ours to write: we are no longer the writer."""

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


def classify(error: BaseException) -> Fault:
    """Says what an error means, by HTTP status or errno, however the backend wrapped it."""
    for kind, fault in _KINDS:
        if isinstance(error, kind):
            return fault
    status = _status(error)
    if status in _HTTP:
        return _HTTP[status]
    if isinstance(error, OSError) and error.errno in _ERRNO:
        return _ERRNO[error.errno]
    if "Credential" in type(error).__name__:
        return "denied"
    return "transient" if type(error).__module__.split(".")[0] in _CLIENTS else "fatal"


def explain(error: BaseException, where: str) -> StorageError:
    """Our error for a backend's, with words for the user."""
    received = f"Received: error={type(error).__name__}: {error}."
    match classify(error):
        case "exists":
            return KeyExistsError(f"Expected no object at {where}. Received: there is one.")
        case "missing":
            return KeyMissingError(f"Expected an object at {where}. Received: there is none.")
        case "denied":
            return StoreDeniedError(
                f"Expected to be allowed to use {where}. {received} Check rights and credentials."
            )
        case "full":
            return StoreFullError(f"Expected room at {where}. {received} Free some and go on.")
        case "transient":
            return TransientStoreError(
                f"Expected {where} to answer. {received} Check the store and go on."
            )
        case "fatal":
            return StorageError(f"Expected {where} to be usable. {received}")


def _status(error: BaseException) -> int | None:
    """HTTP status of an error of botocore, azure, gcsfs or aiohttp, or of what it wraps."""
    for each in (error, error.__cause__):
        response = getattr(each, "response", None)
        if isinstance(response, dict):
            status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
            return status if isinstance(status, int) else None
        for name in ("status_code", "status", "code"):
            status = getattr(each, name, None)
            if isinstance(status, int):
                return status
    return None
