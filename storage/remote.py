"""Stores behind fsspec: objects without a disk of ours."""

import threading
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import MappingProxyType
from typing import Any, ClassVar

import fsspec
from fsspec.core import split_protocol

from storage.errors import UnsafeStoreError
from storage.retry import Retry
from storage.store import Store

_THREADS = 32
# A listing that is remembered hides what other processes write.
_SETTINGS: Mapping[str, Any] = MappingProxyType({"use_listings_cache": False})
# Otherwise s3fs asks for the size first, and may take it from such a listing.
_S3_SETTINGS: Mapping[str, Any] = MappingProxyType({**_SETTINGS, "max_concurrency": 1})
_SETTINGS_OF: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {"s3": _S3_SETTINGS, "s3a": _S3_SETTINGS}
)


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
        protocol, _ = split_protocol(url)
        settings = _SETTINGS_OF.get(protocol, _SETTINGS)
        self._fs, root = fsspec.url_to_fs(url, **{**storage_options, **settings})
        self._root = root.rstrip("/")

    def read_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        wanted = list(keys)
        with ThreadPoolExecutor(_THREADS) as pool:
            found = zip(wanted, pool.map(self._read_or_none, wanted), strict=True)
            return {key: data for key, data in found if data is not None}

    def delete(self, keys: Iterable[str]) -> None:
        with ThreadPoolExecutor(_THREADS) as pool:
            for _ in pool.map(self._delete_one, keys):
                pass

    def probe(self) -> None:
        # The inherited one asks and then writes: alone it passes the probe, in a race it fails.
        inherited = type(self._fs).pipe_file is fsspec.AbstractFileSystem.pipe_file
        if inherited and not hasattr(self._fs, "_pipe_file"):
            raise UnsafeStoreError(
                f"Expected {self} to create an object only if there is none, in one step. "
                f"Received: file_system={type(self._fs).__name__}, which cannot. Use a local "
                "disk, or an object store with conditional writes."
            )
        super().probe()

    def _create(self, key: str, data: bytes) -> None:
        self._fs.pipe_file(self._path(key), data, mode="create")

    def _replace(self, key: str, data: bytes) -> None:
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
        self._fs.put_file(str(source), self._path(key))

    def _download(self, key: str, target: Path) -> None:
        self._fs.get_file(self._path(key), str(target))

    def _path(self, key: str) -> str:
        return f"{self._root}/{key}"


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
