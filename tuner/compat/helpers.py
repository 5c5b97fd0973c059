"""Small functions of `keras_tuner.src` that subclasses import."""

from __future__ import annotations

import json
import math
import shutil
import uuid
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tuner.objective import Objective
from tuner.training.returned_metrics import metrics_of


def create_directory(path: str, remove_existing: bool = False) -> None:
    """Makes a local folder, empty where `remove_existing` is True."""
    if remove_existing:
        shutil.rmtree(path, ignore_errors=True)
    Path(path).mkdir(parents=True, exist_ok=True)


def save_json(path: str, obj: Any) -> str:
    """Writes a local file; returns its text."""
    text = json.dumps(obj)
    Path(path).write_text(text, encoding="utf-8")
    return text


def load_json(path: str) -> Any:
    """What a local file holds."""
    return json.loads(Path(path).read_text(encoding="utf-8"))


def to_list(values: Any) -> list[Any]:
    """A list of what came as a list, a tuple or one value."""
    return list(values) if isinstance(values, list | tuple) else [values]


def serialize_keras_object(obj: Any) -> Any:
    """The config of a Keras object."""
    import keras

    return keras.saving.serialize_keras_object(obj)


def deserialize_keras_object(
    config: Any, module_objects: Any = None, custom_objects: Any = None
) -> Any:
    """The Keras object of a config."""
    import keras

    known = {**(module_objects or {}), **(custom_objects or {})}
    return keras.saving.deserialize_keras_object(config, custom_objects=known)


def backend() -> str:
    """Name of Keras's backend."""
    import keras

    name: str = keras.backend.backend()
    return name


def multi_backend() -> bool:
    """Whether this Keras has several backends, which each one we run on has."""
    return True


def has_chief_oracle() -> bool:
    """Whether the oracle is another process's server. Ours never is."""
    return False


def is_chief_oracle() -> bool:
    """Whether this process is that server."""
    return False


def generate_trial_id() -> str:
    """An id that no other trial has."""
    return uuid.uuid4().hex


def average_metrics_dicts(metrics_dicts: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """The mean of each metric over the dicts that have it."""
    values: dict[str, list[float]] = {}
    for metrics in metrics_dicts:
        for name, value in metrics.items():
            values.setdefault(name, []).append(value)
    return {name: sum(found) / len(found) for name, found in values.items()}


def validate_trial_results(results: Any, objective: Objective, func_name: str) -> None:
    """Raises what `search` would raise for this result of a function."""
    del func_name
    metrics_of(results, objective)


def maybe_compute_model_size(model: Any) -> int:
    """Number of trainable parameters; 0 for a model that is not built yet."""
    weights = model.trainable_weights if model.built else []
    return sum(math.prod(weight.shape) for weight in weights)
