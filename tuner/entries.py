"""Which hyperparameters a search begins with, and which may join it."""

from __future__ import annotations

from typing import NoReturn

from tuner.events import SpaceGrown
from tuner.hyperparameters import HyperParameters


def initial_space(
    hyperparameters: object, allow_new_entries: bool, tune_new_entries: bool
) -> HyperParameters:
    """The space as the user gave it, empty if they gave none.

    Raises:
        TypeError: They gave something else.
        ValueError: Nothing else may join, and they gave none.
    """
    if isinstance(hyperparameters, HyperParameters):
        return hyperparameters.copy()
    if hyperparameters is not None:
        kind = type(hyperparameters).__name__
        msg = f"Expected `hyperparameters` to be HyperParameters. Received: a {kind}."
        raise TypeError(msg)
    if not (allow_new_entries and tune_new_entries):
        msg = (
            "Expected `hyperparameters` when `allow_new_entries` or `tune_new_entries` is False. "
            "Received: hyperparameters=None."
        )
        raise ValueError(msg)
    return HyperParameters()


def refuse_new_entries(grown: SpaceGrown) -> NoReturn:
    """Raises RuntimeError that names the parameters nobody allowed."""
    names = [config["config"]["name"] for config in grown.hyperparameters]
    raise RuntimeError(f"`allow_new_entries` is `False`, but found new entries {names}")
