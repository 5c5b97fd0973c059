"""When a hyperparameter is active."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class Condition:
    """Tells from the values of other hyperparameters whether one is active."""

    def is_active(self, values: Mapping[str, Any]) -> bool:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Condition:
        return cls(**config)


class Parent(Condition):
    """Active when another hyperparameter has one of some values.

    Args:
        name: The other hyperparameter.
        values: Values, all of one type.
    """

    def __init__(self, name: str, values: Any) -> None:
        self.name = name
        listed = isinstance(values, Sequence) and not isinstance(values, str)
        self.values = list(values) if listed else [values]

    def is_active(self, values: Mapping[str, Any]) -> bool:
        return self.name in values and values[self.name] in self.values

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "values": self.values}

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Parent) and self.get_config() == other.get_config()

    def __hash__(self) -> int:
        return hash((self.name, *self.values))

    def __repr__(self) -> str:
        return f"Parent(name={self.name!r}, values={self.values!r})"


def serialize_condition(condition: Condition) -> dict[str, Any]:
    return {"class_name": type(condition).__name__, "config": condition.get_config()}


def deserialize_condition(state: Condition | Mapping[str, Any]) -> Condition:
    """The condition of a config; one that is a condition already stays."""
    if isinstance(state, Condition):
        return state
    if state.get("class_name") != "Parent":
        msg = f"Expected a condition of class Parent. Received: {state!r}."
        raise ValueError(msg)
    return Parent.from_config(state["config"])
