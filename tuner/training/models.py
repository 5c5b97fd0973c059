"""The Keras models of trials: how they are compiled, how large they may be, their descriptions."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Any

from storage import seal, unseal
from tuner.core.trial import Trial
from tuner.errors import CheckpointMissingError, OversizedModelError
from tuner.journal.project import Project


def count_names_anew(*, collect: bool = True) -> None:
    """Has the next model be built as the first of its process, whatever was built before.

    Keras numbers the names of layers. Where hyperparameters are called after them, a second build
    would declare others.

    Args:
        collect: Whether to free the memory of earlier models, which takes time.
    """
    import keras

    keras.utils.clear_session(free_memory=collect)


def override_compile_args(model: Any, optimizer: Any, loss: Any, metrics: Any) -> None:
    """Compiles the model again; what is None stays as the model was compiled.

    Args:
        model: A Keras model, compiled or not.
        optimizer: A name, or an optimizer, of which each model gets a fresh copy: an optimizer
            belongs to the variables of the first model it has trained.
        loss: What `compile` takes.
        metrics: Likewise.
    """
    if optimizer is None and loss is None and metrics is None:
        return
    config = (model.get_compile_config() if model.compiled else None) or {}
    compiled = {
        "optimizer": getattr(model, "optimizer", None),
        "loss": getattr(model, "loss", None),
        "metrics": config.get("metrics"),
    }
    overrides = {"optimizer": _fresh(optimizer), "loss": loss, "metrics": metrics}
    compiled.update({name: value for name, value in overrides.items() if value is not None})
    if compiled["optimizer"] is None:
        del compiled["optimizer"]  # Keras has a default
    model.compile(**compiled)


def _fresh(optimizer: Any) -> Any:
    import keras

    if not isinstance(optimizer, keras.optimizers.Optimizer):
        return optimizer
    return keras.optimizers.deserialize(keras.optimizers.serialize(optimizer))


def model_size(model: Any) -> int:
    """Number of trainable parameters; 0 of a model that is not built yet."""
    return sum(math.prod(variable.shape) for variable in model.trainable_weights)


def check_size(model: Any, limit: int | None) -> None:
    """Refuses a model with more trainable parameters than the limit; one not built yet has none.

    Raises:
        OversizedModelError: It has more.
    """
    size = model_size(model)
    if limit is not None and size > limit:
        raise OversizedModelError(
            f"Oversized model: {size} parameters. Skip model. (max_model_size={limit})"
        )


logger = logging.getLogger(__name__)


def keep_description(project: Project, trial: Trial, model: Any) -> None:
    """Writes a model's config, once a trial.

    Models that cannot say what they look like (subclasses of `keras.Model` without `get_config`)
    are left out: they load by the code that built them.
    """
    if trial.record.get("model_config"):
        return
    import keras

    key = project.paths.trial(trial.trial_id).model
    try:
        description = seal(keras.saving.serialize_keras_object(model))
    except Exception as error:  # noqa: BLE001 - the user's layers write their own configs
        logger.info("The model of trial %s loads only by its code: %s", trial.trial_id, error)
        return
    project.store.replace(key, description)
    trial.record["model_config"] = key


def rebuild_model(
    project: Project,
    trial: Trial,
    *,
    custom_objects: Mapping[str, Any] | None = None,
    safe_mode: bool = True,
) -> Any:
    """The compiled model that `keep_description` described, with fresh weights.

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
    key = project.paths.trial(trial.trial_id).model if trial.record.get("model_config") else ""
    found = project.store.read_many([key] if key else [])
    if not found:
        msg = f"Expected the description of a model at {url}. Received: none. {help_}"
        raise CheckpointMissingError(msg)
    config = unseal(found[key], url)
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
