"""Which hyperparameters a search begins with, and which may join it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NoReturn

from tuner.hyperparameters import HyperParameters
from tuner.state.events import SpaceGrown

if TYPE_CHECKING:
    import numpy as np


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


def complete_values(space: HyperParameters, values: Mapping[str, Any]) -> dict[str, Any]:
    """A whole configuration of the values somebody gave, and the defaults of the others.

    While no parameter is known, the values are taken as they are.

    Raises:
        ValueError: There is no such parameter, or it cannot have that value.
    """
    if not space.space:
        return dict(values)
    hp = space.with_values(values)
    hp.ensure_active_values()
    for name, value in values.items():
        if name not in hp._hps:  # noqa: SLF001 - ours
            known = sorted(p.name for p in space.space)
            msg = f"Expected the names of hyperparameters, of {known}. Received: {name}={value!r}."
            raise ValueError(msg)
        if name not in hp.values:
            continue  # not active under the others
        if hp.values[name] != value:
            wanted = next(p for p in space.space if p.name == name)
            msg = f"Expected a value of {wanted!r}. Received: {name}={value!r}."
            raise ValueError(msg)
    return hp.values


def complete_at_random(
    space: HyperParameters, values: Mapping[str, Any], rng: np.random.Generator
) -> dict[str, Any]:
    """A whole configuration of the values an oracle gave; what it left out is drawn."""
    hp = space.with_values(values)
    while (parameter := hp._next_without_value()) is not None:  # noqa: SLF001 - ours
        hp.values[parameter.name] = parameter.prob_to_value(float(rng.random()))
    return hp.values
