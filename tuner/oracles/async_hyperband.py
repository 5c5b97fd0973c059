"""ASHA, asynchronous successive halving (Li et al., 2020, arXiv:1810.05934).

Rungs without brackets: a trial is promoted the moment it is among the best of its rung, so that no
slot ever waits for another. All of it is read off the history.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable, Iterable, Sequence
from typing import Unpack

import numpy as np

from tuner.core.proposal import Budget, Decision, Done, Proposal, Wait
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.history import History
from tuner.oracles.drawing import Recipe, check_sampler, draw
from tuner.oracles.hyperband import Ladder
from tuner.oracles.oracle import Oracle
from tuner.oracles.settings import OracleOptions

MODELLED_RUNGS = 3
"""Rungs where a model proposes, unless given."""


def epochs_of_rungs(min_epochs: int, max_epochs: int, factor: int) -> list[int]:
    """The epochs at which trials are compared; the last are `max_epochs`.

    Each is `factor` times the one below, rounded up: `epochs_of_rungs(1, 27, 3)` is 1, 3, 9, 27.
    """
    levels = itertools.takewhile(
        lambda level: not level or max_epochs / factor**level >= min_epochs, itertools.count()
    )
    return sorted(math.ceil(max_epochs / factor**level) for level in levels)


def propose(
    history: History,
    rng: np.random.Generator,
    rungs: Sequence[int],
    factor: int,
    sampler: str = "random",
) -> Decision:
    """The promotion that is due, from the highest rung down; a new configuration if none is.

    Algorithm 2 of the paper. When a finite space is used up, what is due is rounded up, so that
    the best configuration still reaches the last rung.
    """
    top = len(rungs) - 1
    due = _promotion(history, rungs, range(top - 1, -1, -1), lambda ended: ended // factor)
    if due is not None:
        return due
    values = draw(history, rng, sampler, Recipe(max_epochs=rungs[-1]))
    if values is not None:
        return Proposal(values, Budget(epochs=rungs[0], bracket=top))
    if history.running:
        return Wait()
    last = _promotion(history, rungs, range(top), lambda ended: math.ceil(ended / factor))
    return last or Done("every configuration of the space has had a trial")


def _promotion(
    history: History, rungs: Sequence[int], levels: Iterable[int], share: Callable[[int], int]
) -> Proposal | None:
    top = len(rungs) - 1
    for level in levels:
        lower, upper = (history.at_rung(0, top, k) for k in (level, level + 1))
        best = promotable(history, lower, upper, share)
        if best is not None and best.budget is not None:
            place = Budget(
                epochs=rungs[level + 1],
                initial_epoch=best.budget.epochs,
                bracket=top,
                rung=level + 1,
                parent=best.trial_id,
            )
            return Proposal(best.values, place)
    return None


def promotable(
    history: History,
    lower: Sequence[Trial],
    upper: Sequence[Trial],
    share: Callable[[int], int],
) -> Trial | None:
    """The best trial among the first of a rung that was not promoted yet, None if there is none.

    Args:
        history: Judges.
        lower: The trials of the rung; failed ones count among its trials, and are the worst.
        upper: The trials of the rung above.
        share: How many of so many ended trials are among the first.
    """
    ended = [trial for trial in lower if trial.ended]
    scored = [trial for trial in ended if trial.status == TrialStatus.COMPLETED]
    first = sorted(scored, key=history.loss)[: share(len(ended))]
    promoted = {trial.budget.parent for trial in upper if trial.budget}
    left = (trial for trial in first if trial.trial_id not in promoted)
    return next((trial for trial in left if math.isfinite(history.loss(trial))), None)


class AsyncHyperbandOracle(Oracle):
    """Oracle of ASHA: many short trainings, the best of them continued as soon as they are.

    Args:
        max_epochs: Epochs of the longest training (R in the paper).
        factor: One in so many trials of a rung is promoted (eta), at least 2.
        min_epochs: Epochs of the shortest training (r). If omitted 1; with the sampler
            `"bayesian"`, which makes more of fewer but longer trainings, those of the third rung
            from the top.
        max_trials: Number of trials, promotions included; as many as `Hyperband` has in one
            iteration if omitted.
        sampler: Where configurations come from: `"bayesian"`, a model of the losses at all
            budgets, or `"random"` as in the paper, or `"sobol"`.
    """

    grants_budgets = True

    def __init__(
        self,
        objective: object = None,
        max_epochs: int = 100,
        factor: int = 3,
        min_epochs: int | None = None,
        max_trials: int | None = None,
        seed: int | None = None,
        hyperparameters: object = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        *,
        sampler: str = "bayesian",
        **options: Unpack[OracleOptions],
    ) -> None:
        if factor < 2:  # noqa: PLR2004 - one in one is no choice
            raise ValueError(f"Expected `factor` to be at least 2. Received: factor={factor}.")
        check_sampler(sampler)
        if min_epochs is None:
            rungs = MODELLED_RUNGS if sampler == "bayesian" else max_epochs
            min_epochs = epochs_of_rungs(1, max_epochs, factor)[-rungs:][0]
        if not 1 <= min_epochs <= max_epochs:
            msg = "Expected `min_epochs` to be at least 1, and at most `max_epochs`."
            raise ValueError(f"{msg} Received: min_epochs={min_epochs}, max_epochs={max_epochs}.")
        if max_trials is None:
            table = Ladder(max_epochs, factor).brackets()
            max_trials = sum(rung.capacity for rungs in table for rung in rungs)
        super().__init__(
            objective=objective,
            max_trials=max_trials,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            seed=seed,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            **options,
        )
        self.max_epochs = max_epochs
        self.min_epochs = min_epochs
        self.factor = factor
        self.sampler = sampler

    def propose(self, history: History, rng: np.random.Generator) -> Decision:
        rungs = epochs_of_rungs(self.min_epochs, self.max_epochs, self.factor)
        return propose(history, rng, rungs, self.factor, self.sampler)
