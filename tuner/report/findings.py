"""What the pictures of a search are drawn from."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tuner.hyperparameters import Fixed, HyperParameter
from tuner.results.tables import spread
from tuner.search.progress import reason
from tuner.state.events import Event, TrialRetried
from tuner.state.executions import curve, executions
from tuner.state.history import History
from tuner.state.project import Project
from tuner.trial import Trial, TrialStatus

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Findings:
    """A project as it is now; holds nothing of the process that searches."""

    project: Project
    history: History
    retries: list[TrialRetried]

    @classmethod
    def of(cls, project: Project) -> Findings:
        """Reads a project.

        Raises:
            FileNotFoundError: There is none.
        """
        fresh = Project(project.directory, project.name)
        info = fresh.info()
        if info is None:
            raise FileNotFoundError(f"Expected a project at {project.url}. Received: none.")
        history = History.of_project(info)
        events = fresh.events()
        history.replay(events)
        return cls(fresh, history, _retries(events))

    @property
    def metric(self) -> str:
        """Name of the objective."""
        return self.history.objective.name

    def trials(self) -> list[Row]:
        """One row a trial that has ended, in the order of their ends; `best` is the best so far."""
        rows: list[Row] = []
        incumbent: Trial | None = None
        for place, trial_id in enumerate(self.history.end_order, start=1):
            trial = self.history.trials[trial_id]
            completed = trial.status == TrialStatus.COMPLETED
            if completed and (incumbent is None or self._beats(trial, incumbent)):
                incumbent = trial
            best = None if incumbent is None else incumbent.score
            rows.append({**describe(trial), "ended as": place, "best": best})
        return rows

    def leaderboard(self, rows: int = 10) -> list[Row]:
        """The best trials, best first."""
        return [describe(trial) for trial in self.history.ranked()[:rows]]

    def parameters(self) -> list[HyperParameter]:
        """Those that the search varies, one a name."""
        distinct = {p.name: p for p in self.history.space.space if not isinstance(p, Fixed)}
        return list(distinct.values())

    def curves(self, trial_ids: Iterable[str]) -> list[Row]:
        """One row an epoch of these trials' executions: `trial`, `execution`, `epoch`, `value`."""
        wanted = set(trial_ids)
        return [
            {"trial": trial_id, "execution": number, "epoch": epoch + 1, "value": metrics[name]}
            for trial_id, number, execution in executions(self.project, self.history)
            if trial_id in wanted
            for epoch, metrics in curve(execution)
            for name in [self.curve_metric(metrics)]
            if name is not None and math.isfinite(metrics[name] or math.nan)
        ]

    def curve_metric(self, metrics: Mapping[str, float]) -> str | None:
        """What a learning curve shows: the objective, or what comes closest to it."""
        names = [self.metric, *(self._names_of_objectives()), "val_loss", "loss"]
        return next((name for name in names if name in metrics), None)

    def _names_of_objectives(self) -> list[str]:
        return [each.name for each in getattr(self.history.objective, "objectives", [])]

    def _beats(self, trial: Trial, other: Trial) -> bool:
        return self.history.loss(trial) < self.history.loss(other)


def describe(trial: Trial) -> Row:
    """A trial as a row: how it ended, where and when it ran, its values."""
    record = trial.record
    scores = record.get("scores") or []
    return {
        "trial": trial.trial_id,
        "status": trial.status.lower(),
        "score": trial.score,
        "spread": spread(scores),
        "executions": len(scores) or None,
        "best epoch": None if trial.score is None else (trial.best_step or 0) + 1,
        "started": record.get("started"),
        "ended": record.get("ended"),
        "seconds": trial.seconds,
        "place": " ".join(
            part
            for part in (record.get("host"), record.get("slot") and f"slot {record['slot']}")
            if part
        ),
        "tries": trial.tries,
        "values": trial.values,
        "why": reason(trial) if trial.status == TrialStatus.FAILED else "",
    }


def _retries(events: Iterable[Event]) -> list[TrialRetried]:
    return [event for event in events if isinstance(event, TrialRetried)]
