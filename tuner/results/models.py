"""Models of a search: loaded from its project alone, or trained once more on all the data."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

import numpy as np

from tuner.core.seeds import seed_execution
from tuner.core.trial import Trial
from tuner.errors import CheckpointMissingError
from tuner.journal.project import Project
from tuner.journal.reading import read_project
from tuner.search.options import with_values
from tuner.training import checkpoint
from tuner.training.models import rebuild_model


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
    model = rebuild_model(project, trial, custom_objects=custom_objects, safe_mode=safe_mode)
    if not model.built and trial.record.get("build_config"):
        model.build_from_config(trial.record["build_config"])
    checkpoint.load(project, saved, model)
    return model


_OF_VALIDATION = (
    "validation_data",
    "validation_split",
    "validation_steps",
    "validation_batch_size",
    "validation_freq",
    "callbacks",
)
"""Arguments without a meaning where nothing is held back."""


def refit(tuner: Any, trial: Trial, arguments: Mapping[str, Any]) -> Any:
    """A fresh model of a trial's configuration, trained on training and validation data together.

    It trains as many epochs as the trial's best one, without callbacks, since there is nothing
    left to stop by.

    Args:
        tuner: The `Tuner` that builds the model.
        trial: A completed one.
        arguments: Of `search`, by keyword. `x` and `y`, and `sample_weight` where given, are
            joined with those of `validation_data` where both are arrays.

    Raises:
        TypeError: The validation data cannot be joined.
    """
    _, values = with_values(trial.hyperparameters, (), arguments)
    joined = _with_validation_data(values)
    joined["epochs"] = (trial.best_step or 0) + 1
    hp = trial.hyperparameters.copy()
    hp.values.pop("tuner/trial_id", None)  # it begins with fresh weights
    if trial.seed is not None:
        seed_execution(trial.seed, 0)
    model = tuner._try_build(hp)  # noqa: SLF001 - as a trial is built
    tuner.hypermodel.fit(hp, model, **joined)
    return model


def _with_validation_data(arguments: Mapping[str, Any]) -> dict[str, Any]:
    joined = {name: value for name, value in arguments.items() if name not in _OF_VALIDATION}
    held_back = arguments.get("validation_data")
    if held_back is None:
        return joined
    names = ("x", "y", "sample_weight")
    parts = dict(zip(names, held_back, strict=False)) if isinstance(held_back, tuple) else {}
    pairs = [(arguments.get(name), part) for name, part in parts.items()]
    arrays = all(isinstance(a, np.ndarray) and isinstance(b, np.ndarray) for a, b in pairs)
    given = {name for name in names if arguments.get(name) is not None}
    if not arrays or given != set(parts):
        msg = "Expected `x`, `y` and `validation_data` to be arrays, to be joined."
        raise TypeError(f"{msg} Received: validation_data={type(held_back).__name__}.")
    for name, part in parts.items():
        joined[name] = np.concatenate([arguments[name], part])
    return joined
