"""Stores behind fsspec: objects without a disk of ours."""

import contextlib
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from storage.errors import StorageError, UnsafeStoreError
from storage.faults import classify
from storage.settings import SMALL_REQUESTS, for_large, for_small
from storage.store import Retry, Store

_EXTRAS = {"s3": "s3", "s3a": "s3", "gs": "gcs", "gcs": "gcs", "abfs": "azure", "az": "azure"}


class FsspecStore(Store):
    """Objects on any file system of fsspec whose `pipe_file(mode="create")` is exclusive.

    Args:
        url: Any fsspec URL.
        storage_options: Passed to fsspec, never shown, never stored.
        retry: How long a failing request is repeated.
    """

    def __init__(
        self, url: str, storage_options: Mapping[str, Any], *, retry: Retry | None = None
    ) -> None:
        super().__init__(url, retry or Retry())
        self._protocol = split_protocol(url)[0] or ""
        self._options = dict(storage_options)
        self._opened = self._open()
        self._inherited: list[_Opened] = []
        # Imported here: it takes a tenth of a second, which who opens a path need not wait for.
        from fsspec.core import strip_protocol

        self._root = strip_protocol(url).rstrip("/")

    @property
    def _fs(self) -> Any:
        """The file system for small objects."""
        return self._of_this_process().small

    @property
    def _files(self) -> Any:
        """The file system for files, which may be large."""
        return self._of_this_process().large

    def _of_this_process(self) -> "_Opened":
        if self._opened.pid != os.getpid():
            # Kept, since it would close connections of the process we were forked from.
            self._inherited.append(self._opened)
            self._opened = self._open()
        return self._opened

    def _open(self) -> "_Opened":
        small, large = (
            self._file_system(choose(self._protocol, self._options))
            for choose in (for_small, for_large)
        )
        return _Opened(os.getpid(), small, large)

    def _file_system(self, options: Mapping[str, Any]) -> Any:
        try:
            import fsspec

            return fsspec.url_to_fs(self.url, **options)[0]
        except ImportError as error:
            extra = _EXTRAS.get(self._protocol, self._protocol)
            raise ImportError(
                f"Expected what {self._protocol}:// needs to be installed. Received: "
                f"error={error}. Install it: pip install 'trialflow[{extra}]'."
            ) from error

    def read_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        wanted = list(keys)
        with ThreadPoolExecutor(SMALL_REQUESTS) as pool:
            found = zip(wanted, pool.map(self._read_or_none, wanted), strict=True)
            return {key: data for key, data in found if data is not None}

    def delete(self, keys: Iterable[str]) -> None:
        with ThreadPoolExecutor(SMALL_REQUESTS) as pool:
            for _ in pool.map(self._delete_one, keys):
                pass

    def probe(self) -> None:
        # The inherited one asks and then writes: alone it passes the probe, in a race it fails.
        import fsspec

        inherited = type(self._fs).pipe_file is fsspec.AbstractFileSystem.pipe_file
        if inherited and not hasattr(self._fs, "_pipe_file"):
            raise UnsafeStoreError(
                f"Expected {self} to create an object only if there is none, in one step. "
                f"Received: file_system={type(self._fs).__name__}, which cannot. Use a local "
                "disk, or an object store with conditional writes."
            )
        super().probe()

    def _create(self, key: str, data: bytes) -> None:
        with self._in_a_bucket():
            self._fs.pipe_file(self._path(key), data, mode="create")

    def _replace(self, key: str, data: bytes) -> None:
        with self._in_a_bucket():
            self._fs.pipe_file(self._path(key), data)

    def _read(self, key: str) -> bytes:
        data: bytes = self._fs.cat_file(self._path(key))
        return data

    def _exists(self, key: str) -> bool:
        # Not `fs.exists`: it takes every error for "no".
        try:
            return bool(self._fs.info(self._path(key))["type"] == "file")
        except FileNotFoundError:
            return False

    def _list(self, prefix: str) -> list[str]:
        folder = f"{self._path(prefix)}/" if prefix else f"{self._root}/"
        try:
            paths = self._fs.ls(folder.rstrip("/"), detail=False)
        except FileNotFoundError:
            return []
        inside = (path.rstrip("/") for path in paths if path.startswith(folder))
        return [path.removeprefix(folder) for path in inside if len(path) > len(folder)]

    def _delete(self, key: str) -> None:
        self._fs.rm_file(self._path(key))

    def _delete_tree(self, prefix: str) -> None:
        start = len(self._root) + 1
        self.delete([path[start:] for path in self._fs.find(self._path(prefix))])

    def _upload(self, source: Path, key: str) -> None:
        with self._in_a_bucket():
            self._files.put_file(str(source), self._path(key))

    def _download(self, key: str, target: Path) -> None:
        self._files.get_file(self._path(key), str(target))

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"

    @contextlib.contextmanager
    def _in_a_bucket(self) -> Iterator[None]:
        """Whatever is missing for a write or a list is not the object."""
        try:
            yield
        except Exception as error:
            if classify(error) != "missing":
                raise
            raise StorageError(
                f"Expected the bucket or container of {self} to be there. Received: error={error}. "
                "Create it, or correct the URL."
            ) from error


@dataclass(frozen=True, slots=True)
class _Opened:
    """The file systems of one process: their connections do not survive a fork."""

    pid: int
    small: Any
    large: Any


class MemoryStore(FsspecStore):
    """Objects in this process, for tests and documentation: all stores of one URL share them."""

    _writing: ClassVar[threading.Lock] = threading.Lock()

    def _create(self, key: str, data: bytes) -> None:
        # fsspec looks and then writes, which two threads can do at once.
        with self._writing:
            super()._create(key, data)

    def _replace(self, key: str, data: bytes) -> None:
        with self._writing:
            super()._replace(key, data)

    def _upload(self, source: Path, key: str) -> None:
        # fsspec would write chunk by chunk, in view of the readers.
        self._replace(key, source.read_bytes())

    def _download(self, key: str, target: Path) -> None:
        # All readers of a file of fsspec's share one position in it.
        target.write_bytes(self._read(key))


def split_protocol(url: str) -> tuple[str | None, str]:
    """The protocol of a URL and what follows it; None for a path, as `C://folder` is one."""
    protocol, separator, path = url.partition("://")
    return (protocol, path) if separator and len(protocol) > 1 else (None, url)
