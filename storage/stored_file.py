"""Files that are named together with their digest."""

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from storage.errors import CorruptError
from storage.store import Store, check_key

Source = bytes | Path
"""The content of a file, or where it lies on this machine."""

_DIGITS = 12
"""Of the digest in the key."""


@dataclass(frozen=True, slots=True)
class StoredFile:
    """A file on a store, and what its content must be.

    The key holds the digest, so of two processes that write the same thing neither overwrites what
    the other one has named.

    Example:
        store = open_store("memory://doc/stored_file")
        file = StoredFile.of(b"weights", lambda digest: f"weights-{digest}.h5")
        file.write(store, b"weights")
        assert file.read(store) == b"weights"
    """

    key: str
    sha256: str
    size: int
    """Bytes."""

    @classmethod
    def of(cls, source: Source, key: Callable[[str], str]) -> Self:
        """The name of a file that is not on the store yet.

        Args:
            source: The content.
            key: Gives the key, told the first digits of the digest.
        """
        sha256 = _digest(source)
        return cls(key(sha256[:_DIGITS]), sha256, _size(source))

    @classmethod
    def from_json(cls, state: Any, where: str) -> Self:
        """What `to_json` gave, whatever else stands beside it.

        Args:
            state: Its JSON.
            where: Of the document that names the file, for messages.

        Raises:
            CorruptError: It names no file.
        """
        match state:
            case {"key": str(key), "sha256": str(sha256), "size": int(size)}:
                try:
                    check_key(key)
                except ValueError as error:
                    raise CorruptError(f"Expected {where} to name a file. {error}") from error
                return cls(key, sha256, size)
        kind = sorted(state) if isinstance(state, Mapping) else type(state).__name__
        msg = f"Expected {where} to name a file by `key`, `sha256` and `size`."
        raise CorruptError(f"{msg} Received: {kind}.")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def write(self, store: Store, source: Source) -> None:
        """Writes the file.

        Args:
            store: Where to.
            source: What `of` was given.
        """
        if isinstance(source, Path):
            store.upload(source, self.key)
        else:
            store.replace(self.key, source)

    def read(self, store: Store) -> bytes:
        """The content.

        Raises:
            KeyMissingError: It is not there.
            CorruptError: It is not what was written.
        """
        data = store.read(self.key)
        self.verify(data, store)
        return data

    def download(self, store: Store, target: Path) -> None:
        """Writes the content to a local file.

        Raises:
            KeyMissingError: It is not there.
            CorruptError: It is not what was written; nothing is left at `target`.
        """
        store.download(self.key, target)
        try:
            self.verify(target, store)
        except CorruptError:
            target.unlink()
            raise

    def verify(self, source: Source, store: Store) -> None:
        """Raises CorruptError unless this is what was written."""
        if _size(source) != self.size:
            received = f"{_size(source)} bytes instead of {self.size}"
        elif _digest(source) != self.sha256:
            received = f"{self.size} bytes with another digest"
        else:
            return
        msg = f"Expected what was written at {store}/{self.key}."
        raise CorruptError(f"{msg} Received: {received}.")


def _size(source: Source) -> int:
    return source.stat().st_size if isinstance(source, Path) else len(source)


def _digest(source: Source) -> str:
    if isinstance(source, Path):
        with source.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    return hashlib.sha256(source).hexdigest()
