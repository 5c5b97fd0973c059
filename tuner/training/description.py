"""What a trial's model looks like, kept beside its weights: it loads without the user's code."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from tuner.errors import CheckpointMissingError
from tuner.state.project import Project
from tuner.trial import Trial

logger = logging.getLogger(__name__)


def keep(project: Project, trial: Trial, model: Any) -> None:
    """Writes a model's config, once a trial.

    Models that cannot say what they look like (subclasses of `keras.Model` without `get_config`)
    are left out: they load by the code that built them.
    """
    if trial.record.get("model_config"):
        return
    import keras

    key = project.paths.trial(trial.trial_id).model
    try:
        config = json.dumps(keras.saving.serialize_keras_object(model), allow_nan=False)
    except Exception as error:  # noqa: BLE001 - the user's layers write their own configs
        logger.info("The model of trial %s loads only by its code: %s", trial.trial_id, error)
        return
    project.store.replace(key, config.encode())
    trial.record["model_config"] = key


def rebuild(
    project: Project,
    trial: Trial,
    *,
    custom_objects: Mapping[str, Any] | None = None,
    safe_mode: bool = True,
) -> Any:
    """The compiled model that `keep` described, with fresh weights.

    Args:
        project: Where it lies.
        trial: A trial that has ended.
        custom_objects: The user's own layers, losses and so on, by name.
        safe_mode: Whether to refuse code that stands in the config, a lambda for example.

    Raises:
        CheckpointMissingError: Nothing describes the model.
        ValueError: It takes objects that `custom_objects` lacks, or runs code.
    """
    import keras

    url = f"{project.store}/{project.paths.trial(trial.trial_id).model}"
    help_ = "Load it by its study: `build_tuner(...).get_best_models()`."
    key = str(trial.record.get("model_config", ""))
    found = project.store.read_many([key] if key else [])
    if not found:
        msg = f"Expected the description of a model at {url}. Received: none. {help_}"
        raise CheckpointMissingError(msg)
    config = json.loads(found[key])
    try:
        return keras.saving.deserialize_keras_object(
            config, custom_objects=dict(custom_objects or {}), safe_mode=safe_mode
        )
    except Exception as error:
        msg = f"Expected the model at {url} to be built of objects of Keras and `custom_objects`."
        given = f"custom_objects={sorted(custom_objects or ())} ({_reason(error)})"
        raise ValueError(f"{msg} Received: {given}. {help_}") from error


def _reason(error: Exception) -> str:
    """What Keras could not do, without the configs that its message is wrapped in."""
    innermost = str(error).rpartition("Exception encountered: ")[2]
    return innermost.partition(" Full object config:")[0].partition(". Make sure")[0].strip(" .")
