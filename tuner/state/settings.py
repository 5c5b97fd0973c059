"""An oracle's arguments, compared between one start of a search and the next."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Any

from tuner.jsonable import to_json

PLAIN = (bool, int, float, str, type(None))
NOT_SETTINGS = {"objective", "hyperparameters"}
"""Kept elsewhere: in `project.json`, and as the space."""
LISTS = {"constraints", "warm_start_from"}
"""Settings that are lists of plain values."""


def settings_of(oracle: object) -> dict[str, Any]:
    """The constructor arguments that the oracle keeps under their names and that are plain; JSON.

    Keyword arguments that a subclass passes on are found on the classes it passes them to.
    """
    names = [
        name
        for cls in type(oracle).__mro__
        if "__init__" in vars(cls)
        for name in inspect.signature(vars(cls)["__init__"]).parameters
    ]
    kept = {name: getattr(oracle, name, NOT_SETTINGS) for name in names}
    settings: dict[str, Any] = to_json(
        {
            name: value
            for name, value in kept.items()
            if (isinstance(value, PLAIN) and name not in NOT_SETTINGS) or name in LISTS
        }
    )
    return settings


def describe_changes(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What another call has changed, for people; empty if nothing."""
    changed = [name for name in now if name in before and before[name] != now[name]]
    return ", ".join(f"{name}={now[name]!r} (was {before[name]!r})" for name in changed)
