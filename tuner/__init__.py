"""Hyperparameter search with Keras Tuner's API. Imports neither Keras nor Prefect."""

from tuner.base_tuner import BaseTuner
from tuner.hypermodel import HyperModel
from tuner.hyperparameters import HyperParameters
from tuner.objective import MultiObjective, Objective
from tuner.oracle import Oracle, synchronized
from tuner.results.loading import load_best_models
from tuner.sklearn_tuner import SklearnTuner
from tuner.trial import Trial, TrialStatus
from tuner.tuner import Tuner
from tuner.tuners import (
    AsyncHyperband,
    BayesianOptimization,
    GridSearch,
    Hyperband,
    RandomSearch,
)

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
