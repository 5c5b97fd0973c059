"""Hyperparameters: the dimensions of a search space."""

from tuner.core.hyperparameters.base import HyperParameter
from tuner.core.hyperparameters.discrete import Boolean, Choice, Fixed
from tuner.core.hyperparameters.numerical import Float, Int, Numerical
from tuner.core.hyperparameters.space import HyperParameters, deserialize, serialize

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
