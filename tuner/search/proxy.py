"""The oracle as a training child sees it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tuner.errors import TrialInterruptedError
from tuner.oracle import Oracle
from tuner.trial import Trial, TrialStatus


class OracleProxy:
    """Stands in for the oracle where trials are run.

    It knows the trial at hand and sends what the trial reports to the process that searches. All
    else (the objective, limits, a subclass's own settings) is looked up on the study's oracle.

    Args:
        oracle: As the study built it; it has no history here.
        send: Takes a message as keyword arguments; answers why the trial is to end early, if so.
        interrupted: Whether the search is stopping.
    """

    def __init__(
        self,
        oracle: Oracle,
        send: Callable[..., str | None],
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        self._oracle = oracle
        self._send = send
        self._interrupted = interrupted
        self.trial: Trial | None = None

    def get_trial(self, trial_id: str) -> Trial:
        """The trial at hand. Raises KeyError for any other."""
        if self.trial is None or self.trial.trial_id != trial_id:
            raise KeyError(trial_id)
        return self.trial

    def update_trial(self, trial_id: str, metrics: Mapping[str, Any], step: int = 0) -> Trial:
        trial = self.get_trial(trial_id)
        trial.report(metrics, step, self._oracle.objective)
        if self._send(kind="metrics", metrics=dict(metrics), step=step) is not None:
            trial.status = TrialStatus.STOPPED
        return trial

    def report_epoch(self, trial_id: str, epoch: int, logs: Mapping[str, Any]) -> str | None:
        """Tells how far the trial is; answers why it is to end early, if it is."""
        del trial_id
        return self._send(kind="epoch", epoch=epoch, logs=dict(logs))

    @property
    def interrupted(self) -> bool:
        """Whether the search is stopping."""
        return self._interrupted()

    def check_not_interrupted(self) -> None:
        """Raises `TrialInterruptedError` when the search is stopping."""
        if self._interrupted():
            raise TrialInterruptedError

    def end_trial(self, trial: Trial) -> None:
        self._send(kind="ended", trial=trial.get_state())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._oracle, name)
