"""Files by path or URL, as `keras_tuner.src.backend.io` has them."""

from __future__ import annotations

from typing import Any

import fsspec


def exists(path: str) -> bool:
    """Whether there is a file or folder."""
    system, name = fsspec.url_to_fs(path)
    return bool(system.exists(name))


def rmtree(path: str) -> None:
    """Deletes a folder with all that is in it."""
    system, name = fsspec.url_to_fs(path)
    system.rm(name, recursive=True)


def File(filename: str, mode: str) -> Any:
    """An open file."""
    system, name = fsspec.url_to_fs(filename)
    return system.open(name, mode)


def glob(path: str) -> list[str]:
    """Names of what matches a pattern."""
    system, name = fsspec.url_to_fs(path)
    found: list[str] = system.glob(name)
    return found


def makedirs(path: str) -> None:
    """Makes a folder and those above it."""
    system, name = fsspec.url_to_fs(path)
    system.makedirs(name, exist_ok=True)
