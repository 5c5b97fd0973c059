"""A trial as Keras Tuner has written it, and the one error that names what is wrong with a file."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from storage import CorruptError, Store
from tuner.core.hyperparameters import HyperParameters
from tuner.core.metrics import MetricsTracker
from tuner.core.trial import TrialStatus


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON object that was read from a file, with the file's name for the errors."""

    where: str
    state: Mapping[str, Any]

    @classmethod
    def parse(cls, data: bytes, where: str) -> Document:
        """Reads a file; NaN and infinities are numbers, as Keras Tuner writes them.

        Raises:
            CorruptError: It is no JSON object.
        """
        try:
            state = json.loads(data)
        except ValueError as error:
            raise damaged(where, "a whole JSON object", str(error)) from error
        if not isinstance(state, dict):
            raise damaged(where, "a JSON object", f"a {type(state).__name__}")
        return cls(where, state)

    def get(self, name: str, *kinds: type, default: Any = ...) -> Any:
        """The entry of a name.

        Raises:
            CorruptError: It is missing and has no default, or is of another type.
        """
        if name not in self.state:
            if default is ...:
                received = f"only {', '.join(sorted(self.state)) or 'an empty object'}"
                raise damaged(self.where, f"an entry `{name}`", received)
            return default
        value = self.state[name]
        if not isinstance(value, kinds):
            names = " or ".join("null" if kind is type(None) else kind.__name__ for kind in kinds)
            raise damaged(self.where, f"`{name}` to be {names}", f"{name}={value!r}")
        return value

    def part(self, name: str) -> Document:
        """An entry that is an object itself. Raises what `get` does."""
        return Document(self.where, self.get(name, dict))

    @contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """Errors of the code that reads this file become one that names the file."""
        try:
            yield
        except CorruptError:
            raise
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            said = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise damaged(self.where, f"readable {what}", said) from error


def damaged(where: str, expected: str, received: str) -> CorruptError:
    """The error of a damaged file."""
    return CorruptError(
        f"Expected {expected} in {where}. Received: {received.rstrip('.')}. Restore the file or "
        "take its trial out of the project; nothing was imported."
    )


def place(store: Store, key: str) -> str:
    """What messages call a file."""
    return f"{store}/{key}"


WEIGHTS = "checkpoint.weights.h5"
BUILD_CONFIG = "build_config.json"
STATUSES = (
    TrialStatus.RUNNING,
    TrialStatus.COMPLETED,
    TrialStatus.INVALID,
    TrialStatus.FAILED,
)
_NULL = type(None)


@dataclass(frozen=True, slots=True)
class OldTrial:
    """What `trial.json` says, and what lies beside it."""

    trial_id: str
    where: str
    """Name of its `trial.json` for messages."""
    space: HyperParameters
    values: Mapping[str, Any]
    """With the `tuner/*` entries."""
    metrics: MetricsTracker
    score: float | None
    best_step: int | None
    status: str
    message: str | None
    build_config: Mapping[str, Any] | None
    folder: str
    files: tuple[str, ...]


def read_trial(store: Store, folder: str, data: bytes) -> OldTrial:
    """Reads a trial's folder, of which `trial.json` is at hand.

    Raises:
        CorruptError: A file is damaged; the message names it.
    """
    document = Document.parse(data, place(store, f"{folder}/trial.json"))
    trial_id = document.get("trial_id", str)
    if folder != f"trial_{trial_id}":
        expected = f"the trial that folder {folder} is named after"
        raise damaged(document.where, expected, f"trial_id={trial_id!r}")
    status = document.get("status", str)
    if status not in STATUSES:
        expected = f"`status` to be one of {', '.join(STATUSES)}"
        raise damaged(document.where, expected, f"status={status!r}")
    files = tuple(store.list(folder))
    return OldTrial(
        trial_id=trial_id,
        where=document.where,
        space=space_of(document.part("hyperparameters")),
        values=document.part("hyperparameters").get("values", dict),
        metrics=_metrics(document),
        score=document.get("score", int, float, _NULL),
        best_step=document.get("best_step", int, _NULL, default=None),
        status=status,
        message=document.get("message", str, _NULL, default=None),
        build_config=_build_config(store, folder) if BUILD_CONFIG in files else None,
        folder=folder,
        files=files,
    )


def space_of(document: Document) -> HyperParameters:
    """The parameters of a `hyperparameters` entry, with no values."""
    configs = document.get("space", list)
    document.get("values", dict)
    with document.reading("hyperparameters"):
        space = [_tidied(config) for config in configs]
        return HyperParameters.from_config({"space": space, "values": {}})


def _tidied(parameter: Mapping[str, Any]) -> dict[str, Any]:
    """A parameter without what older versions wrote by mistake."""
    config = dict(parameter["config"])
    if config.get("step") == 1 and config.get("sampling") in ("log", "reverse_log"):
        # The default of an Int was a step of 1 whatever the sampling, which took no notice of it.
        config["step"] = None
    return {"class_name": parameter["class_name"], "config": config}


def _metrics(document: Document) -> MetricsTracker:
    part = document.part("metrics")
    part.get("metrics", dict)
    with part.reading("`metrics`"):
        tracker = MetricsTracker.from_config(part.state)
        for name in tracker.metrics:
            tracker.get_best_value(name)  # raises where a value is no number
    return tracker


def _build_config(store: Store, folder: str) -> Mapping[str, Any]:
    key = f"{folder}/{BUILD_CONFIG}"
    return Document.parse(store.read(key), place(store, key)).state
