"""Derives what commands and flows take from dataclasses of parameters."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import MISSING, Field, fields
from types import UnionType
from typing import (
    TYPE_CHECKING,
    Annotated,
    Any,
    TypeVar,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)

import pydantic
import typer
from pydantic.fields import FieldInfo

if TYPE_CHECKING:
    from prefect import Flow

LAST = ("as_json", "debug")
"""Options of every command, which come last."""

Command = TypeVar("Command", bound=Callable[..., None])
AnyFlow = TypeVar("AnyFlow", bound="Flow[..., Any]")


def with_options(
    parameters: type,
    *,
    but: Collection[str] = (),
    only: Collection[str] | None = None,
) -> Callable[[Command], Command]:
    """Has a command take options for the fields of a dataclass, which arrive in its `**options`.

    Args:
        parameters: The dataclass; a field without a default is an argument.
        but: Names of fields to leave out; what the command has itself is left out as well.
        only: Names of the only fields to take; None for all.
    """

    def extend(command: Command) -> Command:
        signature = inspect.signature(command, eval_str=True)
        own = [p for p in signature.parameters.values() if p.kind is not p.VAR_KEYWORD]
        left_out = {parameter.name for parameter in own} | set(but)
        more = [
            option
            for option in _options(parameters)
            if option.name not in left_out and (only is None or option.name in only)
        ]
        first = [parameter for parameter in own if parameter.name not in LAST]
        last = [parameter for parameter in own if parameter.name in LAST]
        taken = signature.replace(
            parameters=[
                *first,
                *more,
                *(p.replace(kind=inspect.Parameter.KEYWORD_ONLY) for p in last),
            ]
        )
        command.__signature__ = taken  # type: ignore[attr-defined]
        return command

    return extend


def takes(parameters: type) -> Callable[[Callable[[Any], Any]], Callable[..., Any]]:
    """Has the function of a flow take the fields of a dataclass, which it gets as one object."""

    def wrap(function: Callable[[Any], Any]) -> Callable[..., Any]:
        signature = inspect.Signature(list(_fields_of_form(parameters)))

        def call(*args: Any, **kwargs: Any) -> Any:
            bound = signature.bind(*args, **kwargs)
            return function(parameters(**bound.arguments))

        functools.update_wrapper(call, function)
        del call.__wrapped__  # type: ignore[attr-defined]  # its signature is another
        call.__signature__ = signature  # type: ignore[attr-defined]
        call.__annotations__ = {p.name: p.annotation for p in signature.parameters.values()}
        return call

    return wrap


def with_form(flow: AnyFlow) -> AnyFlow:
    """Has deployments of a flow show the titles and descriptions of its annotations.

    Prefect 3.8 reads them only where a parameter's default is a `Field`, which a plain call of the
    flow would then get. So the defaults are such for those who ask for the signature, and no
    others.
    """
    signature = inspect.signature(flow.fn, eval_str=True)
    shown = [_described(parameter) for parameter in signature.parameters.values()]
    flow.__signature__ = signature.replace(parameters=shown)  # type: ignore[attr-defined]
    return flow


def _options(parameters: type) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(parameters)
    for each in fields(parameters):
        said = each.metadata
        kind = Any if said.get("parse") else hints[each.name]  # typer takes no unions
        if each.default is MISSING:
            option: Any = typer.Argument(help=said["help"])
            default = inspect.Parameter.empty
        else:
            option, default = _option(each), each.default
        yield inspect.Parameter(
            each.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=default,
            annotation=Annotated[kind, option],
        )


def _option(each: Field[Any]) -> Any:
    said = each.metadata
    words = [f"--{each.name.replace('_', '-')}"] if isinstance(each.default, bool) else []
    details = {
        "help": said["help"],
        "min": said.get("least"),
        "parser": said.get("parse"),
        "metavar": said.get("metavar"),
        "show_default": said.get("shown", True),
    }
    if said.get("parse"):
        del details["min"]
    known = {name: value for name, value in details.items() if value is not None}
    return typer.Option(*words, **known)


def _fields_of_form(parameters: type) -> Iterator[inspect.Parameter]:
    hints = get_type_hints(parameters)
    for each in sorted(fields(parameters), key=lambda each: each.default is not MISSING):
        required = each.default is MISSING
        yield inspect.Parameter(
            each.name,
            inspect.Parameter.POSITIONAL_OR_KEYWORD,
            default=inspect.Parameter.empty if required else each.default,
            annotation=_annotation(each, hints[each.name]),
        )


def _annotation(each: Field[Any], kind: Any) -> Any:
    """The type of a field, its text, and its bounds: on a number alone, not on words beside it."""
    said = each.metadata
    bounds = _bounds(said, kind)
    if get_origin(kind) in (Union, UnionType):
        number = pydantic.Field(**bounds)
        kinds = (Annotated[k, number] if k in (int, float) else k for k in get_args(kind))
        kind, bounds = Union[tuple(kinds)], {}  # noqa: UP007 - of a tuple
    return Annotated[
        kind, pydantic.Field(description=said["help"], title=said.get("title"), **bounds)
    ]


def _bounds(said: Mapping[str, Any], kind: Any) -> dict[str, Any]:
    bounds: dict[str, Any] = {}
    if said.get("above") is not None:
        bounds["gt"] = said["above"]
    elif said.get("least") is not None:
        bounds["ge"] = said["least"]
    elif float in get_args(kind):
        bounds["allow_inf_nan"] = False
    if kind is str:
        bounds["min_length"] = 1
    if said.get("pattern"):
        bounds["pattern"] = said["pattern"]
    return bounds


def _described(parameter: inspect.Parameter) -> inspect.Parameter:
    if get_origin(parameter.annotation) is not Annotated:
        return parameter
    found = next(a for a in get_args(parameter.annotation) if isinstance(a, FieldInfo))
    shown = pydantic.Field(
        default=... if parameter.default is parameter.empty else parameter.default,
        description=found.description,
        json_schema_extra={"title": found.title or _title(parameter.name)},
    )
    return parameter.replace(default=shown)


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize().replace("gpu", "GPU").replace("Gpu", "GPU")
