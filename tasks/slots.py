"""Slots: where a trial can run."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Protocol, Self

from tasks.messages import Declared, Ended, Fatal, Report, Request
from tuner.core.outcome import Outcome

Line = Callable[[str], None]
"""Gets a line that a trial prints."""

OnReport = Callable[[Report], str | None]
"""Gets what a trial reports; answers why the trial is to end early, if so."""

SlotAnswer = Declared | Ended | Fatal


class SearchStoppedError(Exception):
    """The search was stopped while a trial was running."""


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


class Slot(Protocol):
    """Runs one request at a time."""

    def ask(self, request: Request, on_report: OnReport, emit: Line) -> SlotAnswer:
        """Has a training process answer a request.

        Args:
            request: What to do.
            on_report: Gets the reports that come before the answer, and says whether to go on.
            emit: Gets each line the process prints meanwhile.

        Raises:
            ChildLostError: The process died, or was ended for what the trial took. The next
                request gets a fresh one.
            SearchStoppedError: `Slots.stop` was called.
        """


class Slots(Protocol):
    """Where the trials of a search run."""

    note: Callable[[str], None]
    """Gets a line when something happens that people should know; may be replaced."""

    @property
    def count(self) -> int:
        """Number of trials that can run at the same time, now."""

    def lease(self) -> AbstractContextManager[Slot]:
        """A slot of one's own; waits for one to come free."""

    def stop(self) -> None:
        """Interrupts every trial; callers waiting for one get `SearchStoppedError`."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
