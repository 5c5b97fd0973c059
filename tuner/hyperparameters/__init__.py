"""Hyperparameters: the dimensions of a search space."""

from tuner.hyperparameters.base import HyperParameter
from tuner.hyperparameters.discrete import Boolean, Choice, Fixed
from tuner.hyperparameters.numerical import Float, Int, Numerical
from tuner.hyperparameters.space import HyperParameters, deserialize, serialize

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
