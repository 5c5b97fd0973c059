"""Where trials run and what they may take: parameters of the flow, options of commands."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import typer
from pydantic import Field

from flows.options.slot_choice import LOCAL
from tasks.memory import parse_bytes
from tasks.placement import AUTO

SLOTS = "Trials that run at the same time; auto: one a GPU, or what the processors carry."
GPUS = "GPUs to use, such as 0,2: positions among the visible ones, or ids."
SHARED = "Trials that share a GPU, each with its part of it."
OWN = "GPUs that each trial has to itself."
MEMORY = "Host memory, such as 6GB, beyond which a trial is ended."
TRIAL_TIMEOUT = "Seconds after which a trial is ended."
STALL_TIMEOUT = "Seconds without an epoch or output after which a trial is ended."
GRACE_TEXT = "Seconds for trials to end their epoch when stopped."
POLICY = "Stop trials whose curve is worse than that of most others."
ENGINE = "Where trials run: local, or on a Dask cluster, dask://HOST:8786."


def _parse_slots(text: str) -> int | str:
    if text == AUTO:
        return text
    if text.isdigit() and int(text) > 0:
        return int(text)
    raise typer.BadParameter(f"{text!r} is neither a number from 1 nor {AUTO}.")


def _parse_memory(text: str) -> str:
    try:
        parse_bytes(text)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from None
    return text


def _parse_engine(text: str) -> str:
    if text != LOCAL and not text.startswith(("dask://", "tcp://", "tls://")):
        raise typer.BadParameter(f"{text!r} is neither {LOCAL} nor dask://HOST:PORT.")
    return text


SlotCount = Annotated[
    Annotated[int, Field(ge=1)] | Literal["auto"] | None, Field(description=SLOTS)
]
SlotCountOption = Annotated[  # typer takes no unions
    Any,
    typer.Option(
        parser=_parse_slots,
        metavar="N|auto",
        help=SLOTS,
        show_default="1, or one for each of --gpus",
    ),
]
Gpus = Annotated[
    str | None,
    Field(description=GPUS),
    typer.Option(help=GPUS, show_default="all that are visible"),
]
TrialsPerGpu = Annotated[
    int | None, Field(description=SHARED, ge=1), typer.Option(min=1, help=SHARED)
]
GpusPerTrial = Annotated[int, Field(description=OWN, ge=1), typer.Option(min=1, help=OWN)]
MemoryLimit = Annotated[
    str | None,
    Field(description=MEMORY),
    typer.Option(parser=_parse_memory, metavar="AMOUNT", help=MEMORY, show_default="none"),
]
TrialTimeout = Annotated[
    float | None,
    Field(description=TRIAL_TIMEOUT, gt=0),
    typer.Option(min=0.1, help=TRIAL_TIMEOUT),
]
StallTimeout = Annotated[
    float | None,
    Field(description=STALL_TIMEOUT, gt=0),
    typer.Option(min=0.1, help=STALL_TIMEOUT),
]
Grace = Annotated[float, Field(description=GRACE_TEXT, ge=0), typer.Option(min=0, help=GRACE_TEXT)]
StopPolicyName = Annotated[
    Literal["median"] | None,
    Field(description=POLICY),
    typer.Option(help=POLICY, show_default="the study's"),
]
Engine = Annotated[
    str,
    Field(description=ENGINE, pattern=r"^(local|(dask|tcp|tls)://.+)$"),
    typer.Option(parser=_parse_engine, metavar="local|dask://HOST:PORT", help=ENGINE),
]
