"""One hyperparameter as a coordinate."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.core.hyperparameters import Boolean, Choice, Fixed, HyperParameter, Int, Numerical
from tuner.core.hyperparameters.sampling import all_values

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEVELS = 1_000
"""Values beyond which a stepped number is taken for a continuous one, and rounded at the end."""
INACTIVE_NUMBER = 0.5
INACTIVE_CATEGORY = -1.0


@dataclass(frozen=True)
class Dimension:
    """One hyperparameter and its coordinate.

    A number, or a Choice whose order means something, lies between 0 and 1. A category is its
    index: only equal or not equal counts.
    """

    parameter: HyperParameter
    categorical: bool = False
    values: tuple[Any, ...] = field(default=())
    """The legal values in the order of their coordinates; none where there are too many."""
    levels: Array | None = None
    """The coordinates of these values, rising from 0 to 1; of categories 0, 1, 2, …"""

    @property
    def inactive(self) -> float:
        """The coordinate while the parameter is not active."""
        return INACTIVE_CATEGORY if self.categorical else INACTIVE_NUMBER

    def coordinate(self, value: Any) -> float:
        """Where a value lies; one that makes no sense any more is where inactive ones are."""
        if self.levels is not None and value in self.values:
            return float(self.levels[self.values.index(value)])
        numerical = isinstance(self.parameter, Numerical)
        if not numerical or not isinstance(value, int | float):
            return self.inactive
        coordinate = min(max(self.parameter.value_to_prob(value), 0.0), 1.0)
        if self.levels is None:
            return coordinate
        # Off its grid: the default may be, and so may what an earlier search had.
        spread = np.array([self.parameter.value_to_prob(v) for v in self.values])
        return float(self.levels[int(np.argmin(np.abs(spread - coordinate)))])

    def value(self, coordinate: float) -> Any:
        """The legal value at a coordinate, or nearest to it."""
        if self.levels is None:
            return self.parameter.prob_to_value(coordinate)
        return self.values[int(np.argmin(np.abs(self.levels - coordinate)))]

    def snap(self, coordinates: Array) -> Array:
        """The coordinates of the nearest legal values."""
        if self.levels is None:
            return np.clip(coordinates, 0.0, 1.0)
        between = (self.levels[1:] + self.levels[:-1]) / 2
        nearest: Array = self.levels[np.searchsorted(between, coordinates)]
        return nearest

    def spread(self, quantiles: Array) -> Array:
        """Legal coordinates from points of [0, 1], each value with the same share."""
        if self.levels is None:
            return quantiles
        index = (quantiles * len(self.levels)).astype(int)
        chosen: Array = self.levels[np.minimum(index, len(self.levels) - 1)]
        return chosen


def create_dimension(parameter: HyperParameter) -> Dimension | None:
    """The dimension of a parameter; None when there is nothing to choose."""
    if isinstance(parameter, Fixed):
        return None
    if isinstance(parameter, Numerical) and not _is_short(parameter):
        alone = parameter.min_value == parameter.max_value == parameter.default
        return None if alone else Dimension(parameter)
    values = tuple(all_values(parameter))
    if len(values) == 1:
        return None
    if _is_categorical(parameter):
        indices = np.arange(float(len(values)))
        return Dimension(parameter, categorical=True, values=values, levels=indices)
    values = tuple(sorted(values))
    return Dimension(parameter, values=values, levels=_levels(parameter, values))


def _is_categorical(parameter: HyperParameter) -> bool:
    if isinstance(parameter, Choice):
        return not parameter.ordered or isinstance(parameter.default, bool)
    return isinstance(parameter, Boolean)


def _is_short(parameter: Numerical) -> bool:
    """Whether the values can be listed, and are few enough for it."""
    low, high, step = parameter.min_value, parameter.max_value, parameter.step
    if step is None:
        return isinstance(parameter, Int) and high - low < LEVELS
    if parameter.sampling == "linear":
        return bool((high - low) / step < LEVELS)
    return math.log(high / low) / math.log(step) < LEVELS


def _levels(parameter: HyperParameter, values: tuple[Any, ...]) -> Array:
    """Where the values lie in the parameter's own scale, stretched to reach from 0 to 1."""
    if not isinstance(parameter, Numerical):
        return np.linspace(0.0, 1.0, len(values))
    levels = np.array([parameter.value_to_prob(value) for value in values])
    if (np.diff(levels) <= 0).any():  # a default outside the bounds, or off the grid
        return np.linspace(0.0, 1.0, len(values))
    stretched: Array = (levels - levels[0]) / (levels[-1] - levels[0])
    return stretched
