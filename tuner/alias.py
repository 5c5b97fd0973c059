"""Names that a subclass written for Keras Tuner may take for something of its own."""

from __future__ import annotations

from typing import Any


class Alias:
    """A short name of an attribute, for users; our own code uses the long one.

    Args:
        name: The long one.
    """

    def __init__(self, name: str) -> None:
        self._name = name

    def __get__(self, instance: Any, owner: type | None = None) -> Any:
        return self if instance is None else getattr(instance, self._name)
