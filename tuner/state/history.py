"""Everything a search knows: the fold of its events."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

import numpy as np

from tuner.budget import Budget
from tuner.constraints import Constraint, create_constraints
from tuner.hyperparameters import HyperParameters, deserialize
from tuner.hyperparameters.sampling import Values, untried_values, values_key
from tuner.objective import Objective, objective_from_json
from tuner.state.earlier import EarlierTrial
from tuner.state.events import (
    CheckpointsDropped,
    EarlierTrialsRead,
    Event,
    JournalRepaired,
    OracleChanged,
    SearchEnded,
    SearchStarted,
    SpaceGrown,
    TrialCreated,
    TrialEnded,
    TrialRetried,
    ValuesEnqueued,
)
from tuner.state.project_info import ProjectInfo
from tuner.state.trials_by_id import TrialsById
from tuner.trial import Trial, TrialStatus


class History:
    """The trials of a search in the order of their creation, and the space they came from.

    It changes by `apply` alone, so that a history read from a journal and one that was lived
    through are the same. Algorithms read it and must not change what they find.
    """

    def __init__(self, objective: Objective, seed: int = 0) -> None:
        self.objective = objective
        self.seed = seed
        self.space = HyperParameters()
        self.trials = TrialsById()
        self.end_order: list[str] = []
        self.tried: set[str] = set()
        """Keys (`values_key`) of every configuration that has had a trial."""
        self.running: dict[str, Trial] = {}
        self.failed = 0
        self.completed = 0
        self.best: Trial | None = None
        self.max_trials: int | None = None
        self.started: float | None = None
        """Unix time of the first start of this search."""
        self.end_reason: str | None = None
        self.settings: dict[str, Any] = {}
        """Arguments of the oracle when the search was started last."""
        self.oracle_state: dict[str, Any] = {}
        """What an oracle keeps beyond this history."""
        self.enqueued: list[dict[str, Any]] = []
        """Values the user asked for, that have had no trial yet."""
        self.constraints: tuple[Constraint, ...] = ()
        """What a trial must keep to be one of the best."""
        self.earlier: dict[str, list[EarlierTrial]] = {}
        """Trials of earlier searches, by the URL of their project."""
        self.ended_before: dict[str, int] = {}
        """How many trials had ended when a trial was created."""
        self.dropped: set[str] = set()
        """Ids of trials whose weights were deleted, since they were not to be kept."""
        self._asked_for: set[str] = set()
        self._created: dict[str, tuple[int, dict[str, Any]]] = {}
        """Of running trials: how many parameters were known at their creation, and the values."""
        self._rungs: dict[tuple[int, int, int], list[Trial]] = defaultdict(list)

    @classmethod
    def of_project(cls, info: ProjectInfo) -> History:
        """An empty one, for the events of a project."""
        return cls(objective_from_json(info.objective), info.seed)

    def apply(self, event: Event) -> None:
        """Takes one more event into account."""
        match event:
            case SearchStarted():
                self._start(event)
            case SpaceGrown():
                self._grow(event)
            case ValuesEnqueued():
                self.enqueued.append(dict(event.values))
                self._asked_for.add(values_key(event.values))
            case TrialCreated():
                self._create(event)
            case TrialRetried():
                self._retry(event)
            case TrialEnded():
                self._end(event)
            case (
                CheckpointsDropped()
                | EarlierTrialsRead()
                | JournalRepaired()
                | OracleChanged()
                | SearchEnded()
            ):
                self._take(event)

    def _take(
        self,
        event: (
            CheckpointsDropped | EarlierTrialsRead | JournalRepaired | OracleChanged | SearchEnded
        ),
    ) -> None:
        match event:
            case CheckpointsDropped():
                self.dropped.update(event.trial_ids)
            case JournalRepaired():
                pass  # told for people; what was brought back stands beside it
            case OracleChanged():
                self.oracle_state = dict(event.state)
            case EarlierTrialsRead():
                earlier = [EarlierTrial(event.source, **trial) for trial in event.trials]
                self.earlier[event.source] = earlier
            case SearchEnded():
                self.end_reason = event.reason

    def replay(self, events: Iterable[Event]) -> None:
        for event in events:
            self.apply(event)

    def loss(self, trial: Trial) -> float:
        """The trial's score, turned so that lower is better.

        Infinite without a score, and where a constraint is violated.
        """
        if trial.score is None or not self.is_feasible(trial):
            return float("inf")
        return self.loss_of(trial.score)

    def loss_of(self, score: float) -> float:
        """A score, turned so that lower is better."""
        return -score if self.objective.direction == "max" else score

    def is_feasible(self, trial: Trial) -> bool:
        """Whether a trial that has ended keeps all constraints."""
        return all(constraint.holds(trial) for constraint in self.constraints)

    def ranked(self) -> list[Trial]:
        """The completed trials, best first; ties in the order of creation."""
        completed = [t for t in self.trials.values() if t.status == TrialStatus.COMPLETED]
        return sorted(completed, key=self.loss)

    def untried(self, rng: np.random.Generator) -> Values | None:
        """Random values that had no trial yet; None when there are none left."""
        if not self.space.space and not self.completed and not self.running:
            # Nobody got as far as to declare a hyperparameter: there is nothing to exhaust yet.
            return {}
        return untried_values(self.space, self.tried, rng)

    def was_changed(self, trial: Trial) -> bool:
        """Whether a running trial has met parameters that were not known at its creation."""
        known, values = self._created[trial.trial_id]
        hp = trial.hyperparameters
        return hp.values != values or hp.space != self.space.space[:known]

    def at_rung(self, sweep: int, bracket: int, rung: int) -> list[Trial]:
        """The trials that were granted the budget of one rung, in order of creation."""
        return self._rungs.get((sweep, bracket, rung), [])

    def was_asked_for(self, values: Values) -> bool:
        """Whether the user has asked for these values before, or they have had a trial."""
        key = values_key(values)
        return key in self._asked_for or key in self.tried

    def _start(self, event: SearchStarted) -> None:
        self.max_trials = event.max_trials
        self.settings = dict(event.settings)
        self.seed = self.settings.get("seed", self.seed)
        self._constrain(create_constraints(self.settings.get("constraints")))
        self.started = self.started or event.time
        self.end_reason = None
        for trial in self.running.values():
            trial.forget_outcome()
            trial.interruptions += 1

    def _constrain(self, constraints: tuple[Constraint, ...]) -> None:
        """Who is the best may be another now."""
        if constraints != self.constraints:
            self.constraints = constraints
            self.best = next((t for t in self.ranked() if self.is_feasible(t)), None)

    def _grow(self, event: SpaceGrown) -> None:
        grown = HyperParameters()
        for config in event.hyperparameters:
            grown.merge([deserialize(config)])
        self.space.merge(grown)

    def _create(self, event: TrialCreated) -> None:
        if event.trial_id in self.trials:
            return  # written twice by a process that never learnt of the first time
        budget = Budget.from_json(event.budget) if event.budget else None
        values = event.values if budget is None else {**event.values, **budget.as_values()}
        trial = Trial(self.space.with_values(values), trial_id=event.trial_id)
        trial.seed, trial.budget = event.seed, budget
        self.trials[trial.trial_id] = self.running[trial.trial_id] = trial
        self._created[trial.trial_id] = (len(self.space.space), dict(values))
        self.ended_before[trial.trial_id] = len(self.end_order)
        self.tried.add(values_key(event.values))
        if event.enqueued:
            del self.enqueued[:1]  # none, where a repaired journal has lost the request
        if budget is not None:
            self._rungs[budget.sweep, budget.bracket, budget.rung].append(trial)

    def _retry(self, event: TrialRetried) -> None:
        trial = self.trials[event.trial_id]
        trial.forget_outcome()
        match event.reason:
            case "lost":
                trial.losses += 1
            case "interrupted":
                # It is getting on: what was lost before need not count any more.
                trial.interruptions += 1 + trial.losses
                trial.losses = 0
            case _:
                trial.retries += 1

    def _end(self, event: TrialEnded) -> None:
        if event.trial_id not in self.running:
            return  # the first outcome stays
        trial = self.running.pop(event.trial_id)
        del self._created[trial.trial_id]
        if event.hyperparameters is not None:
            trial.hyperparameters = HyperParameters.from_config(event.hyperparameters)
            self.tried.add(values_key(trial.values))
        trial.set_outcome(
            {
                "metrics": event.metrics,
                "score": event.score,
                "best_step": event.best_step,
                "status": event.status,
                "message": event.message,
                "record": event.record,
            }
        )
        self.end_order.append(trial.trial_id)
        self._count(trial)

    def _count(self, trial: Trial) -> None:
        if trial.status != TrialStatus.COMPLETED:
            self.failed += 1
            return
        self.completed += 1
        if not self.is_feasible(trial):
            return
        if self.best is None or self.loss(trial) < self.loss(self.best):
            self.best = trial
