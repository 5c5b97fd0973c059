"""When a hyperparameter is active."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuner.core.jsonable import plain


class Condition:
    """Tells from the values of other hyperparameters whether one is active. Never changes."""

    def is_active(self, values: Mapping[str, Any]) -> bool:
        raise NotImplementedError

    def get_config(self) -> dict[str, Any]:
        raise NotImplementedError

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Condition:
        return cls(**config)


class Parent(Condition):
    """Active while another hyperparameter has one of some values.

    Args:
        name: The other hyperparameter, with its scopes.
        values: One value, or a list of them: int, float, str or bool.

    Raises:
        ValueError: There are no values.
        TypeError: A value is of another type.
    """

    def __init__(self, name: str, values: Any) -> None:
        self.name = name
        values = plain(values)
        self.values = [plain(v) for v in (values if isinstance(values, list | tuple) else [values])]
        if not self.values:
            msg = f"Expected at least one value of {name!r} in a condition. Received: values=[]."
            raise ValueError(msg)
        if not all(isinstance(value, int | float | str) for value in self.values):
            msg = (
                f"Expected other values of {name!r} in a condition. Can contain only `int`, "
                "`float`, `str` or `bool`."
            )
            raise TypeError(f"{msg} Received: values={values!r}.")

    def is_active(self, values: Mapping[str, Any]) -> bool:
        return self.name in values and values[self.name] in self.values

    def get_config(self) -> dict[str, Any]:
        return {"name": self.name, "values": list(self.values)}

    def __eq__(self, other: object) -> bool:
        same = isinstance(other, Parent) and other.name == self.name
        return same and other.values == self.values  # type: ignore[attr-defined]  # `same` tells

    def __hash__(self) -> int:
        return hash((self.name, *self.values))

    def __repr__(self) -> str:
        return f"Parent(name={self.name!r}, values={self.values!r})"


def serialize_condition(condition: Condition) -> dict[str, Any]:
    return {"class_name": type(condition).__name__, "config": condition.get_config()}


def deserialize_condition(state: Condition | Mapping[str, Any]) -> Condition:
    """The condition of a config; one that is a condition already stays.

    Raises:
        ValueError: Its class is not `Parent`, the only one that is stored.
    """
    if isinstance(state, Condition):
        return state
    if state.get("class_name") != "Parent":
        msg = f"Expected a condition of class Parent. Received: {state!r}."
        raise ValueError(msg)
    return Parent.from_config(state["config"])
