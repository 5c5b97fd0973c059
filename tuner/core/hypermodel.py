"""Models that depend on hyperparameters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from tuner.core.hyperparameters import HyperParameters
from tuner.errors import FatalValueError


class HyperModel:
    """Builds, and may train, a model for given hyperparameters.

    Args:
        name: A label.
        tunable: Whether what `build` declares joins the search; otherwise it keeps the values
            that were declared in advance, or its defaults.
    """

    def __init__(self, name: str | None = None, tunable: bool = True) -> None:
        self.name = name
        self.tunable = tunable
        self._build: Callable[..., Any] = self.build
        # An attribute, since subclasses override the method and callers must meet the wrapper.
        self.build = self._build_wrapper  # type: ignore[method-assign]

    def build(self, hp: HyperParameters) -> Any:
        """Returns a compiled Keras model.

        Args:
            hp: Declares hyperparameters and answers with their values.
        """
        msg = f"Expected {type(self).__name__} to define `build(self, hp)`, which returns a model."
        raise NotImplementedError(msg)

    def _build_wrapper(self, hp: HyperParameters, *args: Any, **kwargs: Any) -> Any:
        if not self.tunable:
            hp = hp.copy()  # what is declared stays out of the search
        return self._build(hp, *args, **kwargs)

    def declare_hyperparameters(self, hp: HyperParameters) -> None:
        """Declares hyperparameters that `build` would not meet in its first run."""

    def fit(self, hp: HyperParameters, model: Any, *args: Any, **kwargs: Any) -> Any:
        """Trains the model; override it to tune how.

        Args:
            hp: As in `build`.
            model: What `build` returned.
            *args: What was passed to `search`.
            **kwargs: Likewise; pass `callbacks` on to `model.fit`, or no checkpoint is kept.

        Returns:
            A History, a dict of metrics, or a number to be minimised.
        """
        del hp
        return model.fit(*args, **kwargs)


class DefaultHyperModel(HyperModel):
    """A function from `hp` to a model, as a HyperModel.

    Args:
        build: The function.
        name: A label.
        tunable: As in `HyperModel`.
    """

    def __init__(
        self, build: Callable[..., Any], name: str | None = None, tunable: bool = True
    ) -> None:
        super().__init__(name=name, tunable=tunable)
        self._build = build


def get_hypermodel(hypermodel: Any) -> HyperModel:
    """The HyperModel of a HyperModel or of a function.

    Raises:
        FatalValueError: It is neither, or a class where an instance belongs.
    """
    if isinstance(hypermodel, HyperModel):
        return hypermodel
    is_class = isinstance(hypermodel, type) and issubclass(hypermodel, HyperModel)
    if callable(hypermodel) and not is_class:
        return DefaultHyperModel(hypermodel)
    msg = "The `hypermodel` argument should be either a HyperModel or a function of `hp`."
    hint = f" Pass an instance: {hypermodel.__name__}()." if is_class else ""
    raise FatalValueError(f"{msg} Received: hypermodel={hypermodel!r}.{hint}")
