"""One trial's folder of the old project."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from storage import Store
from tuner.hyperparameters import HyperParameters
from tuner.importing.damage import Document, damaged, place
from tuner.metrics import MetricsTracker
from tuner.trial import TrialStatus

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
    """A parameter without what older versions wrote and nobody meant."""
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
