"""Turns what was said about slots into slots."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from typing import Any

from tasks.gpus import VISIBLE, hide_gpus
from tasks.memory import parse_bytes
from tasks.placement import Placement, place_slots
from tasks.slots import LocalSlots, Slots
from tasks.watchdog import Limits
from tuner.state.project import Project

GRACE = 10.0
"""Seconds."""

LOCAL = "local"
"""The engine that runs trials on this machine."""


@dataclass(frozen=True, slots=True)
class SlotChoice:
    """What was said about slots; `flows.options.slots` says what each means."""

    slots: int | str | None = None
    gpus: str | None = None
    trials_per_gpu: int | None = None
    gpus_per_trial: int = 1
    memory_limit: str | None = None
    trial_timeout: float | None = None
    stall_timeout: float | None = None
    grace: float = GRACE

    @classmethod
    def among(cls, arguments: Mapping[str, Any]) -> SlotChoice:
        """Those of the arguments that are about slots."""
        names = [field.name for field in fields(cls)]
        return cls(**{name: arguments[name] for name in names if name in arguments})

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


def create_slots(
    engine: str,
    choice: SlotChoice,
    setup: Mapping[str, Any],
    project: Project,
    preload: tuple[str, ...],
) -> Slots:
    """The slots of this machine or of a cluster.

    Args:
        engine: `local`, or the address of a Dask scheduler.
        choice: What was said about them.
        setup: What `tasks.training` needs to assemble the tuner; JSON.
        project: Where the workers of a cluster leave results.
        preload: Modules that every child needs.

    Raises:
        ModuleNotFoundError: Dask is not installed.
        ValueError: There are no such GPUs.
    """
    if engine == LOCAL:
        return LocalSlots(choice.places(), setup, preload, choice.limits())
    try:
        from tasks.dask_slots import DaskSlots
    except ModuleNotFoundError as error:
        if error.name != "distributed":
            raise
        msg = "Expected Dask to be installed: pip install 'trialflow[dask]'."
        raise ModuleNotFoundError(f"{msg} Received: engine={engine!r}.") from None
    return DaskSlots(engine, setup, project, preload, choice.limits())


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
