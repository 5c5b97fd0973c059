"""Stops trials that will not be among the best, while they are running."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import median
from typing import Any

from tuner.core.objective import Objective
from tuner.core.trial import Trial
from tuner.journal.executions import curve, executions
from tuner.journal.history import History
from tuner.journal.ledger import Ledger
from tuner.journal.project import Project

Curve = Mapping[int, float]
"""The objective's value at each epoch so far, turned so that lower is better."""

StopPolicy = Callable[[Trial, Curve, Sequence[Curve]], "str | bool | None"]
"""Asked after each epoch: the trial, its curve, the curves of all others, running ones included.

Answers why the trial is to stop (or just True), and None or False when it goes on.
"""


class MedianStop:
    """Stops a trial whose best epoch so far is worse than the median of the others' averages.

    The rule of Google Vizier (Golovin et al. 2017, 3.2.2): the trial's best value up to epoch e
    against the median of the others' running averages up to e.

    Args:
        startup: Number of other trials that must have come as far.
        warmup: Number of epochs every trial is granted.
    """

    def __init__(self, startup: int = 5, warmup: int = 1) -> None:
        self.startup = startup
        self.warmup = warmup

    def __call__(self, trial: Trial, curve: Curve, others: Sequence[Curve]) -> str | None:
        del trial
        epoch = max(curve)
        averages = [
            sum(upto) / len(upto)
            for other in others
            if other and max(other) >= epoch
            for upto in ([value for at, value in other.items() if at <= epoch],)
            if upto
        ]
        if len(curve) <= self.warmup or len(averages) < self.startup:
            return None
        best, middle = min(curve.values()), median(averages)
        if best <= middle:
            return None
        return f"its best epoch of {len(curve)} is worse than the median of {len(averages)} trials"


def create_stop_policy(policy: Any) -> StopPolicy | None:
    """The policy that `stop_policy` names.

    Args:
        policy: None, `"median"` or a function; see `StopPolicy`.

    Raises:
        ValueError: It is something else.
    """
    if policy is None:
        return None
    if policy == "median":
        return MedianStop()
    if not callable(policy):
        msg = "Expected `stop_policy` to be None, 'median' or a function."
        raise ValueError(f"{msg} Received: stop_policy={policy!r}.")  # noqa: TRY004
    chosen: StopPolicy = policy
    return chosen


class Curves:
    """The curves of all trials, and the policy that judges them.

    A trial's curve is that of its first execution, or of what it reports by `update_trial`.

    Args:
        policy: Judges.
        objective: Whose values count.
    """

    def __init__(self, policy: StopPolicy, objective: Objective) -> None:
        self.policy = policy
        self.objective = objective
        self.recalled = False
        """Whether the curves of trials that ended in an earlier run are known."""
        self._curves: dict[str, dict[int, float]] = {}

    def report(
        self, trial: Trial, epoch: int, logs: Mapping[str, Any], known: Ledger
    ) -> str | None:
        """Takes in one epoch; why the trial is to stop, None when it goes on.

        Args:
            trial: The trial.
            epoch: Epoch, from 0.
            logs: Metrics of that epoch.
            known: Has the trials of earlier runs, whose curves count too.
        """
        if not self.recalled:
            self.recall(known.project, known.history)
        return self.judge(trial) if self.add(trial.trial_id, epoch, logs) else None

    def recall(self, project: Project | None, history: History) -> None:
        """Reads the curves of the trials that have ended."""
        self.recalled = True
        if project is None:
            return
        for trial_id, number, execution in executions(project, history):
            for epoch, values in curve(execution) if number == 0 else ():
                self.add(trial_id, epoch, values)
        for trial in history.trials.values():
            metric = trial.metrics.metrics.get(self.objective.name)
            for observed in metric.get_history() if metric and trial.ended else ():
                self.add(trial.trial_id, observed.step, {self.objective.name: observed.mean()})

    def add(self, trial_id: str, epoch: int, logs: Mapping[str, Any]) -> bool:
        """Takes in one epoch; whether it is news."""
        if not self.objective.has_value(logs):
            return False
        value = float(self.objective.get_value(logs))
        curve = self._curves.setdefault(trial_id, {})
        if value != value or (curve and epoch <= max(curve)):  # noqa: PLR0124 - NaN
            return False
        curve[epoch] = -value if self.objective.direction == "max" else value
        return True

    def forget(self, trial_id: str) -> None:
        """The trial begins again."""
        self._curves.pop(trial_id, None)

    def judge(self, trial: Trial) -> str | None:
        """Why the trial is to stop, None when it goes on."""
        others = [curve for other, curve in self._curves.items() if other != trial.trial_id]
        verdict = self.policy(trial, self._curves[trial.trial_id], others)
        if not verdict:
            return None
        return verdict if isinstance(verdict, str) else "the stop policy said so"
