"""The search space as it is declared, with one choice of values in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, TypeVar

from tuner.conditions import Condition, Parent
from tuner.hyperparameters.base import HyperParameter, plain
from tuner.hyperparameters.discrete import Boolean, Choice, Fixed
from tuner.hyperparameters.numerical import Float, Int

P = TypeVar("P", bound=HyperParameter)

TYPES: dict[str, type[HyperParameter]] = {
    cls.__name__: cls for cls in (Boolean, Choice, Fixed, Float, Int)
}


class HyperParameters:
    """Declares hyperparameters, and answers with their values.

    A parameter is known by its name and its conditions; the first declaration counts. A copy
    shares the parameters, which never change.

    Attributes:
        values: Value by name, of the active parameters.
        active_scopes: Conditions of the conditional scopes that were entered and active.
        inactive_scopes: Of those that were entered and not active.

    Example:
        >>> hp = HyperParameters()
        >>> hp.Int("units", 32, 128, step=32)
        32
    """

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.active_scopes: list[list[Condition]] = []
        self.inactive_scopes: list[list[Condition]] = []
        self._space: list[HyperParameter] = []
        self._hps: dict[str, list[HyperParameter]] = {}
        self._name_scopes: list[str] = []
        self._conditions: list[Condition] = []

    @property
    def space(self) -> list[HyperParameter]:
        """The parameters, in the order of their declaration."""
        return self._space

    # Declarations.

    def Choice(
        self,
        name: str,
        values: Sequence[Any],
        ordered: bool | None = None,
        default: Any = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """One of several values; see `tuner.hyperparameters.Choice`."""
        with self._maybe_conditional_scope(parent_name, parent_values):
            options = {"values": values, "ordered": ordered, "default": default}
            return self._declare(Choice, name, options)

    def Int(
        self,
        name: str,
        min_value: int,
        max_value: int,
        step: int | None = None,
        sampling: str = "linear",
        default: int | None = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """A whole number; see `tuner.hyperparameters.Numerical`."""
        with self._maybe_conditional_scope(parent_name, parent_values):
            options = _numeric(min_value, max_value, step, sampling, default)
            return self._declare(Int, name, options)

    def Float(
        self,
        name: str,
        min_value: float,
        max_value: float,
        step: float | None = None,
        sampling: str = "linear",
        default: float | None = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """A float; see `tuner.hyperparameters.Numerical`."""
        with self._maybe_conditional_scope(parent_name, parent_values):
            options = _numeric(min_value, max_value, step, sampling, default)
            return self._declare(Float, name, options)

    def Boolean(
        self,
        name: str,
        default: bool = False,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """True or False."""
        with self._maybe_conditional_scope(parent_name, parent_values):
            return self._declare(Boolean, name, {"default": default})

    def Fixed(
        self, name: str, value: Any, parent_name: str | None = None, parent_values: Any = None
    ) -> Any:
        """A value that is not searched."""
        with self._maybe_conditional_scope(parent_name, parent_values):
            return self._declare(Fixed, name, {"value": value})

    # Scopes.

    @contextlib.contextmanager
    def name_scope(self, name: str) -> Iterator[None]:
        """Parameters declared inside are named `name/...`."""
        self._name_scopes.append(name)
        try:
            yield
        finally:
            self._name_scopes.pop()

    @contextlib.contextmanager
    def conditional_scope(self, parent_name: str, parent_values: Any) -> Iterator[None]:
        """Parameters declared inside are active only while the parent has one of the values.

        The block runs all the same; a parameter that is not active answers None.

        Raises:
            ValueError: The parent was not declared.
        """
        parent_name = self._get_name(parent_name)
        if parent_name not in self._hps:
            msg = (
                f"Expected `parent_name` to be declared before its children. "
                f"Received: parent_name={parent_name!r}, which is not defined."
            )
            raise ValueError(msg)
        self._conditions.append(Parent(parent_name, parent_values))
        active = self._conditions_are_active(self._conditions)
        (self.active_scopes if active else self.inactive_scopes).append(list(self._conditions))
        try:
            yield
        finally:
            self._conditions.pop()

    @contextlib.contextmanager
    def _maybe_conditional_scope(
        self, parent_name: str | None, parent_values: Any
    ) -> Iterator[None]:
        if parent_name is None:
            yield
            return
        with self.conditional_scope(parent_name, parent_values):
            yield

    # Values.

    def get(self, name: str) -> Any:
        """The value of a parameter.

        Raises:
            KeyError: There is no such parameter.
            ValueError: It is not active.
        """
        if name in self.values:
            return self.values[name]
        if name in self._hps:
            raise ValueError(f"{name} is currently inactive.")
        raise KeyError(f"{name} does not exist.")

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    def __contains__(self, name: object) -> bool:
        return name in self.values

    def is_active(self, hyperparameter: str | HyperParameter) -> bool:
        """Whether all conditions hold; by name, whether they do for one parameter of that name."""
        if isinstance(hyperparameter, HyperParameter):
            return self._conditions_are_active(hyperparameter.conditions)
        known = self._hps.get(str(hyperparameter), [])
        return any(self._conditions_are_active(parameter.conditions) for parameter in known)

    def ensure_active_values(self) -> None:
        """Gives every active parameter that has no value its default."""
        for parameter in self._space:
            if self.is_active(parameter):
                self.values.setdefault(parameter.name, parameter.default)

    # Copies.

    def copy(self) -> HyperParameters:
        """An independent copy, outside of any scope."""
        return self.with_values(self.values)

    def with_values(self, values: Mapping[str, Any]) -> HyperParameters:
        """A copy of the space with these values."""
        other = HyperParameters()
        other.values = dict(values)
        other._space = self._space.copy()
        other._hps = {name: same.copy() for name, same in self._hps.items()}
        return other

    def merge(
        self, hps: HyperParameters | Iterable[HyperParameter], overwrite: bool = True
    ) -> None:
        """Takes parameters in.

        Args:
            hps: A space, or parameters.
            overwrite: Whether they replace those of the same name and conditions.
        """
        for parameter in list(hps.space if isinstance(hps, HyperParameters) else hps):
            if overwrite or not self._exists(parameter.name, parameter.conditions):
                self._register(parameter, overwrite)

    def difference(self, other: HyperParameters) -> list[HyperParameter]:
        """The parameters the other one has not got under the same name and conditions."""
        return [p for p in self._space if not other._exists(p.name, p.conditions)]

    def get_config(self) -> dict[str, Any]:
        return {"space": [serialize(p) for p in self._space], "values": dict(self.values)}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> HyperParameters:
        hps = cls()
        for state in config["space"]:
            parameter = deserialize(state)
            hps._space.append(parameter)
            hps._hps.setdefault(parameter.name, []).append(parameter)
        hps.values = dict(config["values"])
        return hps

    def __repr__(self) -> str:
        return f"HyperParameters(values={self.values})"

    # How a declaration is looked up.

    def _declare(self, cls: type[P], name: str, options: Mapping[str, Any]) -> Any:
        self._validate_name(name)
        full = self._get_name(name)
        return self._retrieve(cls(full, conditions=list(self._conditions), **options))

    def _retrieve(self, hp: HyperParameter) -> Any:
        """The value of a parameter, which is registered if it is new."""
        if not self._exists(hp.name, hp.conditions):
            return self._register(hp)
        if not self._conditions_are_active(hp.conditions):
            return None  # nobody should rely on the value of an inactive parameter
        return self.values.setdefault(hp.name, hp.default)

    def _register(self, hyperparameter: HyperParameter, overwrite: bool = False) -> Any:
        same = self._hps.setdefault(hyperparameter.name, [])
        for index, known in enumerate(same):
            if known.conditions == hyperparameter.conditions:
                same[index] = hyperparameter
                self._space[self._space.index(known)] = hyperparameter
                break
        else:
            same.append(hyperparameter)
            self._space.append(hyperparameter)
        if not self._conditions_are_active(hyperparameter.conditions):
            return None
        if overwrite or hyperparameter.name not in self.values:
            self.values[hyperparameter.name] = hyperparameter.default
        return self.values[hyperparameter.name]

    def _exists(self, name: str, conditions: Sequence[Condition] | None = None) -> bool:
        wanted = self._conditions if conditions is None else conditions
        return any(parameter.conditions == wanted for parameter in self._hps.get(name, []))

    def _conditions_are_active(self, conditions: Iterable[Condition]) -> bool:
        return all(condition.is_active(self.values) for condition in conditions)

    def _get_name(self, name: str, name_scopes: Sequence[str] | None = None) -> str:
        scopes = self._name_scopes if name_scopes is None else name_scopes
        return "/".join([*map(str, scopes), str(name)])

    def _validate_name(self, name: str) -> None:
        full = self._get_name(name)
        if any(getattr(condition, "name", None) == full for condition in self._conditions):
            msg = f"Expected a child to have another name than its parent. Received: name={full!r}."
            raise ValueError(msg)


def serialize(obj: HyperParameter) -> dict[str, Any]:
    """A parameter as JSON."""
    return {"class_name": type(obj).__name__, "config": obj.get_config()}


def deserialize(config: Mapping[str, Any]) -> HyperParameter:
    """The parameter of a JSON object.

    Raises:
        ValueError: Its class is none of ours.
    """
    name = config.get("class_name")
    if name not in TYPES:
        msg = f"Expected `class_name` to be one of {sorted(TYPES)}. Received: class_name={name!r}."
        raise ValueError(msg)
    return TYPES[name].from_config(config["config"])


def _numeric(
    min_value: float, max_value: float, step: float | None, sampling: str, default: Any
) -> dict[str, Any]:
    return {
        "min_value": plain(min_value),
        "max_value": plain(max_value),
        "step": step,
        "sampling": sampling,
        "default": default,
    }
