"""Messages between supervisor and training process, on a pipe and over Dask alike.

Each message is a frozen dataclass, and only `encode` and `decode` know its JSON. The supervisor
sends a `Request`, and the process answers it with one `Answer`. Before that it may send `Began`,
and reports, each of which the supervisor answers with `GoOn`. `Interrupt` may come at any time.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from tuner.core.jsonable import to_json
from tuner.core.outcome import Outcome

State = Mapping[str, Any]
"""What `Trial.get_state` gives."""


@dataclass(frozen=True, slots=True)
class Discover:
    """Build the model until every hyperparameter is known, and tell what the study declares."""


@dataclass(frozen=True, slots=True)
class Run:
    """Run a trial to its end."""

    trial: State

    @property
    def trial_id(self) -> str:
        return str(self.trial["trial_id"])


@dataclass(frozen=True, slots=True)
class GoOn:
    """A report was taken in."""

    stop: str | None
    """Why the trial is to end early, None when it goes on."""


@dataclass(frozen=True, slots=True)
class Interrupt:
    """The search is stopping: end as soon as the trial can go on from there another time."""


@dataclass(frozen=True, slots=True)
class Began:
    """The trial's own code runs from now on."""


@dataclass(frozen=True, slots=True)
class EpochReport:
    """An epoch has ended."""

    epoch: int
    """From 0."""
    logs: Mapping[str, Any]
    """Metrics of that epoch."""


@dataclass(frozen=True, slots=True)
class MetricsReport:
    """The trial has called `oracle.update_trial`."""

    metrics: Mapping[str, Any]
    step: int


@dataclass(frozen=True, slots=True)
class Declared:
    """The answer to `Discover`: what the study declares; see `tuner.core.declaration`."""

    space: Mapping[str, Any]
    """What `HyperParameters.get_config` gives."""
    training: Mapping[str, Any]
    data_version: str | None


@dataclass(frozen=True, slots=True)
class Ended:
    """The trial has ended, well or not."""

    trial: State


@dataclass(frozen=True, slots=True)
class Interrupted:
    """The trial has ended as `Interrupt` asked, and goes on another time."""


@dataclass(frozen=True, slots=True)
class ProcessSpent:
    """The trial failed for what earlier ones have left in the process, which is to be ended."""

    outcome: Outcome
    message: str


@dataclass(frozen=True, slots=True)
class Fatal:
    """No trial can work."""

    message: str
    """A traceback."""
    error: str | None = None
    """Name of the `FatalError` that was raised; None for any other error."""


Request = Discover | Run
Command = Request | GoOn | Interrupt
Report = EpochReport | MetricsReport
Answer = Declared | Ended | Interrupted | ProcessSpent | Fatal
Message = Began | Report | Answer

_TYPES: Mapping[str, type[Command | Message]] = {
    cls.__name__: cls
    for cls in (
        Discover,
        Run,
        GoOn,
        Interrupt,
        Began,
        EpochReport,
        MetricsReport,
        Declared,
        Ended,
        Interrupted,
        ProcessSpent,
        Fatal,
    )
}


def to_dict(message: Command | Message) -> dict[str, Any]:
    """A message as JSON."""
    named = {field.name: getattr(message, field.name) for field in fields(message)}
    state: dict[str, Any] = to_json({"type": type(message).__name__, **named})
    return state


def from_dict(state: Mapping[str, Any]) -> Any:
    """The message that `to_dict` was given: a `Command` or a `Message`.

    Raises:
        ValueError: There is no such message.
    """
    arguments = dict(state)
    name = arguments.pop("type", None)
    if name not in _TYPES:
        msg = f"Expected a message of a type among {sorted(_TYPES)}."
        raise ValueError(f"{msg} Received: type={name!r}.")
    if name == "ProcessSpent":
        arguments["outcome"] = Outcome(arguments["outcome"])
    return _TYPES[name](**arguments)


def encode(message: Command | Message) -> bytes:
    """A message as it goes over a pipe."""
    return json.dumps(to_dict(message)).encode()


def decode(data: bytes) -> Any:
    """The message of a pipe; see `from_dict`."""
    return from_dict(json.loads(data))
