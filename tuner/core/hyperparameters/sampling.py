"""Points of a search space: at random, all of them, or one that was not tried."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from itertools import chain
from typing import TYPE_CHECKING, Any

from tuner.core.hyperparameters import Choice, HyperParameter, HyperParameters, Int, Numerical

if TYPE_CHECKING:
    import numpy as np

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
    while (parameter := _next_open(space.space, values)) is not None:
        values[parameter.name] = parameter.prob_to_value(float(rng.random()))
    return values


def is_finite(space: HyperParameters) -> bool:
    """Whether every parameter has values that can be listed."""
    return all(is_countable(parameter) for parameter in space.space)


def is_countable(parameter: HyperParameter) -> bool:
    """Whether the parameter's values can be listed: it has a step, or is a narrow Int."""
    if not isinstance(parameter, Numerical) or parameter.step is not None:
        return True
    span = parameter.max_value - parameter.min_value
    return isinstance(parameter, Int) and bool(span < ENUMERABLE)


def all_values(parameter: HyperParameter) -> Iterator[Any]:
    """Every value of a parameter once, in order, but the default first.

    Raises:
        ValueError: They cannot be listed.
    """
    if not is_countable(parameter):
        msg = f"Expected a parameter whose values can be listed. Received: {parameter!r}."
        raise ValueError(f"{msg} Give it a `step`.")
    default = parameter.default
    return chain([default], (value for value in _listed(parameter) if not _same(value, default)))


def iterate_values(space: HyperParameters) -> Iterator[Values]:
    """All points of a finite space in Keras Tuner's grid order.

    The defaults come first, and the parameter declared last changes fastest.

    Raises:
        ValueError: A parameter's values cannot be listed.
    """
    for parameter in space.space:
        all_values(parameter)  # raises here, not when the first point is asked for
    return _iterate(space.space, {})


def count_values(space: HyperParameters, limit: int = ENUMERABLE) -> int | None:
    """Number of points of a space; None when it is not finite or there are more than `limit`."""
    if not is_finite(space):
        return None
    conditions = chain.from_iterable(parameter.conditions for parameter in space.space)
    parents = {getattr(condition, "name", None) for condition in conditions}
    total = 0
    for size in _sizes(space.space, parents, {}):
        total += size
        if total > limit:
            return None
    return total


def values_key(values: Mapping[str, Any]) -> str:
    """A hash that tells configurations apart; Keras Tuner's."""
    text = "".join(f"{name}={values[name]}" for name in sorted(values))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def untried_values(
    space: HyperParameters,
    tried: Container[str],
    rng: np.random.Generator,
    tries: int = TRIES,
    limit: int = ENUMERABLE,
) -> Values | None:
    """A random point that was not tried; None when there is none left.

    A finite space is exhausted exactly: after `tries` collisions it is enumerated, and one of
    the points that are left is drawn.

    Args:
        space: Where to look.
        tried: Keys (`values_key`) of the points that were.
        rng: Generator.
        tries: Random draws before enumerating.
        limit: Points up to which a space is enumerated. In a larger one, or an infinite one,
            None means that a thousand draws more had all been tried.
    """
    found = _draw(space, tried, rng, tries)
    if found is not None:
        return found
    if count_values(space, limit) is None:
        return _draw(space, tried, rng, PATIENCE)
    left = [v for v in iterate_values(space) if values_key(v) not in tried]
    return left[int(rng.integers(len(left)))] if left else None


def _draw(
    space: HyperParameters, tried: Container[str], rng: np.random.Generator, tries: int
) -> Values | None:
    for _ in range(tries):
        values = random_values(space, rng)
        if values_key(values) not in tried:
            return values
    return None


def _iterate(parameters: list[HyperParameter], values: Values) -> Iterator[Values]:
    parameter = _next_open(parameters, values)
    if parameter is None:
        yield values
        return
    for value in all_values(parameter):
        yield from _iterate(parameters, {**values, parameter.name: value})


def _sizes(
    parameters: list[HyperParameter], parents: Container[str | None], values: Values, size: int = 1
) -> Iterator[int]:
    """Numbers of points that share the values of all parents; their sum is the space's."""
    while (parameter := _next_open(parameters, values)) is not None:
        if parameter.name in parents:
            for value in all_values(parameter):
                yield from _sizes(parameters, parents, {**values, parameter.name: value}, size)
            return
        values = {**values, parameter.name: None}
        size *= _length(parameter)
    yield size


def _length(parameter: HyperParameter) -> int:
    listed, default = _listed(parameter), parameter.default
    if isinstance(default, float):
        return len(listed) + all(not _same(value, default) for value in listed)
    return len(listed) + (default not in listed)


def _same(a: Any, b: Any) -> bool:
    """Whether two values are one: of floats, steps may miss the default by rounding."""
    return math.isclose(a, b) if isinstance(a, float) and isinstance(b, float) else bool(a == b)


def _listed(parameter: HyperParameter) -> Collection[Any]:
    if isinstance(parameter, Int) and parameter.step is None:
        return range(parameter.min_value, parameter.max_value + 1)
    if isinstance(parameter, Choice):
        return dict.fromkeys(parameter.values)
    return parameter.values


def _next_open(parameters: Iterable[HyperParameter], values: Values) -> HyperParameter | None:
    """The first parameter that still needs a value.

    Looked for from the start each time: of two parameters of one name the later one may open a
    child that was declared between them.
    """
    return next((p for p in parameters if _is_open(p, values)), None)


def _is_open(parameter: HyperParameter, values: Values) -> bool:
    """Whether the parameter is active and no other of its name has a value yet."""
    held: Iterable[bool] = (condition.is_active(values) for condition in parameter.conditions)
    return parameter.name not in values and all(held)


def complete_values(space: HyperParameters, values: Mapping[str, Any]) -> dict[str, Any]:
    """A whole configuration of the values given, and the defaults of the others.

    While no parameter is known, the values are taken as they are.

    Raises:
        ValueError: There is no such parameter, or it cannot have that value.
    """
    if not space.space:
        return dict(values)
    hp = space.with_values(values)
    hp.ensure_active_values()
    for name, value in values.items():
        if name not in hp._hps:  # noqa: SLF001 - ours
            known = sorted(p.name for p in space.space)
            msg = f"Expected the names of hyperparameters, of {known}. Received: {name}={value!r}."
            raise ValueError(msg)
        if name not in hp.values:
            continue  # not active under the others
        if hp.values[name] != value:
            wanted = next(p for p in space.space if p.name == name)
            msg = f"Expected a value of {wanted!r}. Received: {name}={value!r}."
            raise ValueError(msg)
    return hp.values


def is_legal(space: HyperParameters, values: Mapping[str, Any]) -> bool:
    """Whether `complete_values` takes the values."""
    try:
        complete_values(space, values)
    except ValueError:
        return False
    return True


def complete_at_random(
    space: HyperParameters, values: Mapping[str, Any], rng: np.random.Generator
) -> dict[str, Any]:
    """A whole configuration of the values an oracle gave; what it left out is drawn."""
    hp = space.with_values(values)
    while (parameter := hp._next_without_value()) is not None:  # noqa: SLF001 - ours
        hp.values[parameter.name] = parameter.prob_to_value(float(rng.random()))
    return hp.values
