"""A search space as a unit cube: one coordinate for each hyperparameter there is to choose."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from tuner.core.hyperparameters import HyperParameter, HyperParameters
from tuner.core.hyperparameters.conditions import Condition
from tuner.oracles.bayesian.dimension import Array, Dimension, Mask, create_dimension


@dataclass(frozen=True)
class Gate:
    """A condition on one parameter of the name it asks about."""

    condition: Condition
    number: int
    """The parameter's place in the space."""
    column: int | None
    """Its dimension; None for one with a single value."""
    dimension: Dimension | None
    opening: Array | None
    """The coordinates that meet the condition; None where they cannot be listed."""
    always: bool = False
    """Whether the single value meets it."""

    def holds(self, points: Array, active: Mask) -> Mask:
        """Where it is met, among legal points of which `active` tells the active parameters."""
        here: Mask = active[:, self.number]
        if self.column is None or self.dimension is None:
            return here if self.always else np.zeros_like(here)
        coordinates = points[:, self.column]
        if self.opening is not None:
            met: Mask = (coordinates[:, None] == self.opening).any(1)
        else:
            name, value = self.dimension.parameter.name, self.dimension.value
            listed = [self.condition.is_active({name: value(c)}) for c in coordinates]
            met = np.array(listed, dtype=bool)
        return np.logical_and(here, met)


class Encoder:
    """Turns values into points and points into legal values.

    An inactive parameter has the same coordinate everywhere, so it tells no two points apart.

    Args:
        space: The space; parameters with a single value are left out of the points.
    """

    def __init__(self, space: HyperParameters) -> None:
        self.space = space
        made = [create_dimension(parameter) for parameter in space.space]
        self.dimensions = [dimension for dimension in made if dimension is not None]
        self.categorical: Mask = np.array([d.categorical for d in self.dimensions], dtype=bool)
        self.continuous: Mask = np.array([d.levels is None for d in self.dimensions], dtype=bool)
        self.inactive: Array = np.array([d.inactive for d in self.dimensions])
        columns = iter(range(len(self.dimensions)))
        numbered = [None if dimension is None else next(columns) for dimension in made]
        self._columns = list(zip(space.space, numbered, strict=True))
        self._chosen = np.array([column is not None for column in numbered], dtype=bool)
        self._gates = [[self._gates_of(c) for c in p.conditions] for p in space.space]
        self._conditional = any(self._gates)

    def __len__(self) -> int:
        return len(self.dimensions)

    def encode(self, values: Mapping[str, Any]) -> Array:
        """The point of a configuration; a parameter it does not know has its default."""
        point = self.inactive.copy()
        taken: dict[str, Any] = {}
        for parameter, column in self._columns:
            if parameter.name in taken or not _is_open(parameter, taken):
                continue
            value = values.get(parameter.name, parameter.default)
            taken[parameter.name] = value
            if column is not None:
                point[column] = self.dimensions[column].coordinate(value)
        return point

    def decode(self, point: Array) -> dict[str, Any]:
        """The legal configuration at a point, or nearest to it."""
        values: dict[str, Any] = {}
        opened = True
        while opened:  # again, since a later parameter may open one declared before it
            opened = False
            for parameter, column in self._columns:
                if parameter.name not in values and _is_open(parameter, values):
                    values[parameter.name] = (
                        parameter.default
                        if column is None
                        else self.dimensions[column].value(float(point[column]))
                    )
                    opened = True
        return values

    def spread(self, quantiles: Array) -> Array:
        """Legal points from points of the unit cube, (points, dimensions)."""
        columns = [d.spread(quantiles[:, k]) for k, d in enumerate(self.dimensions)]
        return self.settle(np.column_stack(columns))

    def snap(self, points: Array) -> Array:
        """The legal points nearest to some points, (points, dimensions)."""
        columns = [d.snap(points[:, k]) for k, d in enumerate(self.dimensions)]
        return self.settle(np.column_stack(columns))

    def settle(self, points: Array) -> Array:
        """The points, with the parameters that are not active where those belong."""
        return np.where(self.active(points), points, self.inactive)

    def active(self, points: Array) -> Mask:
        """Which parameters are active at each of some points whose coordinates are legal."""
        if not self._conditional:
            return np.ones(points.shape, dtype=bool)
        active: Mask = np.zeros((len(points), len(self._columns)), dtype=bool)
        taken: dict[str, Mask] = {}
        for number, (parameter, _) in enumerate(self._columns):
            here: Mask = np.ones(len(points), dtype=bool)
            for gates in self._gates[number]:
                here &= _any([gate.holds(points, active) for gate in gates])
            if parameter.name in taken:
                here &= ~taken[parameter.name]
            taken[parameter.name] = taken.get(parameter.name, here) | here
            active[:, number] = here
        return active[:, self._chosen]

    def _gates_of(self, condition: Condition) -> list[Gate]:
        asked = getattr(condition, "name", None)
        return [
            self._gate(condition, number, parameter, column)
            for number, (parameter, column) in enumerate(self._columns)
            if parameter.name == asked
        ]

    def _gate(
        self, condition: Condition, number: int, parameter: HyperParameter, column: int | None
    ) -> Gate:
        if column is None:
            always = condition.is_active({parameter.name: parameter.default})
            return Gate(condition, number, None, None, None, always)
        dimension = self.dimensions[column]
        if dimension.levels is None:
            return Gate(condition, number, column, dimension, None)
        opening = [condition.is_active({parameter.name: value}) for value in dimension.values]
        return Gate(condition, number, column, dimension, dimension.levels[np.array(opening)])


def _any(masks: list[Mask]) -> Mask | bool:
    met: Mask | bool = False
    for mask in masks:
        met = met | mask
    return met


def _is_open(parameter: HyperParameter, values: Mapping[str, Any]) -> bool:
    return all(condition.is_active(values) for condition in parameter.conditions)
