"""Finds out what of a large whole cannot be pickled."""

from __future__ import annotations

import inspect
import reprlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import FunctionType, MethodType
from typing import Any

DEEPEST = 6
"""Steps from an argument to what is named; deeper, the way to it says nothing to anybody."""

WIDEST = 100
"""Characters of what is shown of a value."""

Check = Callable[[Any], Exception | None]


@dataclass(frozen=True, slots=True)
class UnpicklablePart:
    """The smallest part that fails."""

    name: str
    """The way to it, as one would write it: `callbacks[0].log`."""
    value: Any
    error: Exception


def find_unpicklable(roots: Mapping[str, Any], check: Check) -> UnpicklablePart | None:
    """The first part that fails and none of whose own parts does.

    Args:
        roots: By name.
        check: Why a value cannot be pickled, None if it can.
    """
    for name, value in roots.items():
        error = check(value)
        if error is not None:
            return _deepest(UnpicklablePart(name, value, error), check, {id(value)})
    return None


def short(value: Any) -> str:
    """A value as one line."""
    shortening = reprlib.Repr()
    shortening.maxother = WIDEST
    return shortening.repr(value).replace("\n", " ")


def _deepest(found: UnpicklablePart, check: Check, seen: set[int]) -> UnpicklablePart:
    if len(seen) > DEEPEST:
        return found
    for name, part in _parts(found.name, found.value):
        if id(part) in seen:
            continue
        error = check(part)
        if error is not None:
            return _deepest(UnpicklablePart(name, part, error), check, {*seen, id(part)})
    return found


def _parts(name: str, value: Any) -> Iterator[tuple[str, Any]]:
    match value:
        case dict():
            yield from ((f"{name}[{key!r}]", item) for key, item in value.items())
        case list() | tuple() | set() | frozenset():
            yield from ((f"{name}[{index}]", item) for index, item in enumerate(value))
        case MethodType():
            yield f"{name}.__self__", value.__self__
            yield name, value.__func__
        case FunctionType():
            used = inspect.getclosurevars(value)
            for variable, item in {**used.nonlocals, **used.globals}.items():
                yield f"`{variable}` in {value.__qualname__}", item
        case _:
            yield from ((f"{name}.{key}", item) for key, item in _attributes(value))


def _attributes(value: Any) -> Iterator[tuple[str, Any]]:
    for name, item in getattr(value, "__dict__", {}).items():
        if getattr(item, "__self__", None) is not value:  # its own method leads back here
            yield name, item
    if type(value).__module__ == "__main__":  # pickled with the class and its functions
        methods = vars(type(value)).items()
        yield from ((name, item) for name, item in methods if isinstance(item, FunctionType))
