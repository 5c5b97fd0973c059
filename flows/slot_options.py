"""What the user may say about where trials run, and what they may take."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Annotated, Any, Literal

import typer
from pydantic import Field

from tasks.gpus import VISIBLE, hide_gpus
from tasks.memory import parse_bytes
from tasks.placement import AUTO, Placement, place_slots
from tasks.slots import Slots
from tasks.watchdog import Limits
from tuner.state.project import Project

GRACE = 10.0
LOCAL = "local"
"""The engine that runs trials on this machine."""

# Parameters of the flow.
SlotCount = Annotated[
    Annotated[int, Field(ge=1)] | Literal["auto"] | None,
    Field(description="Trials that run at the same time; auto: one a GPU, or by processors."),
]
Gpus = Annotated[
    str | None, Field(description="GPUs to use, such as 0,2: positions among the visible, or ids.")
]
TrialsPerGpu = Annotated[int | None, Field(description="Trials that share a GPU.", ge=1)]
GpusPerTrial = Annotated[int, Field(description="GPUs of one trial.", ge=1)]
MemoryLimit = Annotated[
    str | None, Field(description="Host memory a trial may take, such as 6GB, before it is ended.")
]
TrialTimeout = Annotated[
    float | None, Field(description="Seconds a trial may take before it is ended.", gt=0)
]
StallTimeout = Annotated[
    float | None, Field(description="Seconds without progress before a trial is ended.", gt=0)
]
Grace = Annotated[
    float, Field(description="Seconds for trials to end their epoch when stopped.", ge=0)
]
StopPolicyName = Annotated[
    Literal["median"] | None, Field(description="Stops trials that will not be among the best.")
]


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


Engine = Annotated[
    str,
    Field(
        description="local, or a Dask scheduler, dask://host:8786.",
        pattern=r"^(local|(dask|tcp|tls)://.+)$",
    ),
]


def _parse_engine(text: str) -> str:
    if text != LOCAL and not text.startswith(("dask://", "tcp://", "tls://")):
        raise typer.BadParameter(f"{text!r} is neither {LOCAL} nor dask://HOST:PORT.")
    return text


# Options of the command line.
SlotCountOption = Annotated[
    Any,
    typer.Option(
        parser=_parse_slots,
        metavar="N|auto",
        help="Trials that run at the same time; auto: one a GPU, or what the processors carry.",
        show_default="1, or one for each of --gpus",
    ),
]
GpusOption = Annotated[
    str | None,
    typer.Option(
        help="GPUs to use, such as 0,2: positions among the visible ones, or ids.",
        show_default="all that are visible",
    ),
]
TrialsPerGpuOption = Annotated[
    int | None, typer.Option(min=1, help="Trials that share a GPU, each with its part of it.")
]
GpusPerTrialOption = Annotated[int, typer.Option(min=1, help="GPUs that each trial has to itself.")]
MemoryLimitOption = Annotated[
    Any,
    typer.Option(
        parser=_parse_memory,
        metavar="AMOUNT",
        help="Host memory, such as 6GB, beyond which a trial is ended.",
        show_default="none",
    ),
]
TrialTimeoutOption = Annotated[
    float | None, typer.Option(min=0.1, help="Seconds after which a trial is ended.")
]
StallTimeoutOption = Annotated[
    float | None,
    typer.Option(min=0.1, help="Seconds without an epoch or output after which one is ended."),
]
StopPolicyOption = Annotated[
    Literal["median"] | None,
    typer.Option(
        help="Stop trials whose curve is worse than that of most others.",
        show_default="the study's",
    ),
]
GraceOption = Annotated[
    float, typer.Option(min=0, help="Seconds for trials to end their epoch when stopped.")
]


EngineOption = Annotated[
    Any,
    typer.Option(
        parser=_parse_engine,
        metavar="local|dask://HOST:PORT",
        help="Where trials run: here, or on the workers of a Dask cluster.",
    ),
]


def remote_slots(
    engine: str,
    setup: Mapping[str, Any],
    project: Project,
    preload: tuple[str, ...],
    limits: Limits,
) -> Slots:
    """The slots of a cluster.

    Args:
        engine: Its address.
        setup: What `tasks.training` needs to assemble the tuner; JSON.
        project: Where workers leave results.
        preload: Modules that every child needs.
        limits: What a trial may take.

    Raises:
        ModuleNotFoundError: Dask is not installed.
    """
    try:
        from tasks.dask_slots import DaskSlots
    except ModuleNotFoundError as error:
        if error.name != "distributed":
            raise
        msg = "Expected Dask to be installed: pip install 'trialflow[dask]'."
        raise ModuleNotFoundError(f"{msg} Received: engine={engine!r}.") from None
    return DaskSlots(engine, setup, project, preload, limits)


@dataclass(frozen=True, slots=True)
class SlotOptions:
    """What was said about slots."""

    slots: int | str | None = None
    gpus: str | None = None
    trials_per_gpu: int | None = None
    gpus_per_trial: int = 1
    memory_limit: str | None = None
    trial_timeout: float | None = None
    stall_timeout: float | None = None
    grace: float = GRACE

    def limits(self) -> Limits:
        """What a trial may take."""
        memory = None if self.memory_limit is None else parse_bytes(self.memory_limit)
        return Limits(memory, self.trial_timeout, self.stall_timeout, self.grace)

    def places(self) -> list[Placement]:
        """Where the slots of this machine are.

        Raises:
            ValueError: There are no such GPUs.
        """
        return place_slots(self.slots, self.gpus, self.trials_per_gpu, self.gpus_per_trial)


@contextmanager
def gpus_hidden() -> Iterator[None]:
    """A search never touches a GPU, whatever its study file imports: its children have them."""
    outer = os.environ.get(VISIBLE)
    hide_gpus(os.environ)
    try:
        yield
    finally:
        if outer is None:
            del os.environ[VISIBLE]
        else:
            os.environ[VISIBLE] = outer
