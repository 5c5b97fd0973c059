"""From a URL to a store."""

import os
from typing import Any

from fsspec.core import split_protocol

from storage.local import LocalStore
from storage.remote import FsspecStore, MemoryStore
from storage.s3 import S3Store
from storage.store import Store


def open_store(url: str | os.PathLike[str], **storage_options: Any) -> Store:
    """Opens a store; nothing is asked of it yet.

    Args:
        url: A path, with `~` for the user's home, or any fsspec URL.
        storage_options: For a path those of `LocalStore`, else passed to fsspec. They may be
            secret: they appear in no message, and the store cannot be pickled.

    Example:
        store = open_store("memory://doc/open_store")
        store.replace("key", b"value")
        assert store.read("key") == b"value"
    """
    text = os.fspath(url)
    protocol, path = split_protocol(text)
    match protocol:
        case None | "file" | "local":
            return LocalStore(path, **storage_options)
        case "memory":
            return MemoryStore(text, storage_options)
        case "s3" | "s3a":
            return S3Store(text, storage_options)
        case _:
            return FsspecStore(text, storage_options)
