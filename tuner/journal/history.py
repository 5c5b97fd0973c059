"""Everything a search knows; `folding` has it take what happens."""

from __future__ import annotations

import itertools
from collections import defaultdict
from typing import TYPE_CHECKING, Any

from tuner.core.hyperparameters import HyperParameters
from tuner.core.hyperparameters.sampling import Values, untried_values, values_key
from tuner.core.objective import (
    Constraint,
    Objective,
    non_dominated,
    objective_from_json,
    single_objectives,
)
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.counting import Counting
from tuner.journal.project import ProjectInfo
from tuner.journal.trials import EarlierTrial, Given, TrialsById

if TYPE_CHECKING:
    import numpy as np


class History:
    """The trials of a search in the order of their creation, and the space they came from.

    It changes by `folding.apply` alone, so that one that was read from a journal and one that was
    lived through are the same. Algorithms read it and must not change what they find.
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
        """What a model expected after so many ends of trials; forgotten with each event that
        changes what they told."""
        self.asked_for: set[str] = set()
        self.given = Given()
        """What running trials were given."""
        self.rungs: dict[tuple[int, int, int], list[Trial]] = defaultdict(list)

    @classmethod
    def of_project(cls, info: ProjectInfo) -> History:
        """An empty one, for the events of a project."""
        return cls(objective_from_json(info.objective), info.seed)

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
        losses = [[o.loss_in(trial.metrics) for o in objectives] for trial in trials]
        return list(itertools.compress(trials, non_dominated(losses))) if trials else []

    def untried(self, rng: np.random.Generator) -> Values | None:
        """Random values that had no trial yet; None when there are none left."""
        if not self.space.space and not self.completed and not self.running:
            # No hyperparameter was declared yet: there is nothing to exhaust.
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

    def at_rung(self, sweep: int, bracket: int, rung: int) -> list[Trial]:
        """The trials that count and were granted the budget of a rung, in order of creation."""
        granted = self.rungs.get((sweep, bracket, rung), [])
        return [t for t in granted if self.counts(t)] if self.counting.aside else granted

    def was_asked_for(self, values: Values) -> bool:
        """Whether the user has asked for these values before, or they have had a trial."""
        key = values_key(values)
        return key in self.asked_for or key in self.tried
