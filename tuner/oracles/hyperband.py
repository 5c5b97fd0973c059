"""Hyperband (Li et al., 2018, https://jmlr.org/papers/v18/16-558.html), read off the history.

No bracket is stored: which rungs are full, who may be promoted and what comes next all follow
from the trials, so a resumed search asks what the uninterrupted one would have asked.
"""

from __future__ import annotations

import functools
import itertools
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Unpack

import numpy as np

from tuner.core.hyperparameters.sampling import Values
from tuner.core.proposal import Budget, Decision, Done, Proposal, Wait
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.history import History
from tuner.oracles.drawing import Recipe, check_sampler, draw
from tuner.oracles.limits import epochs_spent
from tuner.oracles.oracle import Oracle
from tuner.oracles.settings import OracleOptions

MODELLED = 2
"""Trials that have trained to the end before a model proposes: those of two brackets, since the
first compares after the fewest epochs."""


@dataclass(frozen=True, slots=True)
class Rung:
    """One level of a bracket."""

    epochs: int
    """Epochs a trial of this rung has trained when it ends, its ancestors' included."""
    capacity: int
    """Number of trials the rung takes."""


@dataclass(frozen=True, slots=True)
class Ladder:
    """The table of brackets: Keras Tuner's, with `max_epochs` as R and `factor` as eta.

    `Ladder(100, 3)` starts with the bracket

        rung      0   1   2   3    4
        trials   98  33  11   4    2
        epochs    2   4  12  34  100

    and ends with six trials of 100 epochs.
    """

    max_epochs: int
    factor: int

    def brackets(self) -> list[list[Rung]]:
        """The rungs of each bracket; the bracket with most rungs comes first."""
        tops = range(self._count() - 1, -1, -1)
        return [[self.rung(top, level) for level in range(top + 1)] for top in tops]

    def _count(self) -> int:
        """s_max + 1 of algorithm 1."""
        return 1 + math.floor(round(math.log(self.max_epochs, self.factor), 9))

    def rung(self, top: int, level: int) -> Rung:
        """The rung `level` of the bracket whose last rung is `top`."""
        log = round(math.log(self.max_epochs, self.factor), 9)
        share = math.ceil(1 + log) / (top + 1)
        return Rung(
            epochs=math.ceil(self.max_epochs / self.factor ** (top - level)),
            capacity=math.ceil(share * self.factor ** (top - level)),
        )


def propose(
    history: History,
    rng: np.random.Generator,
    ladder: Ladder,
    sweeps: float = 1,
    sampler: str = "random",
) -> Decision:
    """The next trial of the first bracket that has one, in the order of the table.

    While a bracket waits for its running trials the next one is begun, so that no slot idles.
    """
    fresh = functools.cache(
        lambda: draw(history, rng, sampler, Recipe(max_epochs=ladder.max_epochs, complete=MODELLED))
    )
    for sweep, rungs in _brackets(ladder, sweeps):
        decision = _ask_bracket(history, sweep, rungs, fresh)
        if decision is not None:
            return decision
        if fresh() is None and not history.at_rung(sweep, len(rungs) - 1, 0):
            break  # nothing left to begin a bracket with
    return Wait() if history.running else Done("every bracket is complete")


def _brackets(ladder: Ladder, sweeps: float) -> Iterator[tuple[int, list[Rung]]]:
    table = ladder.brackets()
    for sweep in itertools.takewhile(lambda n: n < sweeps, itertools.count()):
        for rungs in table:
            yield sweep, rungs


def _ask_bracket(
    history: History, sweep: int, rungs: list[Rung], fresh: Callable[[], Values | None]
) -> Proposal | None:
    bracket = len(rungs) - 1
    filled = [history.at_rung(sweep, bracket, level) for level in range(len(rungs))]
    if len(filled[0]) < rungs[0].capacity:
        values = fresh()
        if values is not None:
            return Proposal(values, Budget(epochs=rungs[0].epochs, sweep=sweep, bracket=bracket))
        rungs = _shrunk(rungs, len(filled[0]))
    for level in range(1, len(rungs)):
        best = promotable(history, filled[level - 1], filled[level], rungs[level - 1 : level + 1])
        if best is not None:
            return _promotion(best, rungs[level].epochs, Budget(0, 0, sweep, bracket, level))
    return None


def _shrunk(rungs: list[Rung], configurations: int) -> list[Rung]:
    """The bracket that a finite space, all of it tried, still allows: same epochs, fewer trials."""
    shrunk = [Rung(rungs[0].epochs, configurations)]
    for below, rung in itertools.pairwise(rungs):
        capacity = math.ceil(shrunk[-1].capacity * rung.capacity / below.capacity)
        shrunk.append(Rung(rung.epochs, capacity))
    return shrunk


def _promotion(parent: Trial, epochs: int, place: Budget) -> Proposal:
    budget = Budget(
        epochs=epochs,
        initial_epoch=parent.budget.epochs if parent.budget else 0,
        sweep=place.sweep,
        bracket=place.bracket,
        rung=place.rung,
        parent=parent.trial_id,
    )
    return Proposal(parent.values, budget)


def promotable(
    history: History, lower: list[Trial], upper: list[Trial], rungs: list[Rung]
) -> Trial | None:
    """The best trial of `lower` certain to belong in the rung above, if there is one.

    A rung discards as many trials as it has more than the rung above. Once more than that have
    ended and were not promoted, the best of them cannot be among the discarded. A failed trial
    counts as discarded, so failures never starve the rungs above.
    """
    below, above = rungs
    promoted = {trial.budget.parent for trial in upper if trial.budget}
    ready = [
        trial
        for trial in lower
        if trial.status == TrialStatus.COMPLETED and trial.trial_id not in promoted
    ]
    failed = sum(trial.status == TrialStatus.FAILED for trial in lower)
    discarded = below.capacity - above.capacity
    if len(upper) >= above.capacity or len(ready) + failed <= discarded:
        return None
    return min(ready, key=history.loss, default=None)


def promotable_still(history: History, table: list[list[Rung]]) -> Iterator[str]:
    """Ids of the ended trials that may yet be promoted, whatever the others come to.

    As many better trials of its rung as the rung above takes exclude a trial for good.
    """
    for trial_id in history.end_order:
        trial = history.trials[trial_id]
        place = trial.budget
        if place is None or trial.status != TrialStatus.COMPLETED or not history.counts(trial):
            continue
        rungs = next((rungs for rungs in table if len(rungs) == place.bracket + 1), [])
        if place.rung + 1 >= len(rungs):
            continue
        capacity = rungs[place.rung + 1].capacity
        upper = history.at_rung(place.sweep, place.bracket, place.rung + 1)
        if len(upper) >= capacity or trial_id in {t.budget.parent for t in upper if t.budget}:
            continue
        lower = history.at_rung(place.sweep, place.bracket, place.rung)
        better = sum(history.loss(other) < history.loss(trial) for other in lower)
        if better < capacity:
            yield trial_id


class HyperbandOracle(Oracle):
    """Oracle of Hyperband: many short trainings, the best of them continued.

    Args:
        max_epochs: Epochs of the longest training (R in the paper).
        factor: By how much each rung reduces the number of trials (eta), at least 2.
        hyperband_iterations: How often the whole table of brackets is run; may be infinite.
        sampler: Where configurations come from: `"random"`, `"sobol"`, or `"bayesian"`, a model
            of the losses at all budgets, after BOHB (Falkner et al., 2018, arXiv:1807.01774).
    """

    grants_budgets = True

    def __init__(
        self,
        objective: object = None,
        max_epochs: int = 100,
        factor: int = 3,
        hyperband_iterations: float = 1,
        seed: int | None = None,
        hyperparameters: object = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        *,
        sampler: str = "random",
        **options: Unpack[OracleOptions],
    ) -> None:
        super().__init__(
            objective=objective,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            seed=seed,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            **options,
        )
        if factor < 2:  # noqa: PLR2004 - a ladder needs at least two to one
            msg = "Expected `factor` to be at least 2: factor needs to be an int larger than 1."
            raise ValueError(f"{msg} Received: factor={factor}.")
        if max_epochs < 1:
            msg = f"Expected `max_epochs` to be at least 1. Received: max_epochs={max_epochs}."
            raise ValueError(msg)
        self.max_epochs = max_epochs
        self.min_epochs = 1
        self.factor = factor
        self.hyperband_iterations = hyperband_iterations
        self.sampler = check_sampler(sampler)

    @property
    def planned_trials(self) -> int | None:
        total = sum(rung.capacity for rungs in self._ladder.brackets() for rung in rungs)
        endless = math.isinf(self.hyperband_iterations)
        limits = [
            None if endless else total * math.ceil(self.hyperband_iterations),
            self.max_trials,
            self._trials_within_epochs(),
        ]
        return min((limit for limit in limits if limit is not None), default=None)

    def _trials_within_epochs(self) -> int | None:
        """Trials until `max_total_epochs` are spent, those there are included; None without."""
        history, most = self.search_history, self.limits.max_total_epochs
        if most is None:
            return None
        left, count = most - epochs_spent(history), history.counted
        for epochs, missing in self._missing(history):
            fitting = min(missing, max(0, left) // epochs)
            count, left = count + fitting, left - fitting * epochs
            if fitting < missing:
                break
        return count

    def _missing(self, history: History) -> Iterator[tuple[int, int]]:
        """Epochs of the next trials, and how many there are of each, rung after rung."""
        for sweep, rungs in _brackets(self._ladder, self.hyperband_iterations):
            before = 0
            for level, rung in enumerate(rungs):
                filled = len(history.at_rung(sweep, len(rungs) - 1, level))
                yield rung.epochs - before, max(0, rung.capacity - filled)
                before = rung.epochs

    def remaining_trials(self) -> int | None:
        planned = self.planned_trials
        return None if planned is None else max(0, planned - self.search_history.counted)

    def weights_needed(self) -> set[str]:
        still = promotable_still(self.search_history, self._ladder.brackets())
        return super().weights_needed() | set(still)

    def propose(self, history: History, rng: np.random.Generator) -> Decision:
        return propose(history, rng, self._ladder, self.hyperband_iterations, self.sampler)

    # Under Keras Tuner's names, for subclasses; brackets are numbered by their rungs less one.

    @property
    def _brackets(self) -> list[dict[str, Any]]:
        """The brackets that are under way; read off the history, and not to be changed.

        A full one is there until the next trial is of another, or the search has ended.
        """
        history = self.search_history
        under_way: dict[tuple[int, int], list[list[dict[str, Any]]]] = {}
        last = None
        for trial in history.trials.values():
            place = trial.budget
            if place is None:
                continue
            last = place.sweep, place.bracket
            rounds = under_way.setdefault(last, [[] for _ in range(place.bracket + 1)])
            rounds[place.rung].append({"past_id": place.parent, "id": trial.trial_id})
        last = last if history.end_reason is None else None
        return [
            {"bracket_num": bracket, "rounds": rounds}
            for (sweep, bracket), rounds in under_way.items()
            if (sweep, bracket) == last or len(rounds[-1]) < self._get_size(bracket, bracket)
        ]

    @property
    def _current_iteration(self) -> int:
        """How many times the whole table of brackets has been run."""
        return self._newest[0]

    @_current_iteration.setter
    def _current_iteration(self, number: int) -> None:
        if number != self._current_iteration:
            msg = f"Expected {self._current_iteration}, as the history says. Received: {number}."
            raise ValueError(msg)

    @property
    def _current_bracket(self) -> int:
        """Number of the bracket that was begun last."""
        return self._newest[1]

    @property
    def _newest(self) -> tuple[int, int]:
        trials = self.search_history.trials.values()
        places = [(t.budget.sweep, -t.budget.bracket) for t in trials if t.budget]
        sweep, bracket = max(places, default=(0, 1 - self._get_num_brackets()))
        return sweep, -bracket

    def _get_num_brackets(self) -> int:
        return len(self._ladder.brackets())

    def _get_num_rounds(self, bracket_num: int) -> int:
        return bracket_num + 1

    def _get_size(self, bracket_num: int, round_num: int) -> int:
        return self._ladder.rung(bracket_num, round_num).capacity

    def _get_epochs(self, bracket_num: int, round_num: int) -> int:
        return self._ladder.rung(bracket_num, round_num).epochs

    @property
    def _ladder(self) -> Ladder:
        return Ladder(self.max_epochs, self.factor)
