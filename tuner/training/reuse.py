"""Trains the executions of a trial with the graph that the first of them has traced.

Tracing a model takes TensorFlow a second, as long as many a short training. The executions of a
trial differ in their initial values alone, so those of a fresh model go into the compiled one.
Across trials this would not do: most hyperparameters of an optimizer are constants of its graph.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import numpy as np

from tuner.hypermodel import HyperModel
from tuner.training.alike import agree, build_like, data_for, difference
from tuner.training.foreign import foreign_to_keras
from tuner.training.model_state import size_of, variables_of
from tuner.training.random_state import random_state, set_random_state

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
        mode: `"auto"` where Keras's own code alone is at work; True where the user knows that what
            else is at work depends on the model's variables alone; False never.
        hypermodel: Its `fit` trains the model.
    """

    def __init__(self, mode: Mode, hypermodel: Any) -> None:
        self._asked = self._mode = mode
        self._hypermodel = hypermodel
        self._compiled: Any = None

    def model_for(self, fresh: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        """The model to train: the compiled one with the values of the fresh one, or the fresh one.

        Args:
            fresh: As it was built for this execution.
            args: Arguments of `fit`.
            kwargs: Likewise.
        """
        compiled, self._compiled = self._compiled, None
        objection = self._objection(fresh)
        if objection is not None:
            self._mode = False
        elif compiled is None:
            return fresh
        else:
            objection = self._take_values(compiled, fresh, args, kwargs)
            if objection is None:
                return compiled
        if self._asked is False:
            return fresh
        level = logging.WARNING if self._asked is True else logging.DEBUG
        logger.log(level, "The model is traced again: %s.", objection)
        return fresh

    def keep(self, model: Any) -> None:
        """Keeps a model for the next execution, once its training has ended well."""
        if self._mode is not False:
            self._compiled = model

    def _objection(self, fresh: Any) -> str | None:  # noqa: PLR0911 - one for each reason
        """Why the trial's models cannot be used again."""
        import keras

        if self._mode is False:
            return "`reuse_compiled` is off"
        if keras.backend.backend() != "tensorflow" or keras.distribution.distribution() is not None:
            return "only TensorFlow's graphs are known well enough"
        if not getattr(fresh, "compiled", False) or fresh.run_eagerly:
            return "it runs eagerly, or is not compiled"
        if self._mode is True:
            return None
        if type(self._hypermodel).fit is not HyperModel.fit:
            return "`HyperModel.fit` is overridden"
        if size_of(fresh) > LARGEST:
            return "it takes much memory"
        foreign = foreign_to_keras(fresh)
        return foreign and f"{foreign} is not of Keras"

    def _take_values(
        self, compiled: Any, fresh: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> str | None:
        """Gives the compiled model the values of the fresh one; answers why not.

        Random generators stay as they would be had nobody tried.
        """
        drawn = random.getstate()
        try:
            build_like(fresh, compiled)
            if random.getstate() != drawn:
                return "its initial values are drawn with the first batch"
            objection = difference(compiled, fresh, described=self._mode == "auto")
            if objection is None and self._mode == "auto":
                foreign = foreign_to_keras(compiled)  # a callback may have changed it on its way
                objection = foreign and f"{foreign} is not of Keras"
            if objection is None and not self._agree(compiled, fresh, args, kwargs):
                objection = "it does not compute what a fresh model computes"
        except Exception as error:  # noqa: BLE001 - whatever it is, a fresh model is at hand
            return f"{type(error).__name__}: {error}"
        return objection

    def _agree(
        self, compiled: Any, fresh: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> bool:
        values = [np.array(_array(variable)) for variable in variables_of(fresh)]
        state = random_state()
        _assign(compiled, values)
        try:
            return agree(compiled, fresh, data_for(fresh, args, kwargs))
        finally:
            set_random_state(state)
            for model in (compiled, fresh):  # trying may have changed them
                _assign(model, values)
            compiled.reset_metrics()


def _array(variable: Any) -> Any:
    import keras

    return keras.ops.convert_to_numpy(variable)


def _assign(model: Any, values: Sequence[np.ndarray]) -> None:
    for variable, value in zip(variables_of(model), values, strict=True):
        variable.assign(value)
