"""When a search has done enough: pure functions of its history."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass, fields

from tuner.state.history import History
from tuner.trial import Trial, TrialStatus

HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class StoppingRules:
    """What ends a search before its trials are used up; nothing that is None.

    Args:
        target: Score that is good enough, in the direction of the objective.
        patience: Trials that end without a better score than the best.
        max_total_epochs: Epochs of all trials together.
        max_device_hours: Hours that trials have trained, summed over slots.

    Raises:
        ValueError: A limit is not positive.
    """

    target: float | None = None
    patience: int | None = None
    max_total_epochs: int | None = None
    max_device_hours: float | None = None

    def __post_init__(self) -> None:
        for name in (f.name for f in fields(self)):
            value = getattr(self, name)
            if value is not None and not (value > 0 or (name == "target" and value == value)):  # noqa: PLR0124 - NaN
                kind = "a number" if name == "target" else "positive"
                raise ValueError(f"Expected `{name}` to be {kind}. Received: {name}={value!r}.")

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
        since = len(history.end_order) - 1 - history.end_order.index(history.best.trial_id)
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


def check_consecutive_failures(history: History, limit: int) -> None:
    """Raises RuntimeError when so many of the trials that ended last have failed, one and all."""
    ended = (history.trials[trial_id] for trial_id in reversed(history.end_order))
    last = list(itertools.islice((t for t in ended if not t.infeasible), limit))
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
    # Nobody counted: it runs, or it is no Keras model.
    failed = trial.status == TrialStatus.FAILED
    granted = 0 if trial.budget is None else trial.budget.epochs - trial.budget.initial_epoch
    return 0 if failed else math.ceil(granted)
