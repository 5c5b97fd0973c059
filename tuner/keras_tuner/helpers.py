"""Small functions of `keras_tuner.src` that subclasses import."""

from __future__ import annotations

import math
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from tuner.core.hyperparameters import HyperParameters
from tuner.core.objective import Objective
from tuner.search.display import in_notebook
from tuner.training.record import metrics_of
from tuner.training.tensorboard import hparams_of
from tuner.tuners.tuner import Tuner

Symbol = TypeVar("Symbol")

DEBUG = True
"""Whether the traceback of a trial that failed is printed: always."""

IS_NOTEBOOK = in_notebook()
"""Whether the program that has imported this is a notebook."""


def keras_tuner_export(path: str | Sequence[str]) -> Callable[[Symbol], Symbol]:
    """A decorator of what an extension exports; leaves it as it is.

    Args:
        path: Public names of it. Keras Tuner's own are in `tuner.keras_tuner.names`.
    """
    del path
    return lambda symbol: symbol


class MultiExecutionTuner(Tuner):
    """A `Tuner` with the arguments it had before Keras Tuner 1.1."""

    def __init__(
        self, oracle: Any, hypermodel: Any = None, executions_per_trial: int = 1, **kwargs: Any
    ) -> None:
        super().__init__(oracle, hypermodel, executions_per_trial=executions_per_trial, **kwargs)


def try_clear() -> None:
    """Clears the output of a notebook's cell, and prints an empty line elsewhere."""
    if not in_notebook():
        print()  # noqa: T201 - Keras Tuner's function prints
        return
    from IPython.display import clear_output

    clear_output()  # type: ignore[no-untyped-call]  # IPython is typed in parts


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
    metrics_of(results, objective, func_name)


def convert_to_metrics_dict(results: Any, objective: Objective) -> dict[str, float]:
    """The metrics of a result: of the best epoch of each execution, averaged over executions."""
    return metrics_of(results, objective)


def convert_hyperparams_to_hparams(
    hyperparams: HyperParameters, hparams_api: Any = None
) -> dict[Any, Any]:
    """The values as TensorBoard's HParams.

    Args:
        hyperparams: A configuration.
        hparams_api: The module `tensorboard.plugins.hparams.api`; imported if omitted, as before
            Keras Tuner 1.4.
    """
    if hparams_api is not None:
        return hparams_of(hyperparams, hparams_api)
    from tensorboard.plugins.hparams import api

    return hparams_of(hyperparams, api)


def maybe_compute_model_size(model: Any) -> int:
    """Number of trainable parameters; 0 for a model that is not built yet."""
    weights = model.trainable_weights if model.built else []
    return sum(math.prod(weight.shape) for weight in weights)


class LinkedList:
    """Data in an order into which more may be put; each is hashable, and there once."""

    def __init__(self) -> None:
        self._data: list[Any] = []

    def insert(self, data: Any, data_pre: Any = None) -> None:
        """Puts data after other data, or at the end."""
        at = len(self._data) if data_pre is None else self._data.index(data_pre) + 1
        self._data.insert(at, data)

    def next(self, data: Any) -> Any:
        """What follows, None after the last."""
        at = self._data.index(data) + 1
        return self._data[at] if at < len(self._data) else None
