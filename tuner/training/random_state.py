"""The state of the random generators that belong to a process instead of a model."""

from __future__ import annotations

import random
from typing import Any

import numpy as np


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
