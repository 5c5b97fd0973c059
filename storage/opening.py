"""From a URL to a store.

A package adds a store for a protocol as an entry point of the group `trialflow.stores`, a function
of a URL and the storage options:

    [project.entry-points."trialflow.stores"]
    ours = "my_package.stores:OurStore"
"""

import os
import re
from collections.abc import Callable, Mapping
from importlib.metadata import entry_points
from typing import Any

from storage.local import LocalStore
from storage.remote import FsspecStore, MemoryStore, split_protocol
from storage.s3 import S3Store
from storage.store import Store

GROUP = "trialflow.stores"

_PASSWORD = re.compile(r"(?<=://)([^/@:]*):[^/@]*@")


def open_store(url: str | os.PathLike[str], **storage_options: Any) -> Store:
    """Opens a store; nothing is asked of it yet.

    Args:
        url: A path, with `~` for the user's home, or any fsspec URL.
        storage_options: For a path those of `LocalStore`, else passed to fsspec. They may be
            secret: they appear in no message, and the store cannot be pickled.

    Raises:
        ValueError: There is a password in the URL, from where it would come into files and logs.

    Example:
        store = open_store("memory://doc/open_store")
        store.replace("key", b"value")
        assert store.read("key") == b"value"
    """
    text = os.fspath(url)
    check_no_password(text)
    protocol, path = split_protocol(text)
    match protocol:
        case None | "file" | "local":
            return LocalStore(path, **storage_options)
        case "memory":
            return MemoryStore(text, storage_options)
        case "s3" | "s3a":
            return S3Store(text, storage_options)
        case _:
            return _other(protocol)(text, storage_options)


def check_no_password(url: str) -> None:
    """Raises ValueError for a URL such as `ftp://name:password@host`, without repeating it."""
    if _PASSWORD.search(url):
        protocol = url.partition("://")[0].rpartition(":")[2]
        shown = _PASSWORD.sub(r"\1:***@", url)
        raise ValueError(
            "Expected a URL without a password, since URLs are shown, stored and logged. Received: "
            f"{shown}. Give it as a storage option, or to fsspec by the "
            f"variable FSSPEC_{protocol.upper()}_PASSWORD."
        )


def _other(protocol: str) -> Callable[[str, Mapping[str, Any]], Store]:
    """What another package has for a protocol, or else fsspec's file system for it."""
    for point in entry_points(group=GROUP, name=protocol):
        factory: Callable[[str, Mapping[str, Any]], Store] = point.load()
        return factory
    return FsspecStore
