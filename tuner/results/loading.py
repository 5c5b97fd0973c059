"""Models of a search, loaded from its project alone: without the study file that built them."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from tuner.errors import CheckpointMissingError
from tuner.state.history import History
from tuner.state.project import Project
from tuner.training import checkpoint, description
from tuner.trial import Trial


def read_project(
    project_url: str | os.PathLike[str], **storage_options: Any
) -> tuple[Project, History]:
    """The project at a path or URL, and all that has happened in it.

    Raises:
        FileNotFoundError: There is none.
    """
    project = Project.at(project_url, **storage_options)
    info = project.info()
    if info is None:
        msg = "Expected a project."
        received = f"project_url={str(project.store)!r}, where there is no project.json"
        raise FileNotFoundError(f"{msg} Received: {received}.")
    history = History.of_project(info)
    history.replay(project.events())
    return project, history


def load_best_models(
    project_url: str | os.PathLike[str],
    num_models: int = 1,
    *,
    custom_objects: Mapping[str, Any] | None = None,
    safe_mode: bool = True,
    **storage_options: Any,
) -> list[Any]:
    """The models of the best trials, with the weights of their best epochs, best first.

    For models that Keras can rebuild from their config: functional and sequential ones, and
    subclasses that have a `get_config`. All others load by their study file and
    `tuner.get_best_models()`.

    Example:
        model = load_best_models("s3://bucket/results/digits")[0]

    Args:
        project_url: Path or fsspec URL of the project.
        num_models: How many; fewer if fewer trials have completed.
        custom_objects: The user's own layers, losses and so on, by name.
        safe_mode: Whether to refuse code that stands in a config, a lambda for example.
        **storage_options: Passed to fsspec.

    Raises:
        FileNotFoundError: There is no project.
        CheckpointMissingError: A model, or its weights, were not kept.
        ValueError: A model takes objects that `custom_objects` lacks.
    """
    project, history = read_project(project_url, **storage_options)
    return [
        load_trial(project, trial, custom_objects=custom_objects, safe_mode=safe_mode)
        for trial in history.ranked()[:num_models]
    ]


def load_trial(
    project: Project,
    trial: Trial,
    *,
    custom_objects: Mapping[str, Any] | None = None,
    safe_mode: bool = True,
) -> Any:
    """The model of a trial that has ended; see `load_best_models`."""
    saved = trial.record.get("checkpoint")
    if saved is None:
        msg = f"Expected weights of trial {trial.trial_id} at {project.store}. Received: none."
        raise CheckpointMissingError(msg)
    model = description.rebuild(project, trial, custom_objects=custom_objects, safe_mode=safe_mode)
    if not model.built and trial.record.get("build_config"):
        model.build_from_config(trial.record["build_config"])
    checkpoint.load(project, saved, model)
    return model
