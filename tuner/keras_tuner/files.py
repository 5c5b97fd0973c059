"""Files and folders, under the names of Keras Tuner's `backend.io` and `utils`."""

from __future__ import annotations

import json
import os
from typing import Any

import fsspec


def exists(path: str) -> bool:
    """Whether there is a file or folder."""
    system, name = fsspec.url_to_fs(os.fspath(path))
    return bool(system.exists(name))


def rmtree(path: str) -> None:
    """Deletes a folder with all that is in it."""
    system, name = fsspec.url_to_fs(os.fspath(path))
    system.rm(name, recursive=True)


def File(filename: str, mode: str) -> Any:
    """An open file."""
    system, name = fsspec.url_to_fs(os.fspath(filename))
    return system.open(name, mode)


def glob(path: str) -> list[str]:
    """Names of what matches a pattern."""
    system, name = fsspec.url_to_fs(os.fspath(path))
    found: list[str] = system.glob(name)
    return found


def makedirs(path: str) -> None:
    """Makes a folder and those above it."""
    system, name = fsspec.url_to_fs(os.fspath(path))
    system.makedirs(name, exist_ok=True)


def write_dirpath(dirpath: str, strategy: Any) -> str:
    """Where a process writes a folder that another may write too: there; nothing is in its way."""
    del strategy
    return dirpath


def write_filepath(filepath: str, strategy: Any) -> str:
    """Where a process writes a file that another may write too; see `write_dirpath`."""
    del strategy
    return filepath


def remove_temp_dirpath(dirpath: str, strategy: Any) -> None:
    """Does nothing: `write_dirpath` has made no other folder."""


def remove_temp_dir_with_filepath(filepath: str, strategy: Any) -> None:
    """Does nothing: `write_filepath` has named no other file."""


def create_directory(path: str, remove_existing: bool = False) -> None:
    """Makes a folder, empty where `remove_existing` is True."""
    if remove_existing and exists(path):
        rmtree(path)
    makedirs(path)


def save_json(path: str, obj: Any) -> str:
    """Writes a file; returns its text."""
    text = json.dumps(obj)
    with File(path, "w") as file:
        file.write(text)
    return text


def load_json(path: str) -> Any:
    """What a file holds."""
    with File(path, "r") as file:
        return json.loads(file.read())
