"""JSON parsed into typed values; anything else is an error that names its place."""

from __future__ import annotations

import functools
import typing
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import MISSING, dataclass, fields
from types import NoneType, UnionType
from typing import Any, TypeVar

from storage import CorruptError, StorageError
from tuner.core.text import short_repr, text_of

T = TypeVar("T")

_LARGEST = 2**1000
"""Of whole numbers; a float can be a little larger."""

FORGED = (ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError)
"""What code raises that was given something else than it has written."""


def parse(
    cls: type[T], state: object, where: str, *, unknown: type[StorageError] = CorruptError
) -> T:
    """A dataclass of a JSON object with its fields; those that have a default may be missing.

    Args:
        cls: Its fields are of JSON's types, lists and dicts of these, and unions.
        state: The JSON.
        where: Its path or URL, for messages.
        unknown: Raised for a field that the class does not have.

    Raises:
        CorruptError: A field is missing, or is of another type.
    """
    if not isinstance(state, Mapping):
        raise CorruptError(f"Expected an object at {where}. Received: {short_repr(state)}.")
    known = _fields_of(typing.cast("Any", cls))
    for name, value in state.items():
        field = known.get(name)
        if field is None:
            msg = f"Expected only {', '.join(known)} at {where}. Received: {text_of(name)}."
            raise unknown(msg)
        if not field.fits(value):
            msg = f"Expected `{name}` to be {field.kind} at {where}."
            raise CorruptError(f"{msg} Received: {name}={short_repr(value)}.")
    for name, field in known.items():
        if field.is_required and name not in state:
            raise CorruptError(f"Expected `{name}` at {where}. Received: {sorted(state)}.")
    return cls(**state)


def fitting(cls: Any, state: Mapping[str, Any]) -> dict[str, Any]:
    """An object without those fields of a `TypedDict` that are of another type.

    Args:
        cls: A `TypedDict`.
        state: The object; fields that the class does not have stay.
    """
    known = _checkers_of(cls)
    return {n: value for n, value in state.items() if n not in known or known[n](value)}


def check_fitting(cls: Any, state: Mapping[str, Any], where: str) -> None:
    """Raises CorruptError where a field of a `TypedDict` is missing or of another type.

    Args:
        cls: A `TypedDict`, whose optional fields may be missing.
        state: The object; it may have more fields.
        where: Its path or URL, for messages.
    """
    missing = cls.__required_keys__ - state.keys()
    wrong = state.keys() - fitting(cls, state).keys()
    for name in sorted(missing | wrong):
        received = f"{name}={short_repr(state[name])}" if name in state else "nothing"
        kind = cls.__annotations__[name]
        kind = getattr(kind, "__forward_arg__", kind)
        raise CorruptError(f"Expected `{name}` to be {kind} at {where}. Received: {received}.")


@contextmanager
def understood(where: str) -> Iterator[None]:
    """What code inside cannot make sense of is damage to what lies there.

    Args:
        where: Its path or URL, for messages.

    Raises:
        CorruptError: The code has raised one of `FORGED`.
    """
    try:
        yield
    except StorageError:
        raise
    except FORGED as error:
        raise misunderstood(where, error) from error


def misunderstood(where: str, error: BaseException) -> CorruptError:
    """The error for what lies somewhere and made no sense, by the error that told so."""
    received = f"{type(error).__name__}: {text_of(error)}"
    return CorruptError(f"Expected what Trialflow writes at {where}. Received: {received}.")


def is_float(value: object) -> bool:
    """Whether it is a number that a float can be."""
    return isinstance(value, float) or (type(value) is int and abs(value) < _LARGEST)


@dataclass(frozen=True, slots=True)
class _Field:
    kind: str
    fits: Callable[[Any], bool]
    is_required: bool


@functools.cache
def _fields_of(cls: Any) -> dict[str, _Field]:
    hints = typing.get_type_hints(cls)
    return {
        each.name: _Field(
            str(each.type),
            _checker(hints[each.name]),
            each.default is MISSING and each.default_factory is MISSING,
        )
        for each in fields(cls)
    }


@functools.cache
def _checkers_of(cls: Any) -> dict[str, Callable[[Any], bool]]:
    return {name: _checker(kind) for name, kind in typing.get_type_hints(cls).items()}


def _checker(kind: Any) -> Callable[[Any], bool]:
    """Tells whether a value of JSON is of a type."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if origin in (typing.Union, UnionType):
        checkers = [_checker(each) for each in arguments]
        exact = frozenset(arguments) & {str, bool, float, NoneType}
        return lambda value: type(value) in exact or any(fits(value) for fits in checkers)
    if origin in (list, Sequence):
        item = _checker(arguments[0])
        return lambda value: isinstance(value, list) and all(map(item, value))
    if origin in (dict, Mapping):
        item = _checker(arguments[1])
        if arguments[1] is Any:
            return lambda value: isinstance(value, dict)
        return lambda value: isinstance(value, dict) and all(map(item, value.values()))
    return _checker_of_plain(kind)


def _checker_of_plain(kind: Any) -> Callable[[Any], bool]:
    if kind is Any:
        return lambda _: True
    if typing.is_typeddict(kind):
        return lambda value: isinstance(value, dict) and len(fitting(kind, value)) == len(value)
    if kind is int:
        return lambda value: type(value) is int
    if kind is float:
        return is_float
    if kind in (str, bool, NoneType):
        return lambda value: isinstance(value, kind)
    raise TypeError(f"Expected a type of JSON. Received: {kind}.")
