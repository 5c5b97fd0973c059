"""Trains the executions of a trial with the graph that the first of them has traced.

Tracing a model takes TensorFlow a second, as long as many a short training. The executions of a
trial differ in their initial values alone, so those of a fresh model go into the compiled one.
Across trials this would not do: most hyperparameters of an optimizer are constants of its graph.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

import numpy as np

from tuner.training.model_equality import agree, data_for, difference
from tuner.training.model_state import random_state, set_random_state, size_of, variables_of
from tuner.training.trusted_code import (
    unknown_callback,
    unknown_layer,
    unknown_optimizer,
    untrusted_part,
)

logger = logging.getLogger(__name__)

Mode = bool | Literal["auto"]

LARGEST = 1 << 28
"""Bytes of variables beyond which `"auto"` holds no second model; such a training is long."""


def checked_reuse(mode: Any) -> Mode:
    """The mode that a user gives.

    Raises:
        ValueError: It is none.
    """
    if mode is True or mode is False or mode == "auto":
        return mode  # type: ignore[no-any-return]
    msg = 'Expected `reuse_compiled` to be "auto", True or False.'
    raise ValueError(f"{msg} Received: reuse_compiled={mode!r}.")


class Reuse:
    """What the executions of one trial hand on to each other.

    Args:
        mode: `"auto"` where parts of Keras alone are at work that are known to depend on nothing
            but variables; True where the user knows it of what else is at work; False never.
        own_code: What of the tuner's or the hypermodel's training is other people's code, in words.
    """

    def __init__(self, mode: Mode, own_code: str | None = None) -> None:
        self._asked = self._mode = mode
        self._own_code = own_code
        self._compiled: Any = None

    def model_for(
        self, build: Callable[[], Any], args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> Any:
        """The model to train: the compiled one with the values of a fresh one, or a fresh one.

        Args:
            build: Makes a fresh model for this execution.
            args: Arguments of `fit`.
            kwargs: Likewise.
        """
        if self._mode is False:
            return build()
        compiled, self._compiled = self._compiled, None
        state = random_state()
        fresh = build()
        objection = self._objection(fresh, kwargs)
        if objection is not None:
            self._mode = False
        elif compiled is None:
            return fresh
        else:
            objection = self._take_values(compiled, fresh, args, kwargs)
            if objection is None:
                return compiled
            set_random_state(state)
            fresh = build()  # to try the other one has changed it
        level = logging.WARNING if self._asked is True else logging.DEBUG
        logger.log(level, "The model is traced again: %s.", objection)
        return fresh

    def keep(self, model: Any) -> None:
        """Keeps a model for the next execution, once its training has ended well."""
        if self._mode is not False:
            self._compiled = model

    def _objection(  # noqa: PLR0911 - one for each reason
        self, fresh: Any, kwargs: Mapping[str, Any]
    ) -> str | None:
        """Why the trial's models cannot be used again. Changes nothing of the model."""
        import keras

        if keras.backend.backend() != "tensorflow" or keras.distribution.distribution() is not None:
            return "only TensorFlow's graphs are known well enough"
        if getattr(fresh, "_distribute_strategy", None) is not None:
            return "it is distributed"
        if not getattr(fresh, "compiled", False) or fresh.run_eagerly or not fresh.built:
            return "it runs eagerly, is not compiled, or is built with the first batch"
        if fresh.optimizer is None or fresh.optimizer.built:
            return "its optimizer was built before"
        if self._mode is True:
            return None
        if self._own_code is not None:
            return f"{self._own_code} is overridden"
        if size_of(fresh) > LARGEST:
            return "it takes much memory"
        unknown = (
            unknown_layer(fresh)
            or unknown_optimizer(fresh.optimizer)
            or unknown_callback(kwargs.get("callbacks") or ())
        )
        if unknown is not None:
            return f"{unknown} is not among what is known to be safe"
        untrusted = untrusted_part(fresh)
        return untrusted and f"{untrusted} is not of Keras"

    def _take_values(
        self, compiled: Any, fresh: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> str | None:
        """Gives the compiled model the values of the fresh one; answers why not.

        Random generators stay as if it had not been tried.
        """
        try:
            objection = difference(compiled, fresh, described=self._mode == "auto")
            if objection is None and self._mode == "auto":
                untrusted = untrusted_part(compiled)  # a callback may have changed it on its way
                objection = untrusted and f"{untrusted} is not of Keras"
            if objection is None:
                objection = self._assign_and_compare(compiled, fresh, args, kwargs)
        except Exception as error:  # noqa: BLE001 - whatever it is, a fresh model is at hand
            return f"{type(error).__name__}: {error}"
        return objection

    def _assign_and_compare(
        self, compiled: Any, fresh: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> str | None:
        optimizer = type(fresh.optimizer).from_config(fresh.optimizer.get_config())
        optimizer.build(fresh.trainable_variables)
        sources = [*_once(fresh.variables), *optimizer.variables]
        targets = [*_once(compiled.variables), *compiled.optimizer.variables]
        shapes = [[tuple(v.shape) for v in variables] for variables in (sources, targets)]
        if shapes[0] != shapes[1] or len(targets) != len(variables_of(compiled)):
            return "its variables are others"
        values = [_array(variable) for variable in sources]
        state = random_state()
        _assign(targets, values)
        same = agree(compiled, fresh, data_for(fresh, args, kwargs))
        set_random_state(state)
        _assign(targets, values)  # trying may have changed them
        compiled.reset_metrics()
        compiled.stop_training = False
        return None if same else "it does not compute what a fresh model computes"


def _once(variables: Sequence[Any]) -> list[Any]:
    return list({id(variable): variable for variable in variables}.values())


def _array(variable: Any) -> np.ndarray:
    import keras

    return np.array(keras.ops.convert_to_numpy(variable))


def _assign(variables: Sequence[Any], values: Sequence[np.ndarray]) -> None:
    for variable, value in zip(variables, values, strict=True):
        variable.assign(value)
