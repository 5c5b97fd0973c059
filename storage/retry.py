"""Trying again, for a bounded time."""

import logging
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from storage.faults import classify

T = TypeVar("T")


_WORTH_A_WORD = 1.0
"""A pause, in seconds, after which whoever waits wants to know what for."""

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

    def __call__(self, attempt: Callable[[], T]) -> T:
        """Answers what `attempt` answers; raises its last error as it came."""
        end = self.clock() + self.seconds
        longest = self.first
        while True:
            pause = longest * (0.5 + self.chance() / 2)
            try:
                return attempt()
            except Exception as error:
                if classify(error) != "transient" or self.clock() + pause > end:
                    raise
                if pause > _WORTH_A_WORD:
                    _logger.warning("Trying again for up to %.0f s: %s", end - self.clock(), error)
            self.sleep(pause)
            longest = min(2 * longest, self.longest)
