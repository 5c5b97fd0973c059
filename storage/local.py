"""A store on a disk."""

import errno
import io
import os
import re
import secrets
import shutil
import stat
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from storage.errors import UnsafeStoreError
from storage.owner import is_running, machine_tag
from storage.store import TEMPORARY, Retry, Store

_TEMPORARY_NAME = re.compile(re.escape(TEMPORARY) + r"([0-9a-f]{8})-(\d+)-[0-9a-f]{12}")
_CHUNK = 1 << 20
_NO_HARD_LINKS = (errno.EPERM, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)
_ATTEMPTS = 20
_LONGEST_WRITE = 24 * 3600.0
"""Seconds after which the unfinished file of an unknown process is taken for abandoned."""


class LocalStore(Store):
    """A folder of a local disk.

    An object is written aside, synced and then given its name by one system call, since fsspec's
    own exclusive mode for local files lets several writers win.

    Args:
        path: The folder; it need not exist. A leading `~` is the user's home.
        durable: Whether a write waits for the disk. Without it, writes survive the death of the
            process but perhaps not that of the machine.
        retry: How long a failing request is repeated.
    """

    def __init__(
        self, path: str | os.PathLike[str], *, durable: bool = True, retry: Retry | None = None
    ) -> None:
        self._root = Path(os.path.abspath(Path(path).expanduser()))  # noqa: PTH100 - no symlinks
        self._durable = durable
        super().__init__(str(self._root), retry or Retry())

    def _create(self, key: str, data: bytes) -> None:
        self._publish(key, io.BytesIO(data), self._link)

    def _replace(self, key: str, data: bytes) -> None:
        self._publish(key, io.BytesIO(data), os.replace)

    def _read(self, key: str) -> bytes:
        try:
            # Without waiting: for a named pipe that would be for ever.
            descriptor = os.open(self._path(key), os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
            with open(descriptor, "rb") as file:  # noqa: PTH123 - a descriptor
                if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                    raise FileNotFoundError(key)
                return file.read()
        except (IsADirectoryError, NotADirectoryError) as error:
            raise FileNotFoundError(key) from error
        except OSError as error:
            if error.errno != errno.ENXIO:  # a socket
                raise
            raise FileNotFoundError(key) from error

    def _exists(self, key: str) -> bool:
        return self._path(key).is_file()

    def _list(self, prefix: str) -> list[str]:
        try:
            return os.listdir(self._path(prefix))  # noqa: PTH208 - names are wanted
        except (FileNotFoundError, NotADirectoryError):
            return []

    def _delete(self, key: str) -> None:
        path = self._path(key)
        try:
            path.unlink()
        except (IsADirectoryError, NotADirectoryError) as error:
            raise FileNotFoundError(key) from error
        self._prune(path.parent)

    def _delete_tree(self, prefix: str) -> None:
        path = self._path(prefix)
        try:
            # Of a link what it leads to stays, which is not ours alone, perhaps.
            path.unlink() if path.is_symlink() else shutil.rmtree(path)
        except FileNotFoundError:
            return
        except NotADirectoryError:
            path.unlink(missing_ok=True)
        self._prune(path.parent)

    def _upload(self, source: Path, key: str) -> None:
        with source.open("rb") as file:
            self._publish(key, file, os.replace)

    def _download(self, key: str, target: Path) -> None:
        try:
            shutil.copyfile(self._path(key), target)
        except shutil.SpecialFileError as error:
            raise FileNotFoundError(key) from error

    def _abandoned(self, prefix: str, *, deep: bool) -> tuple[str, ...]:
        folder = self._path(prefix)
        paths = folder.rglob(f"{TEMPORARY}*") if deep else folder.glob(f"{TEMPORARY}*")
        found = (path.relative_to(self._root).as_posix() for path in paths if _is_abandoned(path))
        return tuple(sorted(found))

    def _remove(self, paths: Iterable[str]) -> None:
        for path in paths:
            with suppress(OSError):  # perhaps another user's; it is in no one's way
                self._path(path).unlink()

    def _path(self, key: str) -> Path:
        return self._root / key

    def _publish(self, key: str, source: BinaryIO, place: Callable[[Path, Path], object]) -> None:
        """Writes `source` aside and lets `place` give it its name."""
        target = self._path(key)
        partial = temporary(target.parent)
        file = self._open_new(partial)
        try:
            with file:
                shutil.copyfileobj(source, file, _CHUNK)
                file.flush()
                if self._durable:
                    os.fsync(file.fileno())
            place(partial, target)
        finally:
            partial.unlink(missing_ok=True)
            # When the name was taken too: an earlier attempt of ours may have taken it.
            self._sync(target.parent)

    def _link(self, partial: Path, target: Path) -> None:
        try:
            os.link(partial, target)
        except OSError as error:
            if error.errno not in _NO_HARD_LINKS:
                raise
            raise UnsafeStoreError(
                f"Expected hard links on the file system of {self}, which keep two searches from "
                f"mixing. Received: error={error}. Use another disk."
            ) from error

    def _open_new(self, path: Path) -> BinaryIO:
        """Opens a new file in a folder that another process may be deleting."""
        for _ in range(_ATTEMPTS):
            with suppress(FileNotFoundError):
                return path.open("xb")
            with suppress(FileNotFoundError):
                self._make_folder(path.parent)
        return path.open("xb")

    def _make_folder(self, folder: Path) -> None:
        if not folder.is_dir():
            self._make_folder(folder.parent)
            folder.mkdir(exist_ok=True)
            self._sync(folder.parent)

    def _prune(self, folder: Path) -> None:
        """Deletes folders that have become empty, as they vanish on an object store."""
        while folder != self._root:
            try:
                folder.rmdir()
            except FileNotFoundError:
                pass
            except OSError:
                break
            folder = folder.parent
        self._sync(folder)

    def _sync(self, folder: Path) -> None:
        """Makes the names in a folder durable."""
        if not self._durable or os.name != "posix":
            return
        with suppress(FileNotFoundError):
            descriptor = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            except OSError as error:
                # Some network file systems cannot, and need not.
                if error.errno not in (errno.EINVAL, errno.ENOTSUP):
                    raise
            finally:
                os.close(descriptor)


def temporary(folder: Path) -> Path:
    """A new name for an unfinished file: it tells which process to ask about it."""
    return folder / f"{TEMPORARY}{machine_tag()}-{os.getpid()}-{secrets.token_hex(6)}"


def writer_of(name: str) -> tuple[str, int] | None:
    """The `machine_tag` and the pid in a name that `temporary` gave, None for any other name."""
    found = _TEMPORARY_NAME.fullmatch(name)
    return (found[1], int(found[2])) if found else None


def _is_abandoned(path: Path) -> bool:
    """Whether a file has no writer left; in doubt it has one."""
    writer = writer_of(path.name)
    if writer is not None and writer[0] == machine_tag():
        return not is_running(writer[1])
    try:
        return time.time() - path.stat().st_mtime > _LONGEST_WRITE
    except FileNotFoundError:
        return False
