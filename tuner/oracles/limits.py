"""When a search has done enough: pure functions of its history."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, field
from typing import Any, Literal, TypedDict

from tuner.core.objective import MultiObjective, Objective
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.history import History

HOUR = 3600.0
SETTLED = "settled"


class LimitArguments(TypedDict, total=False):
    """The limits that an oracle takes as keyword arguments; see `Limits`."""

    target: float | None
    patience: int | None
    max_total_epochs: int | None
    max_device_hours: float | None
    until: Literal["settled"] | None


def _limit(text: str, least: float | None = None, *, once: bool = False) -> Any:
    """A field of `Limits`.

    Args:
        text: What the command line and the form say of it.
        least: The smallest value that they take; None for any number.
        once: Whether it is of one run of the search; the others are of the search.
    """
    return field(default=None, metadata={"help": text, "least": least, "once": once})


@dataclass(frozen=True, slots=True)
class Limits:
    """What ends a search before its trials are used up; nothing that is None.

    A new one is a field here, a line in `reason_to_stop` and, unless it is of one run only, an
    entry of `LimitArguments`.

    Raises:
        ValueError: A limit is not positive.
    """

    timeout: float | None = _limit("Seconds after which no more trials begin.", 1, once=True)
    target: float | None = _limit(
        "Score that is good enough: no more trials begin once one has it."
    )
    """In the direction of the objective."""
    patience: int | None = _limit("Trials that may end without a better score than the best.", 1)
    max_total_epochs: int | None = _limit("Epochs that all trials together may train.", 1)
    max_device_hours: float | None = _limit("Hours that all trials together may train.", 0.001)
    """Summed over slots."""
    until: Literal["settled"] | None = _limit(
        "settled: no more trials begin once a model expects hardly any improvement of them."
    )

    def __post_init__(self) -> None:
        if self.until not in (None, SETTLED):
            msg = f"Expected `until` to be {SETTLED!r} or None."
            raise ValueError(f"{msg} Received: until={self.until!r}.")
        for name in NUMBERS:
            value = getattr(self, name)
            if value is not None and not (value > 0 or (name == "target" and value == value)):  # noqa: PLR0124 - NaN
                kind = "a number" if name == "target" else "positive"
                hint = " of seconds" if name == "timeout" else ""
                msg = f"Expected `{name}` to be {kind}{hint}"
                raise ValueError(f"{msg}. Received: {name}={value!r}.")

    def check_objective(self, objective: Objective) -> None:
        """Raises ValueError where a rule makes no sense for the objective."""
        if self.until is not None and isinstance(objective, MultiObjective):
            names = ", ".join(objective.name_to_direction)
            msg = f"Expected a single objective with until={self.until!r}"
            raise ValueError(f"{msg}. Received: {names}. Use `patience` or `timeout` instead.")

    def reason_to_stop(self, history: History, next_epochs: int = 0) -> str | None:
        """Why no more trials are to begin, None when some may.

        Args:
            history: Everything that has happened.
            next_epochs: Epochs that the next trial would be granted.
        """
        return (
            self._target_reached(history)
            or self._patience_spent(history)
            or self._epochs_spent(history, next_epochs)
            or self._hours_spent(history)
            or self._settled(history)
        )

    def _target_reached(self, history: History) -> str | None:
        best = history.best
        if self.target is None or best is None or best.score is None:
            return None
        worse = history.objective.better_than(self.target, best.score)
        if worse:
            return None
        return f"the target of {self.target:.5g} is reached"

    def _patience_spent(self, history: History) -> str | None:
        if self.patience is None or history.best is None:
            return None
        best = history.end_order.index(history.best.trial_id)
        since = history.ends_since(max(best + 1, history.changed_at))
        if since < self.patience:
            return None
        return f"no better score for {since} trials"

    def _epochs_spent(self, history: History, next_epochs: int) -> str | None:
        if self.max_total_epochs is None:
            return None
        spent = epochs_spent(history)
        if spent < self.max_total_epochs and spent + next_epochs <= self.max_total_epochs:
            return None
        return f"{spent} epochs are spent, of {self.max_total_epochs}"

    def _hours_spent(self, history: History) -> str | None:
        if self.max_device_hours is None:
            return None
        hours = sum(trial.seconds or 0.0 for trial in history.trials.values()) / HOUR
        if hours < self.max_device_hours:
            return None
        return f"{hours:.2f} device hours are spent, of {self.max_device_hours:g}"

    def _settled(self, history: History) -> str | None:
        if self.until is None:
            return None
        from tuner.oracles.outlook import settled  # brings SciPy, which other searches go without

        found = settled(history)
        if found is None:
            return None
        told = f"{max(found.improvement, 0.0):.2g} of {history.objective.name}"
        return f"{SETTLED}: expected further improvement {told}"


NAMES = tuple(Limits.__dataclass_fields__)
NUMBERS = tuple(name for name in NAMES if name != "until")


def check_consecutive_failures(history: History, limit: int) -> None:
    """Raises RuntimeError when so many of the trials that ended last have failed, one and all.

    What ended before the search was started this time is past: the study may have been mended.
    """
    ends = history.end_order[history.began_at :]
    ended = (history.trials[trial_id] for trial_id in reversed(ends))
    counted = (t for t in ended if not t.infeasible and history.counts(t))
    last = list(itertools.islice(counted, limit))
    if len(last) == limit and all(t.status == TrialStatus.FAILED for t in last):
        msg = f"Number of consecutive failures exceeded the limit of {limit}.\n"
        raise RuntimeError(msg + (last[0].message or ""))


def epochs_spent(history: History) -> int:
    """Epochs that trials have trained, and those that running ones were granted."""
    return sum(_epochs_of(trial) for trial in history.trials.values())


def _epochs_of(trial: Trial) -> int:
    trained = trial.record.get("epochs")
    if trained is not None:
        return int(trained)
    # Not counted: it runs, or it is no Keras model.
    failed = trial.status == TrialStatus.FAILED
    granted = 0 if trial.budget is None else trial.budget.epochs - trial.budget.initial_epoch
    return 0 if failed else math.ceil(granted)
