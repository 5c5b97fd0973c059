"""Points of a search space: at random, all of them, or one that was not tried."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Container, Iterator, Mapping
from itertools import islice
from typing import Any

import numpy as np

from tuner.hyperparameters import Boolean, Choice, Fixed, HyperParameter, HyperParameters, Int
from tuner.hyperparameters.numerical import Numerical

Values = dict[str, Any]

TRIES = 20
"""Random draws before a finite space is enumerated."""
ENUMERABLE = 100_000
"""Points beyond which a finite space is drawn from at random like an infinite one."""
PATIENCE = 1_000
"""Draws after which an infinite space, or a huge one, is taken for exhausted."""


def random_values(space: HyperParameters, rng: np.random.Generator) -> Values:
    """Values of all active parameters, each uniform in its own scale."""
    values: Values = {}
    for parameter in space.space:
        if parameter.name not in values and _is_active(parameter, values):
            values[parameter.name] = parameter.prob_to_value(float(rng.random()))
    return values


def iterate_values(space: HyperParameters) -> Iterator[Values]:
    """All points of a finite space: the defaults first, the last parameter changing fastest.

    Raises:
        ValueError: A parameter takes infinitely many values.
    """
    endless = [p.name for p in space.space if not is_countable(p)]
    if endless:
        msg = f"Expected every parameter to have a step. Received: none for {endless}."
        raise ValueError(msg)
    return _iterate(space.space, {})


def is_countable(parameter: HyperParameter) -> bool:
    """Whether the parameter takes finitely many values that it can list."""
    if isinstance(parameter, Int) and parameter.step is None:
        return parameter.max_value - parameter.min_value < ENUMERABLE
    return not isinstance(parameter, Numerical) or parameter.step is not None


def all_values(parameter: HyperParameter) -> list[Any]:
    """Every value of a countable parameter, the default first."""
    if isinstance(parameter, Int) and parameter.step is None:
        values: list[Any] = list(range(parameter.min_value, parameter.max_value + 1))
    else:
        values = list(parameter.values)
    rest = [value for value in values if value != parameter.default]
    return [parameter.default, *rest] if len(rest) < len(values) else values


def count_values(space: HyperParameters, limit: int = ENUMERABLE) -> int | None:
    """Number of points of a space; None when it is infinite or has more than `limit`."""
    if not all(is_countable(parameter) for parameter in space.space):
        return None
    found = sum(1 for _ in islice(_iterate(space.space, {}), limit + 1))
    return found if found <= limit else None


def values_key(values: Mapping[str, Any]) -> str:
    """A hash that tells configurations apart; Keras Tuner's."""
    text = "".join(f"{name}={values[name]}" for name in sorted(values))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def untried_values(
    space: HyperParameters, tried: Container[str], rng: np.random.Generator
) -> Values | None:
    """A random point that was not tried; None when there is none left.

    A finite space is exhausted exactly: after some collisions it is enumerated, and one of the
    points that are left is drawn.

    Args:
        space: Where to look.
        tried: Keys (`values_key`) of the points that were.
        rng: Generator.
    """
    found = _draw(space, tried, rng, TRIES)
    if found is not None:
        return found
    if all(is_countable(parameter) for parameter in space.space) and _size(space) <= ENUMERABLE:
        left = [v for v in _iterate(space.space, {}) if values_key(v) not in tried]
        return left[int(rng.integers(len(left)))] if left else None
    return _draw(space, tried, rng, PATIENCE)


def _draw(
    space: HyperParameters, tried: Container[str], rng: np.random.Generator, tries: int
) -> Values | None:
    for _ in range(tries):
        values = random_values(space, rng)
        if values_key(values) not in tried:
            return values
    return None


def _iterate(parameters: list[HyperParameter], values: Values) -> Iterator[Values]:
    for index, parameter in enumerate(parameters):
        if parameter.name not in values and _is_active(parameter, values):
            for value in all_values(parameter):
                yield from _iterate(parameters[index + 1 :], {**values, parameter.name: value})
            return
    yield values


def _size(space: HyperParameters) -> float:
    """Number of points if every parameter were active: no less than there are."""
    return math.prod(_length(parameter) for parameter in space.space)


def _length(parameter: HyperParameter) -> int:
    match parameter:
        case Fixed():
            return 1
        case Boolean() | Choice():
            return len(list(parameter.values))
        case Int(step=None):
            return int(parameter.max_value - parameter.min_value) + 1
        case Numerical():
            return parameter._get_n_values()  # noqa: SLF001 - without listing them
        case _:
            return len(all_values(parameter))


def _is_active(parameter: HyperParameter, values: Values) -> bool:
    return all(condition.is_active(values) for condition in parameter.conditions)
