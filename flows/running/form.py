"""The form that the Prefect UI shows for a flow's parameters."""

from __future__ import annotations

import inspect
from typing import Annotated, Any, TypeVar, get_args, get_origin

from prefect import Flow
from pydantic import Field
from pydantic.fields import FieldInfo

AnyFlow = TypeVar("AnyFlow", bound=Flow[..., Any])


def with_form(flow: AnyFlow) -> AnyFlow:
    """Has deployments of a flow show the titles and descriptions of its annotations.

    Prefect 3.8 reads them only where a parameter's default is a `Field`, which a plain call of the
    flow would then get. So the defaults are such for those who ask for the signature, and no
    others.
    """
    signature = inspect.signature(flow.fn, eval_str=True)
    fields = [_described(parameter) for parameter in signature.parameters.values()]
    flow.__signature__ = signature.replace(parameters=fields)  # type: ignore[attr-defined]
    return flow


def _described(parameter: inspect.Parameter) -> inspect.Parameter:
    if get_origin(parameter.annotation) is not Annotated:
        return parameter
    field = next(a for a in get_args(parameter.annotation) if isinstance(a, FieldInfo))
    shown = Field(
        default=... if parameter.default is parameter.empty else parameter.default,
        description=field.description,
        json_schema_extra={"title": field.title or _title(parameter.name)},
    )
    return parameter.replace(default=shown)


def _title(name: str) -> str:
    return name.replace("_", " ").capitalize().replace("gpu", "GPU").replace("Gpu", "GPU")
