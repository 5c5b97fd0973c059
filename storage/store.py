"""The interface of stores, and repeated attempts."""

import abc
import logging
import os
import random
import re
import secrets
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, ParamSpec, TypeVar

from storage.errors import KeyExistsError, KeyMissingError, StorageError, UnsafeStoreError
from storage.faults import classify, explain
from storage.owner import is_running, machine_tag

T = TypeVar("T")
P = ParamSpec("P")

TEMPORARY = ".tmp-"
"""What the names of unfinished files begin with; no key may."""

PROBE = ".probe-"
"""What the names of the objects begin with by which a store is tried out."""

_PROBE_NAME = re.compile(re.escape(PROBE) + r"([0-9a-f]{8})-(\d+)-[0-9a-f]{16}")
_SEGMENT = re.compile(r"[A-Za-z0-9.][A-Za-z0-9._-]*")
_WORTH_A_WORD = 1.0
"""A pause, in seconds, after which a waiting caller is told what for."""

_logger = logging.getLogger(__name__)
_RANDOM = random.Random()
"""Our own: a retry in the background must not shift the numbers a seeded training draws."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Repeats what failed for a passing reason, with growing, jittered pauses.

    Args:
        seconds: No attempt begins later than this after the first one.
        first: First pause, in seconds; each following one is twice as long.
        longest: Longest pause, in seconds.
        clock: Monotonic, in seconds.
        sleep: Waits that many seconds.
        chance: A random number in [0, 1).
    """

    seconds: float = 60.0
    first: float = 0.1
    longest: float = 5.0
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep
    chance: Callable[[], float] = _RANDOM.random

    def __call__(self, attempt: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Answers what `attempt` answers; raises its last error as it came."""
        end = self.clock() + self.seconds
        longest = self.first
        while True:
            pause = longest * (0.5 + self.chance() / 2)
            try:
                return attempt(*args, **kwargs)
            except Exception as error:
                if classify(error) != "transient" or self.clock() + pause > end:
                    raise
                if pause > _WORTH_A_WORD:
                    _logger.warning("Trying again for up to %.0f s: %s", end - self.clock(), error)
            self.sleep(pause)
            longest = min(2 * longest, self.longest)


class Store(abc.ABC):
    """Objects under keys: whole or not there, whatever happens to the process or the machine.

    A key is a relative path: names of letters, digits, `.`, `_` and `-` with `/` between them.
    Every method may raise `StoreDeniedError`, `StoreFullError` and `TransientStoreError`, the last
    when the store kept failing; a write that raised it may have arrived. Stores are thread-safe.
    They cannot be pickled, since their options may hold credentials: pass `url`, and open it there.

    A backend implements the methods with a leading underscore. They may raise what they like:
    `classify` must understand it, and what is transient is tried again.

    Args:
        url: Where it lies.
        retry: How long a failing request is repeated.

    Example:
        store = open_store("memory://doc")
        assert store.create("a/b.json", b"1")
        assert not store.create("a/b.json", b"2")
        assert store.list("a") == ["b.json"]
    """

    def __init__(self, url: str, retry: Retry) -> None:
        self.url = url
        self._retry = retry

    def create(self, key: str, data: bytes) -> bool:
        """Writes an object that must not be there yet; when it returns, the object is durable.

        Of many that create one key exactly one wins. An object with the same bytes counts as
        ours, since the answer to our own write may have been lost: put something unique in.

        Returns:
            Whether the object is there with exactly these bytes.
        """
        check_key(key)
        if not data:
            # Some backends turn an empty exclusive create into an overwrite.
            raise ValueError(f"Expected `data` to hold something. Received: b'' for key={key!r}.")
        try:
            self._attempt(key, self._create, key, data)
        except KeyExistsError:
            return self.read(key) == data
        return True

    def replace(self, key: str, data: bytes) -> None:
        """Writes an object; readers see the old one or the new one."""
        check_key(key)
        self._attempt(key, self._replace, key, data)

    def read(self, key: str) -> bytes:
        """The object under a key.

        Raises:
            KeyMissingError: There is none.
        """
        check_key(key)
        return self._attempt(key, self._read, key)

    def read_many(self, keys: Iterable[str]) -> dict[str, bytes]:
        """The objects under these keys, without the ones that are not there."""
        found = ((key, self._read_or_none(key)) for key in keys)
        return {key: data for key, data in found if data is not None}

    def exists(self, key: str) -> bool:
        """Whether there is an object under this key; a folder is none."""
        check_key(key)
        return self._attempt(key, self._exists, key)

    def list(self, prefix: str) -> list[str]:
        """Sorted names of the objects and folders right under a folder; `""` is the store itself.

        A folder is there as long as something is in it.
        """
        if prefix:
            check_key(prefix)
        names = self._attempt(prefix, self._list, prefix)
        return sorted(name for name in names if not name.startswith(TEMPORARY))

    def delete(self, keys: Iterable[str]) -> None:
        """Deletes objects; those that are not there are fine."""
        for key in keys:
            self._delete_one(key)

    def delete_tree(self, prefix: str) -> None:
        """Deletes the object or the folder of this name with all that is in it."""
        check_key(prefix)
        self._attempt(prefix, self._delete_tree, prefix)

    def upload(self, path: str | os.PathLike[str], key: str) -> None:
        """Writes a local file as an object, like `replace`."""
        check_key(key)
        source = Path(path)
        if not source.is_file():
            raise FileNotFoundError(f"Expected a file to upload. Received: path={str(source)!r}.")
        self._attempt(key, self._upload, source, key)

    def download(self, key: str, path: str | os.PathLike[str]) -> None:
        """Writes an object to a local file, which appears whole.

        Raises:
            KeyMissingError: There is no such object.
        """
        check_key(key)
        target = Path(path)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{TEMPORARY}{secrets.token_hex(6)}")
        try:
            self._attempt(key, self._download, key, partial)
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)

    def sweep(self, prefix: str = "", *, deep: bool = False) -> tuple[str, ...]:
        """Deletes what `abandoned` finds, and answers it."""
        found = self.abandoned(prefix, deep=deep)
        self._remove(found)
        return found

    def abandoned(self, prefix: str = "", *, deep: bool = False) -> tuple[str, ...]:
        """What writes that were cut off have left in a folder.

        Args:
            prefix: The folder; `""` is the store itself.
            deep: Whether to look into the folders in it too.

        Returns:
            Their paths, relative to the store. None where writes leave nothing, as on object
            stores.
        """
        if prefix:
            check_key(prefix)
        return self._abandoned(prefix, deep=deep)

    def probe(self) -> None:
        """Tries whether the store refuses a second object of one key.

        Raises:
            UnsafeStoreError: It does not.
        """
        self._forget_probes()
        key = f"{PROBE}{machine_tag()}-{os.getpid()}-{secrets.token_hex(8)}"
        try:
            answers = (self.create(key, b"first"), self.create(key, b"second"))
            left = self.read(key)
        finally:
            self.delete([key])
        if answers != (True, False) or left != b"first":
            raise UnsafeStoreError(
                f"Expected {self} to refuse a second object of the same name, which is what keeps "
                f"two searches from mixing. Received: answers={answers}. Use a local disk, or an "
                "object store with conditional writes."
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}({str(self)!r})"

    def __str__(self) -> str:
        return self.url

    def __reduce__(self) -> NoReturn:
        raise TypeError(
            f"Expected the url of a store to be passed on. Received: {self!r} itself. Call "
            "`open_store(url, **storage_options)` where it is used."
        )

    def _attempt(self, key: str, request: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        try:
            return self._retry(request, *args, **kwargs)
        except StorageError:
            raise
        except Exception as error:
            raise explain(error, f"{self}/{key}") from error

    def _forget_probes(self) -> None:
        """Deletes the probes of processes that were killed meanwhile."""
        for name in self.list(""):
            maker = _PROBE_NAME.fullmatch(name)
            if maker and maker[1] == machine_tag() and not is_running(int(maker[2])):
                self.delete([name])

    def _read_or_none(self, key: str) -> bytes | None:
        try:
            return self.read(key)
        except KeyMissingError:
            return None

    def _delete_one(self, key: str) -> None:
        check_key(key)
        try:
            self._attempt(key, self._delete, key)
        except KeyMissingError:
            return

    @abc.abstractmethod
    def _create(self, key: str, data: bytes) -> None:
        """Writes the whole object, or raises what `classify` takes for "exists"."""

    @abc.abstractmethod
    def _replace(self, key: str, data: bytes) -> None: ...

    @abc.abstractmethod
    def _read(self, key: str) -> bytes: ...

    @abc.abstractmethod
    def _exists(self, key: str) -> bool: ...

    @abc.abstractmethod
    def _list(self, prefix: str) -> Iterable[str]: ...

    @abc.abstractmethod
    def _delete(self, key: str) -> None: ...

    @abc.abstractmethod
    def _delete_tree(self, prefix: str) -> None: ...

    def _abandoned(self, prefix: str, *, deep: bool) -> tuple[str, ...]:
        del prefix, deep
        return ()

    def _remove(self, paths: Iterable[str]) -> None:
        """Deletes what `_abandoned` answered."""
        del paths

    @abc.abstractmethod
    def _upload(self, source: Path, key: str) -> None: ...

    @abc.abstractmethod
    def _download(self, key: str, target: Path) -> None: ...


def check_key(key: str) -> None:
    """Raises ValueError unless every store takes `key` for the same place, inside the store."""
    names = key.split("/")
    valid = all(_SEGMENT.fullmatch(name) and name not in (".", "..") for name in names)
    if not valid or any(name.startswith(TEMPORARY) for name in names):
        raise ValueError(
            "Expected a key of names with `/` between them, each of letters, digits, `.`, `_` and "
            f"`-` and none of them `.`, `..` or {TEMPORARY}*. Received: key={key!r}."
        )
