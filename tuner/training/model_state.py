"""Everything that a training of a Keras model goes on with. Imports keras when it is used."""

from __future__ import annotations

import random
import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from tuner.training.callback_states import check_states, set_states, states_of


def random_state() -> dict[str, Any]:
    """State of `random`, of numpy's global generator, and of Keras's (`keras.random` unseeded)."""
    version, words, gauss = random.getstate()
    return {
        "python": [version, np.array(words, np.uint64), gauss],
        "numpy": _numpy_state(),
        "keras": _keras_state(),
    }


def set_random_state(state: dict[str, Any]) -> None:
    """Takes over what `random_state` gave."""
    if state["keras"] is not None:
        _set_keras_state(state["keras"])  # may draw from `random`
    if state["numpy"] is not None:
        np.random.set_state(state["numpy"])  # noqa: NPY002 - the global one is the point
    version, words, gauss = state["python"]
    random.setstate((version, tuple(map(int, words)), gauss))


def _numpy_state() -> Any:
    state = np.random.get_state(legacy=True)  # noqa: NPY002
    # A generator of the user's own has another kind of state.
    return state if isinstance(state, tuple) else None


def _keras_state() -> Any:
    try:
        from keras.src.backend.common import global_state
        from keras.src.random.seed_generator import GLOBAL_SEED_GENERATOR
    except ImportError:
        return None
    import keras

    generator = global_state.get_global_attribute(GLOBAL_SEED_GENERATOR)
    if generator is None:
        return None
    return np.array(keras.ops.convert_to_numpy(generator.state))


def _set_keras_state(state: np.ndarray) -> None:
    from keras.src.random.seed_generator import global_seed_generator

    global_seed_generator().state.assign(state)


_NUMBERS = re.compile(r"_?\d+")


class StateMismatchError(ValueError):
    """A state is of another model than the one at hand."""


def model_state(model: Any, callbacks: Sequence[Any]) -> dict[str, Any]:
    """The state between two epochs; JSON with arrays, which are copies.

    Args:
        model: A Keras model that is built, its optimizer too.
        callbacks: Those whose state belongs to it.
    """
    import keras

    variables = variables_of(model)
    history = getattr(model, "history", None)
    return {
        "build": model.get_build_config() if hasattr(model, "get_build_config") else None,
        "names": names_of(model),
        "variables": [np.array(keras.ops.convert_to_numpy(v)) for v in variables],
        "callbacks": states_of(callbacks),
        "history": getattr(history, "history", {}),
        "epochs": list(getattr(history, "epoch", [])),
        "random": random_state(),
    }


def set_model_state(model: Any, callbacks: Sequence[Any], state: dict[str, Any]) -> None:
    """Takes over what `model_state` gave; nothing is changed when it does not fit.

    Raises:
        StateMismatchError: The model or the callbacks are others.
    """
    _build(model, state["build"])
    check_fits(model, state)
    try:
        check_states(callbacks, state["callbacks"])
    except ValueError as error:
        raise StateMismatchError(str(error)) from error
    for variable, value in zip(variables_of(model), state["variables"], strict=True):
        variable.assign(value)
    set_states(callbacks, state["callbacks"])


def set_progress(model: Any, state: dict[str, Any]) -> None:
    """Takes over what belongs to one training and not to one that goes on from another's end."""
    history = getattr(model, "history", None)
    if history is not None:
        history.history = state["history"]
        history.epoch = state["epochs"]
    set_random_state(state["random"])


def _build(model: Any, config: Any) -> None:
    """Makes the variables that TensorFlow would make with the first batch."""
    if not model.built and config:
        model.build_from_config(config)
    optimizer = getattr(model, "optimizer", None)
    if model.built and optimizer is not None and not optimizer.built:
        optimizer.build(model.trainable_variables)


def check_fits(model: Any, state: dict[str, Any]) -> None:
    """Raises StateMismatchError unless the model's variables are of the same names and shapes.

    Numbers in names do not count: Keras numbers what has no name through the whole process.
    """
    named = zip(names_of(model), variables_of(model), strict=True)
    own = [(name, tuple(v.shape), _type(v)) for name, v in named]
    arrays = state["variables"]
    theirs = [(n, a.shape, a.dtype.name) for n, a in zip(state["names"], arrays, strict=True)]
    if own == theirs:
        return
    if len(own) != len(theirs):
        msg = f"expected {len(theirs)} variables, the model has {len(own)}"
        raise StateMismatchError(msg)
    saved, found = next((a, b) for a, b in zip(theirs, own, strict=True) if a != b)
    raise StateMismatchError(f"expected the variable {saved}, the model has {found}")


def variables_of(model: Any) -> list[Any]:
    """All variables of a model and of the optimizers that are its attributes, each one once.

    Positions are what they are known by.
    """
    import keras

    optimizers = [getattr(model, "optimizer", None), *vars(model).values()]
    found = list(model.variables)
    for optimizer in optimizers:
        if isinstance(optimizer, keras.optimizers.Optimizer):
            found += optimizer.variables
    return list({id(variable): variable for variable in found}.values())


def size_of(model: Any) -> int:
    """Bytes of a model's variables."""
    return sum(int(np.prod(v.shape)) * np.dtype(_type(v)).itemsize for v in variables_of(model))


def names_of(model: Any) -> list[str]:
    """Names of `variables_of`, without what differs from process to process.

    A layer's variable has the layer's name too. Further up a path says where it was made, in the
    first batch or before; and so does an optimizer's, which is built in either.
    """
    own = {id(variable) for variable in model.variables}
    parts = [(v.path.split("/"), 2 if id(v) in own else 1) for v in variables_of(model)]
    return [_NUMBERS.sub("", "/".join(path[-depth:])) for path, depth in parts]


def _type(variable: Any) -> str:
    import keras

    return str(keras.backend.standardize_dtype(variable.dtype))
