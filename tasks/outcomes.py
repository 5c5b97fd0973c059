"""How a trial can end without having told so itself."""

from __future__ import annotations

import enum


class Outcome(enum.StrEnum):
    """What became of a trial's process."""

    KILLED = "killed"
    CRASHED = "crashed"
    EXITED = "exited"
    OUT_OF_MEMORY = "out of memory"
    STALLED = "stalled"
    TIMED_OUT = "timed out"
    LOST = "lost"
    """Its worker is gone, or nobody knows."""


class ChildLostError(Exception):
    """A trial's process ended, or was ended, without an answer.

    Args:
        message: What happened, and what to do about it.
        outcome: Its name.
        hopeless: Whether the same would happen again; otherwise the trial is worth another try.
    """

    def __init__(
        self, message: str, outcome: Outcome = Outcome.LOST, *, hopeless: bool = False
    ) -> None:
        super().__init__(message)
        self.outcome = outcome
        self.hopeless = hopeless
