"""Ends trials that hang, take too long or take too much memory."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.hardware.memory import can_measure, format_bytes
from tasks.slots import ChildLostError
from tuner.core.outcome import Outcome

if TYPE_CHECKING:
    from tasks.process.supervisor import Child

GROWTH = 2**30
"""Bytes a child may grow by from trial to trial before it is replaced."""

TRACEBACK_TIME = 0.5
"""Seconds for a child that hangs to print where."""


@dataclass(frozen=True, slots=True)
class TrialLimits:
    """What a trial may take."""

    memory: int | None = None
    """Bytes of host memory for each slot."""
    trial_timeout: float | None = None
    """Seconds for one try of a trial, not counting the start of its process."""
    stall_timeout: float | None = None
    """Seconds without an epoch, a reported metric or a printed character."""
    grace: float = 10.0
    """Seconds to end the epoch at hand when the search is stopped."""
    growth: int = GROWTH
    """Bytes a child may grow by after its first trial before it is replaced."""

    def __post_init__(self) -> None:
        if self.memory is not None and not can_measure():
            msg = "Expected a machine that tells how much memory a process holds (Linux)."
            raise ValueError(f"{msg} Received: memory_limit={format_bytes(self.memory)}.")

    @property
    def interval(self) -> float:
        """Seconds between two checks; memory is taken fast."""
        return 0.2 if self.memory is None else 0.05


class Watchdog:
    """Watches one trial of a child.

    Args:
        limits: What it may take.
        child: The process.
        fresh: Whether it has run no other trial.
    """

    def __init__(self, limits: TrialLimits, child: Child, *, fresh: bool) -> None:
        self._limits = limits
        self._child = child
        self._fresh = fresh
        self._began: float | None = None
        child.heard = time.monotonic()

    def trial_began(self) -> None:
        """The trial's own code runs from now on."""
        self._began = time.monotonic()

    def check(self) -> None:
        """Looks at the child.

        Raises:
            ChildLostError: It has to be ended.
        """
        self._check_memory()
        now = time.monotonic()
        longest = self._limits.trial_timeout
        if longest is not None and self._began is not None and now - self._began > longest:
            self._ask_where()
            msg = f"The trial took longer than --trial-timeout ({longest:g} s) and was ended. "
            hint = "Give it more time, or fewer epochs."
            raise ChildLostError(msg + hint, Outcome.TIMED_OUT, hopeless=True)
        longest = self._limits.stall_timeout
        if longest is not None and now - self._child.heard > longest:
            self._ask_where()
            msg = f"The trial made no progress for --stall-timeout ({longest:g} s) and was ended. "
            hint = "Its log shows where it was. Raise the limit if one epoch may take longer."
            raise ChildLostError(msg + hint, Outcome.STALLED)

    def _check_memory(self) -> None:
        limit = self._limits.memory
        held = None if limit is None else self._child.gauge.exceeds(limit)
        if limit is None or held is None:
            return
        msg = (
            f"The trial held {format_bytes(held)} of memory, more than --memory-limit "
            f"({format_bytes(limit)}), and was ended. "
        )
        hint = (
            "Use smaller batches or a smaller model, load less data at once, or raise the limit."
            if self._fresh
            else "Other trials ran in its process before: it is tried again in a fresh one."
        )
        raise ChildLostError(msg + hint, Outcome.OUT_OF_MEMORY, hopeless=self._fresh)

    def _ask_where(self) -> None:
        """Has the child print the stack of every thread into the trial's log."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self._child.pid, signal.SIGUSR1)
            time.sleep(TRACEBACK_TIME)
