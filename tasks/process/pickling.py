"""Pickling of what a script makes: tuners, oracles, tf.data pipelines, Keras's settings."""

from __future__ import annotations

import inspect
import pickle
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from typing import Any

from tuner.core.hyperparameters import HyperParameters
from tuner.core.runtime import Role
from tuner.oracles.oracle import Oracle
from tuner.tuners.base_tuner import BaseTuner
from tuner.tuners.tuner import Tuner

IGNORE_STATE = 1
"""TensorFlow's policy that lets random operations pass; a child draws numbers of its own."""


def is_dataset(value: Any) -> bool:
    """Whether it is a `tf.data.Dataset`, told without importing TensorFlow."""
    tensorflow = sys.modules.get("tensorflow")
    # Only partly there while it is being imported by another thread.
    data = getattr(tensorflow, "data", None)
    return data is not None and isinstance(value, data.Dataset)


def graph_of(dataset: Any) -> tuple[bytes, bytes]:
    """The pipeline as bytes, with all the data it holds.

    Raises:
        TypeError: It calls back into Python, or is larger than the two gigabytes of a graph.
    """
    import tensorflow as tf

    try:
        graph: bytes = tf.raw_ops.DatasetToGraphV2(
            input_dataset=tf.data.experimental.to_variant(dataset),
            external_state_policy=IGNORE_STATE,
            strip_device_assignment=True,
        ).numpy()
    except tf.errors.OpError as error:
        raise TypeError(f"TensorFlow cannot write down this pipeline: {error.message}") from error
    if b"PyFunc" in graph:
        raise TypeError("a tf.data pipeline that calls Python cannot leave its process")
    return graph, pickle.dumps(dataset.element_spec)


def dataset_of(graph: bytes, element_spec: bytes) -> Any:
    """The pipeline that `graph_of` wrote down."""
    import tensorflow as tf

    variant = tf.raw_ops.DatasetFromGraph(graph_def=graph)
    spec = pickle.loads(element_spec)  # noqa: S301 - written by our own supervisor
    return tf.data.experimental.from_variant(variant, spec)


@dataclass(frozen=True, slots=True)
class KerasSettings:
    """Settings that every layer takes its defaults from, and the registered classes."""

    floatx: str
    epsilon: float
    image_data_format: str
    dtype_policy: dict[str, Any]
    custom_objects: dict[str, Any]
    """By registered name, `package>name`."""

    @classmethod
    def now(cls) -> KerasSettings | None:
        """Those of this process; None while Keras is not imported, so that there are none."""
        keras = sys.modules.get("keras")
        if keras is None:
            return None
        return cls(
            keras.config.floatx(),
            keras.config.epsilon(),
            keras.config.image_data_format(),
            keras.dtype_policies.serialize(keras.config.dtype_policy()),
            {
                name: custom
                for name, custom in keras.saving.get_custom_objects().items()
                # What libraries register, they register in the child too.
                if getattr(custom, "__module__", None) == "__main__"
            },
        )

    def apply(self) -> None:
        import keras

        keras.config.set_floatx(self.floatx)
        keras.config.set_epsilon(self.epsilon)
        keras.config.set_image_data_format(self.image_data_format)
        policy = keras.dtype_policies.deserialize(self.dtype_policy)
        keras.config.set_dtype_policy(policy)
        for registered, custom in self.custom_objects.items():
            package, _, name = registered.rpartition(">")
            keras.saving.register_keras_serializable(package, name)(custom)


BOUND = frozenset({"session", "tuner_ids"})
"""What an oracle writes the journal with, which a training process never does."""


def reduce_oracle(oracle: Oracle) -> tuple[Any, ...]:
    """How an oracle is pickled: its settings and what a subclass added, without the history."""
    state = {name: value for name, value in vars(oracle).items() if name not in BOUND}
    pickled = (state, oracle.session.declared.initial)
    return _blank, (type(oracle),), pickled, None, None, _restore_oracle


def reduce_tuner(tuner: BaseTuner) -> tuple[Any, ...]:
    """How a tuner is pickled: as it is, but for what it shows."""
    # The directory may be a URL with a password, and payloads are files; the project has it.
    state = {k: v for k, v in vars(tuner).items() if k not in ("display", "directory")}
    return _blank, (type(tuner),), state, None, None, _restore_tuner


def names_of_arguments(tuner: BaseTuner) -> Iterator[str]:
    """What people call the positional arguments of `search`."""
    names: list[str] = []
    for parameter in list(inspect.signature(tuner.run_trial).parameters.values())[1:]:
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
            break
        names.append(parameter.name)
    if not names and isinstance(tuner, Tuner):
        names = ["x", "y"]
    yield from names
    yield from (f"args[{number}]" for number in count(len(names)))


def _blank(cls: type[Any]) -> Any:
    return object.__new__(cls)


def _restore_oracle(oracle: Oracle, pickled: tuple[dict[str, Any], HyperParameters]) -> None:
    state, space = pickled
    Oracle.__init__(oracle, objective=state["objective"])
    vars(oracle).update(state)
    oracle.session.declared.initial = space


def _restore_tuner(tuner: BaseTuner, state: dict[str, Any]) -> None:
    vars(tuner).update(state, display=None, _role=Role.TRIAL)
    tuner.directory = tuner.search_project.directory
