"""Hyperparameter search with Keras Tuner's API. Imports neither Keras nor Prefect.

A name is imported when it is asked for: who looks at a project must not wait for the algorithms.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from tuner.core.own_packages import import_own

if TYPE_CHECKING:
    from tuner.core.hypermodel import HyperModel
    from tuner.core.hyperparameters import HyperParameters
    from tuner.core.objective import MultiObjective, Objective
    from tuner.core.trial import Trial, TrialStatus
    from tuner.oracles.oracle import Oracle, synchronized
    from tuner.results.models import load_best_models
    from tuner.tuners.base_tuner import BaseTuner
    from tuner.tuners.ready_made import (
        AsyncHyperband,
        BayesianOptimization,
        GridSearch,
        Hyperband,
        RandomSearch,
    )
    from tuner.tuners.sklearn_tuner import SklearnTuner
    from tuner.tuners.tuner import Tuner

__all__ = [
    "AsyncHyperband",
    "BaseTuner",
    "BayesianOptimization",
    "GridSearch",
    "HyperModel",
    "HyperParameters",
    "Hyperband",
    "MultiObjective",
    "Objective",
    "Oracle",
    "RandomSearch",
    "SklearnTuner",
    "Trial",
    "TrialStatus",
    "Tuner",
    "load_best_models",
    "synchronized",
]

import_own()

_HOMES = {
    "tuner.core.hypermodel": ["HyperModel"],
    "tuner.core.hyperparameters": ["HyperParameters"],
    "tuner.core.objective": ["MultiObjective", "Objective"],
    "tuner.core.trial": ["Trial", "TrialStatus"],
    "tuner.oracles.oracle": ["Oracle", "synchronized"],
    "tuner.results.models": ["load_best_models"],
    "tuner.tuners.base_tuner": ["BaseTuner"],
    "tuner.tuners.ready_made": [
        "AsyncHyperband",
        "BayesianOptimization",
        "GridSearch",
        "Hyperband",
        "RandomSearch",
    ],
    "tuner.tuners.sklearn_tuner": ["SklearnTuner"],
    "tuner.tuners.tuner": ["Tuner"],
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}


def __getattr__(name: str) -> Any:
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOME_OF[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
