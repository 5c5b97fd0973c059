"""Weights of a trial's best epoch: written locally, then uploaded, then named by the result."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from storage import CorruptError, KeyMissingError
from tuner.errors import CheckpointMissingError
from tuner.state.project import Project


def keep(project: Project, trial_id: str, path: Path) -> dict[str, Any]:
    """Uploads a file of weights.

    The key holds the file's digest, so that of two processes that run the same trial neither
    overwrites what the other's result names.

    Returns:
        What `load` needs to find it; JSON.
    """
    digest = _digest(path)
    key = project.paths.trial(trial_id).checkpoint(digest[:12])
    project.store.upload(path, key)
    return {"key": key, "sha256": digest, "size": path.stat().st_size}


def load(project: Project, checkpoint: Mapping[str, Any], model: Any) -> None:
    """Loads weights, and the optimizer's state, into a built model.

    Raises:
        CheckpointMissingError: The file was deleted.
        CorruptError: The file is not the one that was saved.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "checkpoint.weights.h5"
        try:
            project.store.download(checkpoint["key"], path)
        except KeyMissingError as error:
            msg = f"Expected weights at {project.store}/{checkpoint['key']}. Received: none."
            hint = "The search has deleted them: `keep_checkpoints` says whose are kept."
            raise CheckpointMissingError(f"{msg} {hint}") from error
        if _digest(path) != checkpoint["sha256"]:
            msg = f"Expected the checkpoint the trial saved. Received: {checkpoint['key']} differs."
            raise CorruptError(msg)
        optimizer = getattr(model, "optimizer", None)
        if optimizer is not None and not optimizer.built:
            # Keras skips the state of an optimizer that is not built, with a warning only.
            optimizer.build(model.trainable_variables)
        model.load_weights(path)


def load_of_trial(project: Project, trial_id: str, model: Any, own: Path) -> None:
    """Loads what a trial has left, into a model that is built if need be.

    Args:
        project: Where it lies.
        trial_id: A trial that has ended.
        model: Of the trial's configuration.
        own: Where a subclass's `run_trial` may have saved weights itself.

    Raises:
        CheckpointMissingError: The trial left no weights, or they were deleted.
    """
    record = project.read_record(trial_id)
    if not model.built and record.get("build_config"):
        model.build_from_config(record["build_config"])
    if "checkpoint" in record:
        load(project, record["checkpoint"], model)
    elif own.exists():
        model.load_weights(own)
    else:
        msg = (
            f"Expected weights of trial {trial_id} at {project.url}. "
            "Received: none. The trial did not end, or its `fit` did not pass on `callbacks`."
        )
        raise CheckpointMissingError(msg)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
