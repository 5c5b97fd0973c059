"""Random search (Bergstra and Bengio, 2012): every configuration drawn by itself."""

from __future__ import annotations

from typing import Unpack

import numpy as np

from tuner.core.proposal import Decision, Done, Proposal, Wait
from tuner.journal.history import History
from tuner.oracles.drawing import check_sampler, draw
from tuner.oracles.oracle import Oracle
from tuner.oracles.settings import OracleOptions


def propose(history: History, rng: np.random.Generator, sampler: str = "random") -> Decision:
    """A configuration that has had no trial, uniform in each parameter's own scale.

    With the sampler `"sobol"` the configurations fill the space more evenly than by chance.
    """
    values = draw(history, rng, sampler)
    if values is not None:
        return Proposal(values)
    # A running trial may still meet hyperparameters not seen before.
    return Wait() if history.running else Done("every configuration of the space has had a trial")


class RandomSearchOracle(Oracle):
    """Oracle of random search; arguments are those of `Oracle`.

    Args:
        max_trials: Number of configurations to try. Fewer when the space is finite and smaller.
        sampler: `"random"`, or `"sobol"` for a scrambled Sobol sequence.
    """

    def __init__(
        self,
        objective: object = None,
        max_trials: int | None = 10,
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
            max_trials=max_trials,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            seed=seed,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            **options,
        )
        self.sampler = check_sampler(sampler)

    def propose(self, history: History, rng: np.random.Generator) -> Decision:
        return propose(history, rng, self.sampler)
