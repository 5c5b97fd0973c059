"""Hyperparameters: the dimensions of a search space."""

from tuner.hyperparameters.base import HyperParameter
from tuner.hyperparameters.discrete import Boolean, Choice, Fixed
from tuner.hyperparameters.numerical import Float, Int, Numerical
from tuner.hyperparameters.registry import deserialize, serialize
from tuner.hyperparameters.space import HyperParameters

__all__ = [
    "Boolean",
    "Choice",
    "Fixed",
    "Float",
    "HyperParameter",
    "HyperParameters",
    "Int",
    "Numerical",
    "deserialize",
    "serialize",
]
