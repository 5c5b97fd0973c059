"""The backend that a suite tests."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ClassVar, TypeVar

import pytest

from storage.store import Store

T = TypeVar("T")


class Backend:
    """A store under test, and a side door to it: no method is tested by itself."""

    rounds: ClassVar[int] = 25
    """How often each race is run."""

    keeps_empty_folders: ClassVar[bool] = False
    """Whether a folder is still listed when all in it was deleted, as some servers do."""

    @pytest.fixture
    def store(self) -> Store:
        """An empty store."""
        raise NotImplementedError

    def raw_read(self, store: Store, key: str) -> bytes:
        """Reads an object without the store's methods."""
        raise NotImplementedError

    def raw_write(self, store: Store, key: str, data: bytes) -> None:
        """Writes an object without the store's methods."""
        raise NotImplementedError


class FakeTime:
    """A clock that only sleeping moves; `then` is called after each sleep."""

    def __init__(self, then: Callable[[float], object] = lambda _: None) -> None:
        self.now = 0.0
        self._then = then

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self._then(self.now)


def in_threads(count: int, work: Callable[[int], T]) -> list[T]:
    """Answers what `work(0)`, `work(1)`, ... answered, begun at the same moment."""
    barrier = threading.Barrier(count)

    def begin(number: int) -> T:
        barrier.wait()
        return work(number)

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(begin, range(count)))
