"""Two declarations of a space beside each other: what changed, and which points are of both."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from tuner.core.hyperparameters import (
    Boolean,
    Choice,
    Fixed,
    Float,
    HyperParameter,
    HyperParameters,
    Int,
    Numerical,
)
from tuner.core.hyperparameters.conditions import Condition

ROUNDING = 1e-9
"""Relative error with which a float is still the value of a step."""

Identity = tuple[str, tuple[Condition, ...]]
"""By what a parameter is known in a space: its name and its conditions."""


def identity_of(parameter: HyperParameter) -> Identity:
    return parameter.name, tuple(parameter.conditions)


def point_of(space: HyperParameters, hp: HyperParameters) -> dict[str, Any] | None:
    """The configuration of one space as a point of another; None if it is no point of that.

    A parameter that the configuration has no value of takes its default. One that has a value
    there and none here is in the way: the configuration was another one.

    Args:
        space: The space to look in.
        hp: The configuration, with the space that it was made in.
    """
    given = {name: v for name, v in hp.values.items() if not name.startswith("tuner/")}
    given = {name: v for name, v in given.items() if hp.is_active(name) or not _knows(hp, name)}
    point = space.with_values({})
    while (parameter := point._next_without_value()) is not None:  # noqa: SLF001 - ours
        name = parameter.name
        if name in given and not takes(parameter, given[name]):
            return None
        point.values[name] = _as_its_own(parameter, given.get(name, parameter.default))
    return dict(point.values) if given.keys() <= point.values.keys() else None


def _knows(hp: HyperParameters, name: str) -> bool:
    return any(parameter.name == name for parameter in hp.space)


def takes(parameter: HyperParameter, value: Any) -> bool:
    """Whether a parameter could have proposed a value: within the bounds, and on the steps."""
    if isinstance(parameter, Numerical):
        number = isinstance(value, int | float) and not isinstance(value, bool)
        return number and parameter.allows(value) and _is_on_grid(parameter, value)
    same = isinstance(value, bool)
    return any(v == value and isinstance(v, bool) == same for v in parameter.values)


def _is_on_grid(parameter: Numerical, value: float) -> bool:
    if isinstance(parameter, Int) and value % 1:
        return False
    if parameter.step is None or value == parameter.default:
        return True
    step = _nearest_step(parameter, value)
    return math.isclose(step, value, rel_tol=ROUNDING, abs_tol=ROUNDING * parameter.step)


def _nearest_step(parameter: Numerical, value: float) -> float:
    step: float = parameter.prob_to_value(parameter.value_to_prob(value))
    return step  # an int where the parameter is one


def nearest(parameter: HyperParameter, value: Any) -> Any:
    """The value on a step that is nearest to one within the bounds; any other value as it is."""
    if takes(parameter, value):
        return _as_its_own(parameter, value)
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not (isinstance(parameter, Numerical) and number):
        return value
    return _nearest_step(parameter, value) if parameter.allows(value) else value


def _as_its_own(parameter: HyperParameter, value: Any) -> Any:
    """The value as the parameter itself would write it: 3 of a Float is 3.0."""
    match parameter:
        case Float():
            return float(value)
        case Int():
            return int(value)
        case Choice():
            return next(v for v in parameter.values if v == value)
        case _:
            return value


def describe_change(
    before: Iterable[HyperParameter], after: Iterable[HyperParameter]
) -> Iterator[str]:
    """What differs between two spaces, one phrase a parameter; nothing about their order."""
    old, new = ({identity_of(p): p for p in space} for space in (before, after))
    gone = [p for identity, p in old.items() if identity not in new]
    come = [p for identity, p in new.items() if identity not in old]
    for identity, parameter in new.items():
        if identity in old and old[identity] != parameter:
            yield _differences(old[identity], parameter)
    for parameter in come:
        moved = next((p for p in gone if p.name == parameter.name), None)
        if moved is None:
            yield f"{parameter.name} added{_condition(parameter)}, {_default(parameter)}"
        else:
            gone.remove(moved)
            yield f"{parameter.name} now{_condition(parameter) or ' without a condition'}"
    for parameter in gone:
        yield f"{parameter.name} removed{_condition(parameter)}"


def _default(parameter: HyperParameter) -> str:
    return f"earlier trials had its default {parameter.default!r}"


def _condition(parameter: HyperParameter) -> str:
    told = [
        f"{getattr(c, 'name', c)} is {' or '.join(map(repr, getattr(c, 'values', [])))}"
        for c in parameter.conditions
    ]
    return f" where {' and '.join(told)}" if told else ""


def _differences(old: HyperParameter, new: HyperParameter) -> str:
    if type(old) is not type(new):
        return f"{new.name} {_short(new)} (was {_short(old)})"
    before, after = _facts(old), _facts(new)
    if isinstance(new, Numerical) and new.default == new.min_value and _is_lowest(old):
        del after["default"]  # moves with the bounds
    changed = [name for name in after if after[name] != before.get(name)]
    told = [f"{name} {_text(after[name])} (was {_text(before[name])})" for name in changed]
    return f"{new.name}: {', '.join(told)}"


def _is_lowest(old: HyperParameter) -> bool:
    return isinstance(old, Numerical) and bool(old.default == old.min_value)


def _facts(parameter: HyperParameter) -> dict[str, Any]:
    """The settings of a parameter in the words of a reader."""
    config = parameter.get_config()
    for name in ("name", "conditions"):
        del config[name]
    if isinstance(parameter, Numerical):
        bounds = [config.pop("min_value"), config.pop("max_value")]
        config = {"bounds": bounds, **config, "default": parameter.default}
    return config


def _short(parameter: HyperParameter) -> str:
    match parameter:
        case Numerical():
            bounds = f"{parameter.min_value} to {parameter.max_value}"
            return f"{type(parameter).__name__} {bounds}"
        case Fixed():
            return f"Fixed {parameter.value!r}"
        case Boolean():
            return "Boolean"
        case _:
            return f"{type(parameter).__name__} of {_text(list(parameter.values))}"


def _text(value: object) -> str:
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "[" + ", ".join(f"{each!r}" for each in value) + "]"
    return repr(value)
