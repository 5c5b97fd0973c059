"""Equality of models up to the values of their variables."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from tuner.training.model_state import names_of

ROWS = 8
"""Samples that two models are tried on."""

IMAGE_SIZE = 32
"""Of a dimension that the model leaves open, where there is no sample to take it from."""


class Data(NamedTuple):
    """What models are tried on; without `y` their loss is not."""

    x: Any
    y: Any = None


def difference(one: Any, two: Any, *, described: bool) -> str | None:
    """What differs in two models that are built; None if it is values of variables alone.

    Their optimizers count by their configuration.

    Args:
        one: A model.
        two: Another.
        described: Whether a model that cannot say what it consists of counts as different.
    """
    structures = []
    for model in (one, two):
        named = zip(names_of(model), model.variables, strict=False)  # the optimizer's come last
        structures.append([(name, tuple(v.shape), str(v.dtype)) for name, v in named])
    if structures[0] != structures[1]:
        return "its variables are others"
    fingerprint = _fingerprint(one)
    if fingerprint is None and described:
        return "it cannot say what it consists of"
    if fingerprint != _fingerprint(two):
        return "its configuration is another"
    return None


def agree(one: Any, two: Any, data: Data) -> bool:
    """Whether two models with the same values answer the same, bit for bit."""
    import keras

    answers = []
    for model in (one, two):
        predicted = model(data.x, training=False)
        parts = keras.tree.flatten(predicted)
        if data.y is not None:
            parts.append(model.compute_loss(x=data.x, y=data.y, y_pred=predicted, training=False))
        answers.append([keras.ops.convert_to_numpy(part) for part in parts])
    return len(answers[0]) == len(answers[1]) and all(
        a.shape == b.shape and a.tobytes() == b.tobytes() for a, b in zip(*answers, strict=True)
    )


def data_for(model: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Data:
    """Some rows of what `fit` is given, if it is arrays; noise of their shape otherwise.

    Raises:
        ValueError: The shape of the model's input is unknown.
    """
    import keras

    given = {**dict(zip(("x", "y"), args, strict=False)), **kwargs}
    x, y = given.get("x"), given.get("y")
    if y is not None and all(_is_array(part) for part in keras.tree.flatten((x, y))):
        rows = keras.tree.map_structure(_rows, (x, y))
        return Data(*rows)
    inputs = getattr(model, "inputs", None)
    if not inputs:
        raise ValueError("its inputs have no known shape")
    rng = np.random.default_rng(0)
    noise = [_noise(rng, tensor) for tensor in inputs]
    return Data(noise[0] if len(noise) == 1 else noise)


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "__getitem__")


def _rows(array: Any) -> Any:
    return array.iloc[:ROWS].to_numpy() if hasattr(array, "iloc") else np.asarray(array[:ROWS])


def _noise(rng: np.random.Generator, tensor: Any) -> np.ndarray:
    shape = (ROWS, *(size or IMAGE_SIZE for size in tensor.shape[1:]))
    if "float" in tensor.dtype:
        return rng.standard_normal(shape).astype(tensor.dtype)
    return rng.integers(0, 2, shape).astype(tensor.dtype)


def _fingerprint(model: Any) -> str | None:
    settings = [model.jit_compile, model.run_eagerly, model.steps_per_execution]
    try:
        config = [model.get_config(), model.get_compile_config(), settings]
        return json.dumps(_without_rates(config), sort_keys=True)
    except (NotImplementedError, TypeError, ValueError):
        return None  # of the user's own layers


def _without_rates(config: Any) -> Any:
    """Learning rates that are numbers are variables, which callbacks change."""
    match config:
        case dict():
            return {
                key: "a variable"
                if key == "learning_rate" and isinstance(value, float)
                else _without_rates(value)
                for key, value in config.items()
            }
        case list() | tuple():
            return [_without_rates(item) for item in config]
        case _:
            return config
