"""Weights of a trial's best epoch: written locally, then uploaded, then named by the result."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from storage import KeyMissingError, LocalStore, StoredFile, scratch_folder
from tuner.errors import CheckpointMissingError
from tuner.journal.project import Project


def keep(project: Project, trial_id: str, path: Path) -> dict[str, Any]:
    """Uploads a file of weights.

    Returns:
        What `load` needs to find it; JSON.
    """
    file = StoredFile.of(path, project.paths.trial(trial_id).checkpoint)
    file.write(project.store, path)
    return file.to_json()


def link(project: Project, trial_id: str, key: str, name: str) -> None:
    """Has a file of a local project lie in its trial's folder under Keras Tuner's name, too.

    A file that a program has written there itself stays.

    Args:
        project: Where it lies; elsewhere than on a local disk nothing happens.
        trial_id: The trial.
        key: The file's key.
        name: Keras Tuner's name of it.
    """
    if not isinstance(project.store, LocalStore):
        return
    file, named = Path(project.url) / key, Path(project.trial_folder(trial_id)) / name
    if named.exists() and named.stat().st_nlink == 1:
        return
    named.unlink(missing_ok=True)
    try:
        named.hardlink_to(file)
    except OSError:  # a file system without links
        shutil.copyfile(file, named)


def load(project: Project, checkpoint: Mapping[str, Any], model: Any) -> None:
    """Loads weights, and the optimizer's state, into a built model.

    Raises:
        CheckpointMissingError: The file was deleted.
        CorruptError: The file is not the one that was saved.
    """
    file = StoredFile.from_json(checkpoint, f"the checkpoint of a trial of {project.store}")
    with scratch_folder() as folder:
        path = Path(folder) / "checkpoint.weights.h5"
        try:
            file.download(project.store, path)
        except KeyMissingError as error:
            msg = f"Expected weights at {project.store}/{file.key}. Received: none."
            hint = "The search has deleted them: `keep_checkpoints` says whose are kept."
            raise CheckpointMissingError(f"{msg} {hint}") from error
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
