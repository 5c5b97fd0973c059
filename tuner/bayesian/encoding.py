"""A search space as a unit cube: one coordinate for each hyperparameter there is to choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tuner.hyperparameters import Boolean, Choice, Fixed, HyperParameter, HyperParameters, Numerical
from tuner.sampling import all_values, count_values, is_countable

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEVELS = 1_000
"""Values beyond which a whole number is taken for a continuous one, and rounded at the end."""
INACTIVE_NUMBER = 0.5
INACTIVE_CATEGORY = -1.0


@dataclass(frozen=True)
class Dimension:
    """One hyperparameter and its coordinate.

    A number, or a Choice whose order means something, lies between 0 and 1. A category is its
    index: only equal or not equal counts.
    """

    parameter: HyperParameter
    values: tuple[Any, ...] | None
    """The legal values in the order of their coordinates; None where there are too many."""
    levels: Array | None
    """The coordinates of these values, rising from 0 to 1; for a category 0, 1, 2, …"""
    categorical: bool

    @property
    def inactive(self) -> float:
        """The coordinate while the parameter is not active."""
        return INACTIVE_CATEGORY if self.categorical else INACTIVE_NUMBER

    def coordinate(self, value: Any) -> float:
        """Where a value lies; a category that does not exist any more is like no other."""
        if self.values is not None and self.levels is not None and value in self.values:
            return float(self.levels[self.values.index(value)])
        if self.categorical:
            return INACTIVE_CATEGORY
        if not isinstance(value, int | float):
            return INACTIVE_NUMBER
        probability = self.parameter.value_to_prob(value)
        return float(np.clip(probability, 0, 1))

    def value(self, coordinate: float) -> Any:
        """The legal value at a coordinate, or nearest to it."""
        if self.values is None or self.levels is None:
            return self.parameter.prob_to_value(coordinate)
        return self.values[int(np.argmin(np.abs(self.levels - coordinate)))]

    def snap(self, coordinates: Array) -> Array:
        """The coordinates of the nearest legal values."""
        if self.levels is None:
            return np.clip(coordinates, 0.0, 1.0)
        between = (self.levels[1:] + self.levels[:-1]) / 2
        return self.levels[np.searchsorted(between, coordinates)]

    def spread(self, quantiles: Array) -> Array:
        """Legal coordinates from points of [0, 1], each value with the same share."""
        if self.levels is None:
            return quantiles
        index = (quantiles * len(self.levels)).astype(int)
        return self.levels[np.minimum(index, len(self.levels) - 1)]


class Encoder:
    """Turns values into points and points into legal values.

    An inactive parameter has the same coordinate everywhere, so it tells no two points apart.

    Args:
        space: The space; parameters with one value only are left out of the points.
    """

    def __init__(self, space: HyperParameters) -> None:
        self.space = space
        made = [_dimension(parameter) for parameter in space.space]
        self.dimensions = [dimension for dimension in made if dimension is not None]
        self.categorical: Mask = np.array([d.categorical for d in self.dimensions], dtype=bool)
        self.continuous: Mask = np.array([d.levels is None for d in self.dimensions], dtype=bool)
        self.inactive: Array = np.array([d.inactive for d in self.dimensions])
        columns = iter(range(len(self.dimensions)))
        self._columns = [None if dimension is None else next(columns) for dimension in made]

    def __len__(self) -> int:
        return len(self.dimensions)

    def encode(self, values: Mapping[str, Any]) -> Array:
        """The point of a configuration; a parameter it does not know has its default."""
        point = self.inactive.copy()
        taken: dict[str, Any] = {}
        for parameter, column in zip(self.space.space, self._columns, strict=True):
            if parameter.name in taken or not _holds(parameter, taken):
                continue
            value = values.get(parameter.name, parameter.default)
            taken[parameter.name] = value
            if column is not None:
                point[column] = self.dimensions[column].coordinate(value)
        return point

    def decode(self, point: Array) -> dict[str, Any]:
        """The legal configuration at a point."""
        values: dict[str, Any] = {}
        opened = True
        while opened:  # again, since a later parameter may open one declared before it
            opened = False
            for parameter, column in zip(self.space.space, self._columns, strict=True):
                if parameter.name not in values and _holds(parameter, values):
                    values[parameter.name] = self._value(parameter, column, point)
                    opened = True
        return values

    def _value(self, parameter: HyperParameter, column: int | None, point: Array) -> Any:
        if column is None:
            return parameter.default
        return self.dimensions[column].value(point[column])

    def spread(self, quantiles: Array) -> Array:
        """Legal points from points of the unit cube, (points, dimensions)."""
        columns = [d.spread(quantiles[:, k]) for k, d in enumerate(self.dimensions)]
        return self.settle(np.column_stack(columns))

    def snap(self, points: Array) -> Array:
        """The legal points nearest to some points, (points, dimensions)."""
        columns = [d.snap(points[:, k]) for k, d in enumerate(self.dimensions)]
        return self.settle(np.column_stack(columns))

    def settle(self, points: Array) -> Array:
        """The points, with inactive parameters where inactive parameters are."""
        return np.where(self.active(points), points, self.inactive)

    def active(self, points: Array) -> Mask:
        """Which parameters are active at each of some legal points."""
        active = np.zeros(points.shape, dtype=bool)
        taken: dict[str, Mask] = {}
        nobody: Mask = np.zeros(len(points), dtype=bool)
        for parameter, column in zip(self.space.space, self._columns, strict=True):
            here = ~taken.get(parameter.name, nobody)
            for condition in parameter.conditions:
                here &= self._condition(condition, points, active)
            taken[parameter.name] = taken.get(parameter.name, nobody) | here
            if column is not None:
                active[:, column] = here
        return active

    def _condition(self, condition: Any, points: Array, active: Mask) -> Mask:
        """Where a condition holds, told from the parameters before it."""
        met: Mask = np.zeros(len(points), dtype=bool)
        for parameter, column in zip(self.space.space, self._columns, strict=True):
            if parameter.name != condition.name:
                continue
            if column is None:
                met |= bool(condition.is_active({parameter.name: parameter.default}))
                continue
            coordinates = points[:, column]
            met |= active[:, column] & self._opens(condition, self.dimensions[column], coordinates)
        return met

    @staticmethod
    def _opens(condition: Any, dimension: Dimension, coordinates: Array) -> Mask:
        name = dimension.parameter.name
        values = dimension.values
        if values is None or dimension.levels is None:
            found = [condition.is_active({name: dimension.value(c)}) for c in coordinates]
            return np.array(found, dtype=bool)
        opening = [condition.is_active({name: value}) for value in values]
        return np.isin(coordinates, dimension.levels[np.array(opening, dtype=bool)])


def _holds(parameter: HyperParameter, values: Mapping[str, Any]) -> bool:
    return all(condition.is_active(values) for condition in parameter.conditions)


def _dimension(parameter: HyperParameter) -> Dimension | None:
    if isinstance(parameter, Fixed):
        return None
    if not _is_listable(parameter):
        return Dimension(parameter, None, None, categorical=False)
    values = _sorted(parameter)
    if len(values) == 1:
        return None
    if _is_categorical(parameter):
        return Dimension(parameter, values, np.arange(len(values), dtype=float), categorical=True)
    return Dimension(parameter, values, _levels(parameter, values), categorical=False)


def _is_listable(parameter: HyperParameter) -> bool:
    if not is_countable(parameter):
        return False
    alone = HyperParameters()
    alone.merge([type(parameter).from_config({**parameter.get_config(), "conditions": []})])
    return count_values(alone, LEVELS) is not None


def _is_categorical(parameter: HyperParameter) -> bool:
    if isinstance(parameter, Choice):
        return not parameter.ordered or isinstance(parameter.default, bool)
    return isinstance(parameter, Boolean)


def _sorted(parameter: HyperParameter) -> tuple[Any, ...]:
    values = tuple(all_values(parameter))
    return values if _is_categorical(parameter) else tuple(sorted(values))


def _levels(parameter: HyperParameter, values: tuple[Any, ...]) -> Array:
    """Evenly spaced in the parameter's own scale, from 0 to 1."""
    if not isinstance(parameter, Numerical):
        return np.linspace(0.0, 1.0, len(values))
    levels = np.array([parameter.value_to_prob(value) for value in values])
    # A default outside the bounds shares the coordinate of the bound.
    spans = levels[-1] - levels[0]
    return (levels - levels[0]) / spans if spans > 0 else np.linspace(0.0, 1.0, len(values))
