"""Everything a search knows: the fold of its events."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from tuner.core.hyperparameters import HyperParameters, deserialize
from tuner.core.hyperparameters.sampling import Values, is_legal, untried_values, values_key
from tuner.core.objective import (
    Constraint,
    Objective,
    create_constraints,
    non_dominated,
    objective_from_json,
    single_objectives,
)
from tuner.core.outcome import Outcome
from tuner.core.proposal import Budget
from tuner.core.trial import Trial, TrialStatus
from tuner.core.typed import FORGED, misunderstood
from tuner.journal.counting import Counting
from tuner.journal.events import (
    CheckpointsDropped,
    EarlierTrialsRead,
    Event,
    JournalRepaired,
    ObjectiveChanged,
    OracleChanged,
    SearchEnded,
    SearchStarted,
    SpaceChanged,
    SpaceGrown,
    StudyDeclared,
    TrialCreated,
    TrialEnded,
    TrialReopened,
    TrialRetried,
    ValuesEnqueued,
)
from tuner.journal.project import ProjectInfo, Told
from tuner.journal.trials import OUTSIDERS, EarlierTrial, Given, TrialsById, trial_id_of

OF_TRIALS = (TrialCreated, TrialRetried, TrialEnded, CheckpointsDropped, OracleChanged)
"""Events that leave what the ended trials told as it was."""


class History:
    """The trials of a search in the order of their creation, and the space they came from.

    It changes by `apply` alone, so that a history read from a journal and one that was lived
    through are the same. Algorithms read it and must not change what they find.
    """

    def __init__(
        self, objective: Objective, seed: int = 0, constraints: tuple[Constraint, ...] = ()
    ) -> None:
        self.objective = objective
        self.seed = seed
        self.space = HyperParameters()
        self.trials = TrialsById()
        self.end_order: list[str] = []
        self.tried: set[str] = set()
        """Keys (`values_key`) of every configuration that has had a trial."""
        self.running: dict[str, Trial] = {}
        self.completed = self.failed = 0
        self.best: Trial | None = None
        self.max_trials: int | None = None
        self.started: float | None = None
        """Unix time of the first start of this search."""
        self.end_reason: str | None = None
        self.was_cut_off = False
        """Whether the search had been started before, and left without an end."""
        self.settings: dict[str, Any] = {}
        """Arguments of the oracle when the search was started last."""
        self.oracle_state: dict[str, Any] = {}
        """What an oracle keeps beyond this history."""
        self.enqueued: list[dict[str, Any]] = []
        """Values the user asked for, that have had no trial yet."""
        self.constraints = constraints
        """What a trial must keep to be one of the best."""
        self.earlier: dict[str, list[EarlierTrial]] = {}
        """Trials of earlier searches, by the URL of their project."""
        self.ended_before: dict[str, int] = {}
        """How many trials had ended when a trial was created."""
        self.dropped: set[str] = set()
        """Ids of trials whose weights were deleted, since they were not to be kept."""
        self.counting = Counting()
        """Which trials count, where the study has changed since they ran."""
        self.training: dict[str, Any] = {}
        """How long trials train: plain values by the name of the argument."""
        self.study: str | None = None
        """Digest of the study's code when the search was started last."""
        self.failed_under: dict[str, str | None] = {}
        """That digest when a trial failed, by its id."""
        self.began_at = 0
        """How many trials had ended when the search was started last."""
        self.changed_at = 0
        """How many trials had ended when it was last asked which trials count, and by what."""
        self.rescored = False
        """Whether the objective was another one before."""
        self.outlooks: dict[int, Any] = {}
        """What a model expected after so many ends of trials; forgotten where `OF_TRIALS` has not
        the event."""
        self._asked_for: set[str] = set()
        self.given = Given()
        """What running trials were given."""
        self._rungs: dict[tuple[int, int, int], list[Trial]] = defaultdict(list)

    @classmethod
    def of_project(cls, info: ProjectInfo) -> History:
        """An empty one, for the events of a project."""
        return cls(objective_from_json(info.objective), info.seed)

    def apply(self, event: Event) -> None:
        """Takes one more event into account."""
        if not isinstance(event, OF_TRIALS):
            self.outlooks.clear()
        match event:
            case SearchStarted():
                self._start(event)
            case SpaceGrown() | SpaceChanged() | StudyDeclared() | ObjectiveChanged():
                self._learn_of_study(event)
            case ValuesEnqueued():
                self.enqueued.append(dict(event.values))
                self._asked_for.add(values_key(event.values))
            case TrialCreated():
                self._create(event)
            case TrialRetried():
                self._retry(event)
            case TrialEnded():
                self._end(event)
            case TrialReopened():
                self._reopen(event)
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

    def replay_entries(self, entries: Iterable[Told]) -> None:
        """Takes into account what stands in entries of a journal.

        Raises:
            CorruptError: An entry does not follow from those before it.
        """
        for entry in entries:
            try:
                self.replay(entry.events)
            except FORGED as error:
                raise misunderstood(entry.where, error) from error

    def loss(self, trial: Trial) -> float:
        """The trial's score, turned so that lower is better.

        Infinite without a score, where a constraint is violated, and if it does not count.
        """
        if trial.score is None or not self.counts(trial) or not self.is_feasible(trial):
            return float("inf")
        return self.loss_of(trial.score)

    def loss_of(self, score: float) -> float:
        """A score, turned so that lower is better."""
        return self.objective.loss(score)

    def is_feasible(self, trial: Trial) -> bool:
        """Whether a trial that has ended keeps all constraints."""
        return all(constraint.holds(trial) for constraint in self.constraints)

    def counts(self, trial: Trial) -> bool:
        """Whether the trial is one of the search as its study is now; see `Counting`."""
        return trial.trial_id not in self.counting.aside

    @property
    def counted(self) -> int:
        """How many trials count, running ones included."""
        return len(self.trials) - len(self.counting.aside)

    @property
    def counted_ends(self) -> int:
        """How many trials that count have ended."""
        return self.ends_since(0)

    def ends_since(self, place: int) -> int:
        """How many trials that count have ended since a place in `end_order`."""
        aside = self.counting.aside
        return sum(trial_id not in aside for trial_id in self.end_order[place:])

    def ranked(self) -> list[Trial]:
        """The completed trials that count, best first; ties in the order of creation."""
        completed = [
            t for t in self.trials.values() if t.status == TrialStatus.COMPLETED and self.counts(t)
        ]
        return sorted(completed, key=self.loss)

    def pareto_front(self) -> list[Trial]:
        """The completed trials that no other beats in every objective, best sum first.

        Of equal trials all are kept. With a single objective these are its best trials.
        """
        trials, objectives = self.ranked(), single_objectives(self.objective)
        if not trials:
            return []
        values = [[t.metrics.get_best_value(o.name) for o in objectives] for t in trials]
        losses = [
            [math.inf if v is None else o.loss(v) for o, v in zip(objectives, row, strict=True)]
            for row in values
        ]
        kept = non_dominated(np.array(losses))
        return [trial for trial, is_kept in zip(trials, kept, strict=True) if is_kept]

    def untried(self, rng: np.random.Generator) -> Values | None:
        """Random values that had no trial yet; None when there are none left."""
        if not self.space.space and not self.completed and not self.running:
            # Nobody got as far as to declare a hyperparameter: there is nothing to exhaust yet.
            return {}
        return untried_values(self.space, self.tried, rng)

    def hold(self, trial: Trial) -> None:
        """Has this object stand for the trial of its id, since a program holds it already."""
        known = self.trials[trial.trial_id]
        trial.seed, trial.budget = known.seed, known.budget
        self.trials.put(trial)
        if known.trial_id in self.running:
            self.running[known.trial_id] = trial
        if self.best is known:
            self.best = trial

    def next_id(self) -> str:
        """The id of the next trial: its number, unless a program has given that id to another."""
        number = len(self.trials)
        while trial_id_of(number) in self.trials:
            number += 1
        return trial_id_of(number)

    def at_rung(self, sweep: int, bracket: int, rung: int) -> list[Trial]:
        """The trials that count and were granted the budget of a rung, in order of creation."""
        granted = self._rungs.get((sweep, bracket, rung), [])
        return [t for t in granted if self.counts(t)] if self.counting.aside else granted

    def was_asked_for(self, values: Values) -> bool:
        """Whether the user has asked for these values before, or they have had a trial."""
        key = values_key(values)
        return key in self._asked_for or key in self.tried

    def _start(self, event: SearchStarted) -> None:
        self.max_trials = event.max_trials
        self.settings = dict(event.settings)
        self.seed = self.settings.get("seed", self.seed)
        self._constrain(create_constraints(self.settings.get("constraints")))
        self.was_cut_off = self.started is not None and self.end_reason is None
        self.started = self.started or event.time
        self.study = event.study
        self.began_at = len(self.end_order)
        self.end_reason = None
        for trial in self.running.values():
            trial.forget_outcome()
            trial.interruptions += 1

    def _constrain(self, constraints: tuple[Constraint, ...]) -> None:
        """Who is the best may be another now."""
        if constraints != self.constraints:
            self.constraints = constraints
            self._find_best()

    def _find_best(self) -> None:
        self.best = next((t for t in self.ranked() if self.is_feasible(t)), None)

    def _learn_of_study(
        self, event: SpaceGrown | SpaceChanged | StudyDeclared | ObjectiveChanged
    ) -> None:
        match event:
            case SpaceGrown():
                self._grow(event)
            case SpaceChanged():
                self._change_space(event)
            case StudyDeclared():
                self._declare_study(event)
            case ObjectiveChanged():
                self._change_objective(event)

    def _grow(self, event: SpaceGrown) -> None:
        grown = _space_of(event.hyperparameters)
        self.space.merge(grown)
        if not self.trials and not event.met:
            self.counting.declare(self.space.space)
        elif self.counting.changes:
            self._recount()  # what was gone may be back

    def _change_space(self, event: SpaceChanged) -> None:
        self.space = _space_of(event.hyperparameters)
        self.counting.declare(self.space.space[: event.declared])
        self.changed_at = len(self.end_order)
        self._recount()
        self.enqueued = [values for values in self.enqueued if is_legal(self.space, values)]
        if event.trial_id is None:  # else they run, in the space that they were given
            for trial in self.running.values():
                self._hand_out(trial)

    def _declare_study(self, event: StudyDeclared) -> None:
        counting = self.counting
        before = counting.data_version, counting.stale
        self.training = dict(event.training)
        counting.take_data(event.data_version, event.stale, self.running)
        if before != (event.data_version, event.stale) and self.trials:
            self.changed_at = len(self.end_order)
            self._recount()

    def _change_objective(self, event: ObjectiveChanged) -> None:
        self.objective = objective_from_json(event.objective)
        self.rescored = True
        for trial_id, outcome in event.outcomes.items():
            self.trials[trial_id].take_score(outcome)
            self.failed_under[trial_id] = self.study
        ended = [self.trials[trial_id] for trial_id in self.end_order]
        self.completed = sum(t.status == TrialStatus.COMPLETED for t in ended)
        self.failed = sum(_failed(t) for t in ended)
        for trial in self.running.values():
            trial.reopen()  # what it has left was the best by the objective before
        self.changed_at = len(self.end_order)
        self.earlier.clear()
        self._learn_from_outsiders()
        self._find_best()

    def _hand_out(self, trial: Trial) -> None:
        """Gives a trial that is to run again the space as it is now, if it lies inside."""
        if self.counts(trial):
            own = {k: v for k, v in trial.hyperparameters.values.items() if k.startswith("tuner/")}
            values = {**self.counting.values_of(trial), **own}
            trial.hyperparameters = self.space.with_values(values)
            self.given.put(trial)

    def _recount(self) -> None:
        """Asks anew which trials count, and all that follows from it."""
        counting = self.counting
        counting.recount(self.space, self.trials)
        counted = [trial for trial in self.trials.values() if self.counts(trial)]
        self.tried = {self._key_of(trial) for trial in counted}
        self._find_best()
        self._learn_from_outsiders()

    def _learn_from_outsiders(self) -> None:
        self.earlier.pop(OUTSIDERS, None)
        outside = [t for t in self.trials.values() if t.score is not None and not self.counts(t)]
        if outside:
            self.earlier[OUTSIDERS] = [EarlierTrial.outside(trial) for trial in outside]

    def _key_of(self, trial: Trial) -> str:
        return values_key(self.counting.values_of(trial))

    def _create(self, event: TrialCreated) -> None:
        if event.trial_id in self.trials:
            return  # written twice by a process that never learnt of the first time
        budget = Budget.from_json(event.budget) if event.budget else None
        values = event.values if budget is None else {**event.values, **budget.as_values()}
        trial = Trial(self.space.with_values(values), trial_id=event.trial_id)
        trial.seed, trial.budget = event.seed, budget
        self.trials.put(trial)
        self.running[trial.trial_id] = trial
        self.counting.begin(trial.trial_id)
        self.given.put(trial)
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
        given = self.given.taken(trial)
        if event.hyperparameters is not None:
            self.tried -= {values_key(given), self._key_of(trial)}
            trial.hyperparameters = HyperParameters.from_config(event.hyperparameters)
            if self.counting.changes and self.counts(trial):
                self.counting.place(self.space, trial)
            if self.counts(trial):
                self.tried.add(self._key_of(trial))
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

    def _reopen(self, event: TrialReopened) -> None:
        trial = self.trials[event.trial_id]
        if trial.trial_id in self.running:
            return
        place = self.end_order.index(trial.trial_id)
        del self.end_order[place]
        self.began_at -= place < self.began_at
        self.changed_at -= place < self.changed_at
        self.completed -= trial.status == TrialStatus.COMPLETED
        self.failed -= _failed(trial)
        trial.forget_outcome()
        trial.reopen()
        if trial is self.best:
            self._find_best()
        self.counting.begin(trial.trial_id)
        self.running[trial.trial_id] = trial
        self.dropped.discard(trial.trial_id)
        self.given.put(trial)
        self._hand_out(trial)

    def _count(self, trial: Trial) -> None:
        if trial.outcome == Outcome.WITHDRAWN:
            return
        if trial.status != TrialStatus.COMPLETED:
            self.failed += 1
            self.failed_under[trial.trial_id] = self.study
            return
        self.completed += 1
        if not self.is_feasible(trial) or not self.counts(trial):
            return
        if self.best is None or self.loss(trial) < self.loss(self.best):
            self.best = trial


def _failed(trial: Trial) -> bool:
    """Whether a trial has failed, which one that was withdrawn has not."""
    return trial.status == TrialStatus.FAILED and trial.outcome != Outcome.WITHDRAWN


def _space_of(configs: Iterable[Mapping[str, Any]]) -> HyperParameters:
    space = HyperParameters()
    for config in configs:
        space.merge([deserialize(config)])
    return space
