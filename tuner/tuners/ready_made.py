"""Tuners with their oracle built in, under Keras Tuner's names and signatures."""

from __future__ import annotations

from inspect import Parameter, signature
from typing import Any

from tuner.oracles.async_hyperband import AsyncHyperbandOracle
from tuner.oracles.bayesian_optimization import BayesianOptimizationOracle
from tuner.oracles.grid_search import GridSearchOracle
from tuner.oracles.hyperband import HyperbandOracle
from tuner.oracles.random_search import RandomSearchOracle
from tuner.oracles.settings import OPTIONS
from tuner.tuners.tuner import Tuner


class RandomSearch(Tuner):
    """Tries configurations at random, each one once.

    Args:
        hypermodel: A `HyperModel`, or a function from `hp` to a compiled Keras model.
        objective: See `Oracle`, as all arguments down to `max_consecutive_failed_trials`.
        max_trials: Number of configurations to try.
        **kwargs: Keyword arguments of `RandomSearchOracle` and `Oracle`, as `target`,
            `constraints` or `warm_start_from`, and arguments of `Tuner`.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = 10,
        seed: int | None = None,
        hyperparameters: Any = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **kwargs: Any,
    ) -> None:
        self.seed = seed
        oracle = RandomSearchOracle(
            objective=objective,
            max_trials=max_trials,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            **_of_oracle(RandomSearchOracle, kwargs),
        )
        super().__init__(oracle, hypermodel, **kwargs)


class GridSearch(Tuner):
    """Tries every combination of values once; of a parameter without a step, ten and the default.

    Args:
        hypermodel: A `HyperModel`, or a function from `hp` to a compiled Keras model.
        objective: See `Oracle`, as all arguments down to `max_consecutive_failed_trials`.
        max_trials: Number of configurations to try; None for all.
        **kwargs: Keyword arguments of `GridSearchOracle` and `Oracle`, as `target`,
            `constraints` or `warm_start_from`, and arguments of `Tuner`.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = None,
        seed: int | None = None,
        hyperparameters: Any = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **kwargs: Any,
    ) -> None:
        self.seed = seed
        oracle = GridSearchOracle(
            objective=objective,
            max_trials=max_trials,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            **_of_oracle(GridSearchOracle, kwargs),
        )
        super().__init__(oracle, hypermodel, **kwargs)


class BayesianOptimization(Tuner):
    """Learns from the scores which configurations are promising (a Gaussian process).

    Args:
        hypermodel: A `HyperModel`, or a function from `hp` to a compiled Keras model.
        objective: See `Oracle`, as all arguments down to `max_consecutive_failed_trials`.
        max_trials: Number of configurations to try.
        num_initial_points: Configurations to try before the model of the scores is asked; 4, or
            more where there are many categories, if omitted.
        alpha: Variance of the noise that is added to the scores, once they are standardised.
        beta: Weight of what is unknown against what is expected; see
            `BayesianOptimizationOracle`.
        **kwargs: Keyword arguments of `BayesianOptimizationOracle` and `Oracle`, as `target`,
            `constraints` or `warm_start_from`, and arguments of `Tuner`.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_trials: int | None = 10,
        num_initial_points: int | None = None,
        alpha: float = 1e-4,
        beta: float = 2.6,
        seed: int | None = None,
        hyperparameters: Any = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **kwargs: Any,
    ) -> None:
        oracle = BayesianOptimizationOracle(
            objective=objective,
            max_trials=max_trials,
            num_initial_points=num_initial_points,
            alpha=alpha,
            beta=beta,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            **_of_oracle(BayesianOptimizationOracle, kwargs),
        )
        super().__init__(oracle, hypermodel, **kwargs)


class AsyncHyperband(Tuner):
    """Hyperband without waiting: ASHA (Li et al., 2020), with a model that proposes.

    A trial is promoted, and goes on from its last epoch, the moment it is among the best of its
    rung, so that every slot is busy.

    Args:
        hypermodel: A `HyperModel`, or a function from `hp` to a compiled Keras model.
        objective: See `Oracle`, as all arguments from `seed` to `max_consecutive_failed_trials`.
        max_epochs: Epochs of the longest training.
        factor: One in so many trials is promoted.
        min_epochs: Epochs of the shortest training; see `AsyncHyperbandOracle`.
        max_trials: Number of trials, promotions included; as many as `Hyperband` has in one
            iteration if omitted.
        sampler: `"bayesian"`, `"random"` or `"sobol"`.
        **kwargs: Keyword arguments of `Oracle`, as `target`, `constraints` or `warm_start_from`,
            and arguments of `Tuner`.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_epochs: int = 100,
        factor: int = 3,
        min_epochs: int | None = None,
        max_trials: int | None = None,
        seed: int | None = None,
        hyperparameters: Any = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        *,
        sampler: str = "bayesian",
        **kwargs: Any,
    ) -> None:
        oracle = AsyncHyperbandOracle(
            objective=objective,
            max_epochs=max_epochs,
            factor=factor,
            min_epochs=min_epochs,
            max_trials=max_trials,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            sampler=sampler,
            **_of_oracle(AsyncHyperbandOracle, kwargs),
        )
        super().__init__(oracle, hypermodel, **kwargs)


class Hyperband(Tuner):
    """Trains many configurations for a few epochs, and the best of them on (Li et al., 2018).

    The epochs come from the search; `epochs` given to `search` is overridden.

    Args:
        hypermodel: A `HyperModel`, or a function from `hp` to a compiled Keras model.
        objective: See `Oracle`, as all arguments down to `max_consecutive_failed_trials`.
        max_epochs: Epochs of the longest training.
        factor: By how much each rung reduces the number of trials.
        hyperband_iterations: How often the whole table of brackets is run.
        **kwargs: Keyword arguments of `HyperbandOracle` and `Oracle`, as `target`,
            `constraints` or `warm_start_from`, and arguments of `Tuner`.
    """

    def __init__(
        self,
        hypermodel: Any = None,
        objective: Any = None,
        max_epochs: int = 100,
        factor: int = 3,
        hyperband_iterations: float = 1,
        seed: int | None = None,
        hyperparameters: Any = None,
        tune_new_entries: bool = True,
        allow_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **kwargs: Any,
    ) -> None:
        oracle = HyperbandOracle(
            objective=objective,
            max_epochs=max_epochs,
            factor=factor,
            hyperband_iterations=hyperband_iterations,
            seed=seed,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            **_of_oracle(HyperbandOracle, kwargs),
        )
        super().__init__(oracle, hypermodel, **kwargs)


def _of_oracle(oracle: type, kwargs: dict[str, Any]) -> dict[str, Any]:
    """Takes the keyword-only arguments of an oracle out of those of a tuner."""
    parameters = signature(oracle).parameters.values()
    names = [p.name for p in parameters if p.kind is Parameter.KEYWORD_ONLY]
    return {name: kwargs.pop(name) for name in (*names, *OPTIONS) if name in kwargs}
