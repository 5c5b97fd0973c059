"""Search algorithms, one a file: a pure function of the history, and the oracle that asks it.

They have names too. A package adds its own as an entry point of the group `trialflow.oracles`:

    [project.entry-points."trialflow.oracles"]
    mine = "my_package.oracles:MyOracle"
"""

from collections.abc import Mapping
from importlib.metadata import entry_points
from typing import Any

from tuner.oracles.async_hyperband import AsyncHyperbandOracle
from tuner.oracles.bayesian_optimization import BayesianOptimizationOracle
from tuner.oracles.grid_search import GridSearchOracle
from tuner.oracles.hyperband import HyperbandOracle
from tuner.oracles.optuna_sampler import OptunaOracle
from tuner.oracles.oracle import Oracle
from tuner.oracles.random_search import RandomSearchOracle

__all__ = [
    "AsyncHyperbandOracle",
    "BayesianOptimizationOracle",
    "GridSearchOracle",
    "HyperbandOracle",
    "OptunaOracle",
    "RandomSearchOracle",
    "create_oracle",
]

GROUP = "trialflow.oracles"

ORACLES: Mapping[str, type[Oracle]] = {
    "random": RandomSearchOracle,
    "grid": GridSearchOracle,
    "bayesian": BayesianOptimizationOracle,
    "hyperband": HyperbandOracle,
    "async_hyperband": AsyncHyperbandOracle,
    "optuna": OptunaOracle,
}


def create_oracle(name: str, *args: Any, **kwargs: Any) -> Oracle:
    """An oracle, by name.

    Example:
        oracle = create_oracle("bayesian", "val_accuracy", max_trials=20)

    Args:
        name: One of `ORACLES`, or what another package calls its own.
        *args: Passed on, as `objective`.
        **kwargs: Likewise.

    Raises:
        ValueError: There is none of that name.
    """
    others = {point.name: point for point in entry_points(group=GROUP)}
    if name not in ORACLES and name not in others:
        known = ", ".join(sorted({*ORACLES, *others}))
        raise ValueError(f"Expected an oracle among {known}. Received: name={name!r}.")
    kind: type[Oracle] = ORACLES[name] if name in ORACLES else others[name].load()
    return kind(*args, **kwargs)
