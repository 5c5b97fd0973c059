"""How far a search is, in numbers and in one line."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.oracle import Oracle
from tuner.trial import Trial, TrialStatus


@dataclass(frozen=True, slots=True)
class Progress:
    """A search at one moment."""

    done: int
    """Trials that have ended, failed ones included."""
    failed: int
    running: int
    total: int | None
    """Trials the search will have; None when nobody can say."""
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
        """About how long the search will take; empty when nobody can say, and at its end."""
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
    done, total = len(history.end_order), oracle.planned_trials
    ended_here = done - ended_before
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
    return lines[-1] if lines else "no reason was recorded"


def values_line(values: Mapping[str, Any]) -> str:
    """Hyperparameters in one line."""
    return " ".join(f"{k}={number(v) if isinstance(v, float) else v}" for k, v in values.items())


def metrics_line(logs: Mapping[str, Any]) -> str:
    """The metrics of an epoch in one line."""
    return ", ".join(f"{name} {number(float(value))}" for name, value in logs.items())


def number(value: float | None) -> str:
    return "-" if value is None else f"{value:.5g}"


def clock(seconds: float) -> str:
    """A duration as m:ss or h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
