"""Search algorithms, one a file: a pure function of the history, and the oracle that asks it."""

from tuner.oracles.async_hyperband import AsyncHyperbandOracle
from tuner.oracles.bayesian_optimization import BayesianOptimizationOracle
from tuner.oracles.grid_search import GridSearchOracle
from tuner.oracles.hyperband import HyperbandOracle
from tuner.oracles.optuna_sampler import OptunaOracle
from tuner.oracles.random_search import RandomSearchOracle

__all__ = [
    "AsyncHyperbandOracle",
    "BayesianOptimizationOracle",
    "GridSearchOracle",
    "HyperbandOracle",
    "OptunaOracle",
    "RandomSearchOracle",
]
