"""Base classes that tuners, oracles and trials have for the sake of Keras Tuner's subclasses."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


class Stateful:
    """Has state beyond what the history of its search tells."""

    def get_state(self) -> dict[str, Any]:
        """The state as JSON."""
        raise NotImplementedError

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Takes over what `get_state` gave."""
        raise NotImplementedError

    def save(self, fname: str) -> None:
        """Writes the state to a local file."""
        Path(fname).write_text(json.dumps(self.get_state(), allow_nan=False), encoding="utf-8")

    def reload(self, fname: str) -> None:
        """Reads the state from a local file."""
        self.set_state(json.loads(Path(fname).read_text(encoding="utf-8")))


class Alias:
    """A short name of an attribute, for users; our own code uses the long one.

    Args:
        name: The long one.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else getattr(instance, self._name)
