"""Progress of a search, in numbers and in one line, and the base of its displays."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from tuner.core.text import clean
from tuner.core.trial import Trial, TrialStatus

if TYPE_CHECKING:
    from tuner.oracles.oracle import Oracle


@dataclass(frozen=True, slots=True)
class Progress:
    """A search at one moment."""

    done: int
    """Trials that have ended and count, failed ones included."""
    failed: int
    running: int
    total: int | None
    """Trials the search will have; None if unknown."""
    best: Trial | None
    metric: str
    seconds_left: float | None

    def line(self) -> str:
        """Done, running, failed, best so far and time left."""
        return ", ".join(filter(None, [self.counts(), self.best_line(), self.time_left()]))

    def counts(self) -> str:
        """Done, running, failed."""
        total = "" if self.total is None else f"/{self.total}"
        return f"{self.done}{total} done, {self.running} running, {self.failed} failed"

    def time_left(self) -> str:
        """About how long the search will take; empty if unknown, and at its end."""
        if self.seconds_left is None or (self.total or 0) <= self.done:
            return ""
        return f"about {clock(self.seconds_left)} left"

    def best_line(self) -> str:
        """The best score and its trial; empty before there is one."""
        if self.best is None:
            return ""
        return f"best {self.best_score()} (trial {self.best.trial_id})"

    def best_score(self) -> str:
        return "" if self.best is None else f"{self.metric} {number(self.best.score)}"


def progress_of(oracle: Oracle, ended_before: int, seconds: float) -> Progress:
    """The progress of an oracle's search.

    Args:
        oracle: Has the history.
        ended_before: Number of trials that had ended when this process began.
        seconds: Time since then.
    """
    history = oracle.search_history
    done, total = history.counted_ends, oracle.planned_trials
    ended_here = len(history.end_order) - ended_before
    left = None
    if total is not None and ended_here > 0:
        left = seconds / ended_here * max(0, total - done)
    return Progress(
        done=done,
        failed=history.failed,
        running=len(oracle.ongoing_trials),
        total=total,
        best=history.best,
        metric=history.objective.name,
        seconds_left=left,
    )


def opening_line(oracle: Oracle, url: str) -> str:
    """What a search begins with: where it is, and what it goes on from."""
    done, again = len(oracle.end_order), len(oracle.search_history.running)
    if not oracle.trials:
        return f"Searching in {url}"
    line = f"Going on with {url}: {done} trials are done, {again} run again"
    return f"{line}; {oracle.changed_settings}" if oracle.changed_settings else line


def outcome_line(trial: Trial, metric: str) -> str:
    """How a trial ended: its score, or the last line of what went wrong."""
    if trial.status == TrialStatus.COMPLETED:
        return f"{metric} {number(trial.score)}"
    if trial.status == TrialStatus.RUNNING:
        return "will be tried again"
    return f"{trial.status.lower()}: {reason(trial)}"


def reason(trial: Trial) -> str:
    """The last line of the trial's message, which of a traceback is the exception."""
    lines = (trial.message or "").strip().splitlines()
    return clean(lines[-1]) if lines else "no reason was recorded"


def values_line(values: Mapping[str, Any]) -> str:
    """Hyperparameters in one line."""
    return " ".join(f"{clean(name)}={value_text(value)}" for name, value in values.items())


def value_text(value: Any) -> str:
    """A value of a hyperparameter, short."""
    return number(value) if isinstance(value, float) else clean(str(value))


def metrics_line(logs: Mapping[str, Any]) -> str:
    """The metrics of an epoch in one line."""
    return ", ".join(f"{clean(name)} {number(float(value))}" for name, value in logs.items())


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.5g}"


def clock(seconds: float) -> str:
    """A duration as m:ss or h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


class Display:
    """Shows nothing; base of those that show something. Safe to call from several threads."""

    replaces_bars = False
    """Whether Keras's own bars are left out, since this shows what they would."""

    redraws = False
    """Whether it has room for what changes with every batch."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self.ended_before = len(oracle.search_history.end_order)
        self.began = time.monotonic()
        self._trials_began: float | None = None

    def progress(self) -> Progress:
        now = time.monotonic()
        # Starting up tells nothing of how long trials take.
        seconds = now - (self._trials_began or now)
        with self.oracle.lock:  # trials begin and end in other threads
            return progress_of(self.oracle, self.ended_before, seconds)

    def note(self, text: str) -> None:
        """Says something that is not about one trial."""

    def trial_began(self, trial: Trial) -> None:
        del trial
        self._trials_began = self._trials_began or time.monotonic()

    def batch_ended(self, trial: Trial, epoch: int, batch: int, params: Mapping[str, Any]) -> None:
        """Called after a batch, where trials run in this process.

        Args:
            trial: Its trial.
            epoch: Its epoch, from 0.
            batch: Its number, from 0.
            params: Of the Keras callback: `epochs` and `steps`, which may be None.
        """

    def epoch_ended(self, trial: Trial, epoch: int, logs: Mapping[str, Any]) -> None:
        """Called after an epoch, counted from 0, with its metrics."""

    def trial_ended(self, trial: Trial) -> None:
        self.note(f"trial {trial.trial_id}: {outcome_line(trial, self.oracle.objective.name)}")

    def advanced(self) -> None:
        """Called after a trial's end, when those that could start have started, or more often."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass
