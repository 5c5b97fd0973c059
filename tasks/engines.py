"""Engines: where a search's trials run, found by name.

`--engine NAME[:ADDRESS]` names one. Ours are in `ENGINES`; a package adds its own as an entry point
of the group `trialflow.slots`, a function that makes `Slots` of a `SlotsOrder`:

    [project.entry-points."trialflow.slots"]
    mine = "my_package.slots:create"
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from tasks.hardware.placement import Placement
from tasks.process.local_slots import LocalSlots
from tasks.process.watchdog import TrialLimits
from tasks.slots import Slots
from tuner.journal.project import Project

LOCAL = "local"
"""The engine that runs trials on this machine."""

GROUP = "trialflow.slots"

AGENT_IDLE = 300.0
"""Seconds."""

MOST_AGENTS = 16
"""Agents that are asked for where their number is left to the pool."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SlotsOrder:
    """What the slots of a search are made from."""

    engine: str
    """As it was typed: a name, and an address after a colon."""
    setup: Mapping[str, Any]
    """What `tasks.process.child` needs to assemble the tuner; JSON."""
    project: Project
    """Where trials leave their results."""
    preload: tuple[str, ...]
    """Modules that every child needs."""
    limits: TrialLimits
    """What a trial may take."""
    places: Callable[[], list[Placement]]
    """Finds where slots of this machine are; raises ValueError when there are no such GPUs."""
    slots: int | str | None = None
    """How many were asked for: a number, `auto`, or None."""
    gpus_per_trial: int = 1
    agent_idle: float = AGENT_IDLE
    """Seconds without a trial after which an agent of a work pool ends."""

    @property
    def address(self) -> str:
        """What follows the name; empty without one."""
        return self.engine.partition(":")[2]


Factory = Callable[[SlotsOrder], Slots]


def create_slots(order: SlotsOrder) -> Slots:
    """The slots of an engine.

    Raises:
        ModuleNotFoundError: What the engine needs is not installed.
        ValueError: There is no such engine, or none of the GPUs that were named.
    """
    check_engine(order.engine)
    name = name_of(order.engine)
    factory = ENGINES.get(name) or _others()[name].load()
    slots: Slots = factory(order)
    return slots


def check_engine(engine: str) -> str:
    """Answers the engine if there is one of its name.

    Raises:
        ValueError: There is none; the message lists those there are.
    """
    known = sorted({*ENGINES, *_others()})
    if name_of(engine) not in known:
        msg = f"Expected an engine, NAME or NAME:ADDRESS, with a name among {', '.join(known)}."
        raise ValueError(f"{msg} Received: engine={engine!r}.")
    return engine


def name_of(engine: str) -> str:
    """The name of an engine, without its address."""
    return engine.partition(":")[0]


def _others() -> dict[str, EntryPoint]:
    """Engines of other packages, by name; loaded when they are used."""
    return {point.name: point for point in entry_points(group=GROUP)}


def _local(order: SlotsOrder) -> Slots:
    return LocalSlots(order.places(), order.setup, order.preload, order.limits)


def _dask(order: SlotsOrder) -> Slots:
    try:
        from tasks.dask.slots import DaskSlots
    except ModuleNotFoundError as error:
        if error.name != "distributed":
            raise
        msg = "Expected Dask to be installed: pip install 'trialflow[dask]'."
        raise ModuleNotFoundError(f"{msg} Received: engine={order.engine!r}.") from None
    return DaskSlots(order.engine, order.setup, order.project, order.preload, order.limits)


def _prefect(order: SlotsOrder) -> Slots:
    from tasks.prefect.pool import PoolRuns
    from tasks.prefect.slots import PoolSlots

    if not order.address:
        msg = "Expected a work pool: prefect:POOL."
        raise ValueError(f"{msg} Received: engine={order.engine!r}.")
    runs = PoolRuns.of_this_run(
        order.address, order.project, order.agent_idle, order.gpus_per_trial
    )
    wanted = order.slots if isinstance(order.slots, int) else MOST_AGENTS
    return PoolSlots(order.setup, order.project, runs, wanted, order.preload, order.limits)


ENGINES: Mapping[str, Factory] = {
    LOCAL: _local,
    "dask": _dask,
    "dask+tls": _dask,
    "prefect": _prefect,
    "tcp": _dask,
    "tls": _dask,
}
