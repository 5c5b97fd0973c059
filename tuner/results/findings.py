"""A project as it was read, and the rows and models that figures and tables share."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from tuner.core.hyperparameters import Fixed, HyperParameter
from tuner.core.objective import Objective, single_objectives
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.events import Event, TrialCreated, TrialRetried
from tuner.journal.executions import best_epoch, curve, executions
from tuner.journal.folding import replay
from tuner.journal.history import History
from tuner.journal.project import Project
from tuner.journal.reading import read_history
from tuner.oracles.outlook import MOST, Outlook, outlook
from tuner.results.importance import Importances, importances_by
from tuner.results.score_model import ScoreModel, Selection, fit_scores, score_of, select
from tuner.results.tables import spread
from tuner.search.progress import reason

Row = dict[str, Any]


@dataclass(frozen=True)
class Findings:
    """A project as it was read; holds nothing of the process that searches.

    What is expensive is worked out once, when it is asked for first.
    """

    project: Project
    history: History
    retries: list[TrialRetried]
    created: Mapping[str, float] = field(default_factory=dict)
    """When each trial was created, a Unix time."""

    @classmethod
    def of(cls, project: Project) -> Findings:
        """Reads a project.

        Raises:
            FileNotFoundError: There is none.
        """
        fresh = project.anew()
        history, events = read_history(fresh)
        return cls(fresh, history, _retries(events), _created(events))

    def after(self, events: Sequence[Event]) -> Findings:
        """The findings with more events, which the history is told of."""
        replay(self.history, events)
        retries = [*self.retries, *_retries(events)]
        return Findings(self.project, self.history, retries, {**self.created, **_created(events)})

    @property
    def name(self) -> str:
        """Of the project."""
        return self.project.name

    @property
    def metric(self) -> str:
        """Name of the objective."""
        return self.history.objective.name

    @property
    def direction(self) -> str:
        """Of the objective: `"min"` or `"max"`."""
        return self.history.objective.direction

    @property
    def objectives(self) -> list[Objective]:
        """The objectives there are, one or several."""
        return single_objectives(self.history.objective)

    @cached_property
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

    @cached_property
    def ranked(self) -> list[Trial]:
        """The completed trials, best first."""
        return self.history.ranked()

    def leaderboard(self, rows: int = 10) -> list[Row]:
        """The best trials, best first."""
        return [describe(trial) for trial in self.ranked[:rows]]

    @cached_property
    def parameters(self) -> list[HyperParameter]:
        """Those that the search varies, one a name, the most important first."""
        distinct = {p.name: p for p in self.history.space.space if not isinstance(p, Fixed)}
        return sorted(distinct.values(), key=lambda p: -self.importances.value(p.name))

    @cached_property
    def selected(self) -> Selection:
        """The trials of equal budget, whose scores can be compared."""
        return select(self.history)

    @cached_property
    def model(self) -> ScoreModel | None:
        """A model of the scores of trials of equal budget, None where there are too few."""
        return fit_scores(self.history, self.selected)

    @cached_property
    def outlook(self) -> Outlook | None:
        """What a model expects of more trials; None with too few of them, or very many."""
        return outlook(self.history) if self.history.completed <= MOST else None

    @cached_property
    def importances(self) -> Importances:
        """How much each hyperparameter matters for what the search improves."""
        return importances_by(self.model, self.selected)

    def objective_value(self, trial: Trial, objective: Objective) -> float | None:
        """A trial's value of one of the objectives."""
        if len(self.objectives) == 1:
            return trial.score
        return score_of(trial, objective, self.history)

    def curves(self, trial_ids: Collection[str]) -> list[Row]:
        """One row an epoch of these trials' executions: `trial`, `execution`, `epoch`, `value`."""
        return [
            {"trial": trial_id, "execution": number, "epoch": epoch + 1, "value": metrics[name]}
            for trial_id, number, execution in executions(self.project, self.history, trial_ids)
            for epoch, metrics in curve(execution)
            for name in [self.curve_metric(metrics)]
            if name is not None and math.isfinite(metrics[name] or math.nan)
        ]

    def curve_metric(self, metrics: Mapping[str, float]) -> str | None:
        """What a learning curve shows: the objective, or what comes closest to it."""
        names = [self.metric, *(each.name for each in self.objectives), "val_loss", "loss"]
        return next((name for name in names if name in metrics), None)

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
        "best epoch": best_epoch(trial),
        "started": record.get("started"),
        "ended": record.get("ended"),
        "seconds": trial.seconds,
        "slot": " ".join(
            part
            for part in (record.get("host"), record.get("slot") and f"slot {record['slot']}")
            if part
        ),
        "tries": trial.tries,
        "values": trial.values,
        "why": reason(trial) if trial.status == TrialStatus.FAILED else "",
    }


def _created(events: Iterable[Event]) -> dict[str, float]:
    return {event.trial_id: event.time for event in events if isinstance(event, TrialCreated)}


def _retries(events: Iterable[Event]) -> list[TrialRetried]:
    return [event for event in events if isinstance(event, TrialRetried)]
