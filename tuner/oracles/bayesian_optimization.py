"""Bayesian optimisation: a Gaussian process of the losses says which trial promises most.

After Snoek et al. (2012, arXiv:1206.2944), with the acquisition of Ament et al. (2023,
arXiv:2310.20708) and priors like those of Hvarfner et al. (2024, arXiv:2402.02229). The model is
made anew from the history at each question, so a resumed search asks the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Unpack

import numpy as np
from numpy.typing import NDArray

from tuner.core.hyperparameters import HyperParameter
from tuner.core.proposal import Decision, Done, Proposal, Wait
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.history import History
from tuner.oracles.drawing import BETA, LEAST_NOISE, Recipe, draw, nonfixed
from tuner.oracles.observing import scored_trials
from tuner.oracles.oracle import Oracle
from tuner.oracles.settings import OracleOptions

ALPHA = 1e-4
"""Keras Tuner's default, as is `BETA`; other values ask for its acquisition."""


def propose(history: History, rng: np.random.Generator, recipe: Recipe | None = None) -> Decision:
    """The trial of most utility among those that were not tried.

    The first trials are the best of earlier searches, if there are any, the defaults, if any were
    chosen, or else the middle of all ranges, and a Sobol sequence.
    """
    values = draw(history, rng, "bayesian", recipe)
    if values is not None:
        return Proposal(values)
    # A running trial may still meet hyperparameters not seen before.
    return Wait() if history.running else Done("every configuration of the space has had a trial")


class BayesianOptimizationOracle(Oracle):
    """Oracle of Bayesian optimisation: learns from all trials where the next one promises most.

    Args:
        max_trials: Number of configurations to try. Fewer when the space is finite and smaller.
        num_initial_points: Trials before the model has a say; if omitted 4, or one more than
            there are categories, but no more than 10.
        alpha: Least variance of the noise of the scores, once they are standardised. The noise
            is estimated; 0.0001, Keras Tuner's default, leaves that alone.
        beta: Weight of the uncertainty in `"ucb"`: the more, the more is explored.
        acquisition: `"log_ei"`, the logarithm of the expected improvement, or `"ucb"`, Keras
            Tuner's confidence bound. If omitted, the bound where `alpha` or `beta` are not
            Keras Tuner's defaults, and the improvement otherwise.
    """

    def __init__(
        self,
        objective: object = None,
        max_trials: int | None = 10,
        num_initial_points: int | None = None,
        alpha: float = ALPHA,
        beta: float = BETA,
        seed: int | None = None,
        hyperparameters: object = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        *,
        acquisition: str | None = None,
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
        if acquisition not in (None, "log_ei", "ucb"):
            msg = "Expected `acquisition` to be 'log_ei' or 'ucb'."
            raise ValueError(f"{msg} Received: acquisition={acquisition!r}.")
        if not alpha > 0:
            raise ValueError(f"Expected `alpha` to be positive. Received: alpha={alpha}.")
        self.num_initial_points = num_initial_points
        self.alpha = alpha
        self.beta = beta
        self.acquisition = acquisition

    def propose(self, history: History, rng: np.random.Generator) -> Decision:
        return propose(history, rng, self._recipe())

    def _recipe(self) -> Recipe:
        like_keras_tuner = (self.alpha, self.beta) != (ALPHA, BETA)
        return Recipe(
            initial=self.num_initial_points,
            acquisition=self.acquisition or ("ucb" if like_keras_tuner else "log_ei"),
            least_noise=LEAST_NOISE if self.alpha == ALPHA else self.alpha,
            beta=self.beta,
        )

    # Helpers that subclasses written for Keras Tuner call.

    def _nonfixed_space(self) -> list[HyperParameter]:
        """The parameters that are searched."""
        return nonfixed(self.hyperparameters)

    def _get_hp_bounds(self) -> NDArray[np.float64]:
        """Bounds of `_vectorize_trials`, (parameters, 2)."""
        return np.array([[0.0, 1.0] for _ in self._nonfixed_space()]).reshape(-1, 2)

    def _vectorize_trials(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Probabilities of the values of the completed trials, and their losses."""
        trials = scored_trials(self.history)
        space = self._nonfixed_space()
        rows = [[_probability(p, trial) for p in space] for trial in trials]
        losses = [self.history.loss(trial) for trial in trials]
        return np.array(rows).reshape(len(rows), len(space)), np.array(losses)

    def _vector_to_values(self, vector: Sequence[float]) -> dict[str, Any]:
        """The configuration of a row of probabilities."""
        space = self._nonfixed_space()
        values = {p.name: p.prob_to_value(float(x)) for p, x in zip(space, vector, strict=True)}
        hp = self.hyperparameters.with_values(values)
        hp.ensure_active_values()
        return dict(hp.values)

    def _random_populate_space(self) -> dict[str, Any]:
        """Random values, in the form that `populate_space` answers."""
        values = self._random_values()
        if values is None:
            return {"status": TrialStatus.STOPPED, "values": None}
        return {"status": TrialStatus.RUNNING, "values": values}


def _probability(parameter: HyperParameter, trial: Trial) -> float:
    hp = trial.hyperparameters
    value = trial.values.get(parameter.name) if hp.is_active(parameter) else None
    return parameter.value_to_prob(parameter.default if value is None else value)
