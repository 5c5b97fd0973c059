"""The search space as it is declared, with one choice of values in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Self

from tuner.core.hyperparameters.base import HyperParameter
from tuner.core.hyperparameters.conditions import Condition, Parent
from tuner.core.hyperparameters.discrete import Boolean, Choice, Fixed
from tuner.core.hyperparameters.numerical import Float, Int
from tuner.core.jsonable import plain

TYPES: dict[str, type[HyperParameter]] = {
    cls.__name__: cls for cls in (Boolean, Choice, Fixed, Float, Int)
}


class Registry:
    """Parameters in the order of their declaration, and the values of the active ones."""

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
        """The parameters, in the order of their declaration: parents before their children."""
        return self._space

    # Values.

    def get(self, name: str) -> Any:
        """The value of a parameter, named from within the present name scopes.

        Raises:
            KeyError: There is no such parameter.
            ValueError: It is not active.
        """
        name = self._get_name(name)
        if name in self.values:
            return self.values[name]
        if name in self._hps:
            raise ValueError(f"{name} is currently inactive.")
        raise KeyError(f"{name} does not exist.")

    def __getitem__(self, name: str) -> Any:
        return self.get(name)

    def __contains__(self, name: object) -> bool:
        return self._get_name(name) in self.values

    def is_active(self, hyperparameter: str | HyperParameter) -> bool:
        """Whether all conditions hold; by name, whether they do for one parameter of that name."""
        if isinstance(hyperparameter, HyperParameter):
            return self._conditions_are_active(hyperparameter.conditions)
        known = self._hps.get(str(hyperparameter), [])
        return any(self._conditions_are_active(parameter.conditions) for parameter in known)

    def ensure_active_values(self) -> None:
        """Leaves a value to active parameters only, and gives those without one their default.

        A value that was another parameter's of the same name is kept if it is allowed.
        """
        old = self.values.copy()
        for name in self._hps:
            self.values.pop(name, None)
        while (parameter := self._next_without_value()) is not None:
            value = old.get(parameter.name, parameter.default)
            allowed = parameter.allows(value)
            self.values[parameter.name] = value if allowed else parameter.default

    def _next_without_value(self) -> HyperParameter | None:
        # From the start each time: see `hyperparameters.sampling`.
        waiting = (p for p in self._space if p.name not in self.values and self.is_active(p))
        return next(waiting, None)

    # Copies.

    def copy(self) -> Self:
        """An independent copy, outside of any scope. It shares the parameters."""
        return self.with_values(self.values)

    def with_values(self, values: Mapping[str, Any]) -> Self:
        """A copy of the space with these values."""
        other = type(self)()
        other.values = {name: plain(value) for name, value in values.items()}
        other._space = self._space.copy()  # noqa: SLF001 - its own class
        other._hps = {name: same.copy() for name, same in self._hps.items()}  # noqa: SLF001
        return other

    def merge(self, hps: Registry | Iterable[HyperParameter], overwrite: bool = True) -> None:
        """Takes parameters in, and gives those that are active their defaults.

        Args:
            hps: A space, whose values are not looked at, or parameters.
            overwrite: Whether they, and their defaults, replace what has the same name and
                conditions here.
        """
        for parameter in list(hps.space if isinstance(hps, Registry) else hps):
            if overwrite or not self._exists(parameter.name, parameter.conditions):
                self._register(parameter, overwrite)

    def difference(self, other: Registry) -> list[HyperParameter]:
        """The parameters that the other has not got under the same name and conditions."""
        return [p for p in self._space if not other._exists(p.name, p.conditions)]

    def get_config(self) -> dict[str, Any]:
        values = {name: plain(value) for name, value in self.values.items()}
        return {"space": [serialize(parameter) for parameter in self._space], "values": values}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        """The space and values of what `get_config` gave, here or in Keras Tuner."""
        hps = cls()
        for state in config["space"]:
            parameter = deserialize(state)
            hps._space.append(parameter)
            hps._hps.setdefault(parameter.name, []).append(parameter)
        hps.values = dict(config["values"])
        return hps

    # How a declaration is looked up.

    def _retrieve(self, hp: HyperParameter) -> Any:
        """The value of a parameter, which is registered if it is new; None if it is inactive."""
        if not self._exists(hp.name, hp.conditions):
            return self._register(hp)
        if not self.is_active(hp):
            return None  # an inactive parameter has no value to rely on
        return self.values.setdefault(hp.name, hp.default)

    def _register(self, hyperparameter: HyperParameter, overwrite: bool = False) -> Any:
        self._validate_name(hyperparameter.name)
        self._put(hyperparameter)
        if not self.is_active(hyperparameter):
            return None
        if overwrite:
            self.values[hyperparameter.name] = hyperparameter.default
        return self.values.setdefault(hyperparameter.name, hyperparameter.default)

    def _put(self, parameter: HyperParameter) -> None:
        """Adds the parameter, or puts it in the place of the one it is known as."""
        same = self._hps.setdefault(parameter.name, [])
        known = next((p for p in same if p.conditions == parameter.conditions), None)
        if known is None:
            same.append(parameter)
            self._space.append(parameter)
            return
        for parameters in (same, self._space):
            parameters[:] = [parameter if p is known else p for p in parameters]

    def _exists(self, name: str, conditions: Sequence[Condition] | None = None) -> bool:
        wanted = self._conditions if conditions is None else conditions
        return any(parameter.conditions == wanted for parameter in self._hps.get(name, []))

    def _conditions_are_active(self, conditions: Iterable[Condition]) -> bool:
        return all(condition.is_active(self.values) for condition in conditions)

    def _get_name(self, name: object, name_scopes: Sequence[str] | None = None) -> str:
        scopes = self._name_scopes if name_scopes is None else name_scopes
        return "/".join([*scopes, str(name)])

    def _validate_name(self, name: str) -> None:
        if any(getattr(condition, "name", None) == name for condition in self._conditions):
            msg = (
                "Expected a conditional hyperparameter to have another name than its parent: they "
                "cannot have the same name."
            )
            raise ValueError(f"{msg} Received: name={name!r} inside a scope of {name!r}.")


def serialize(obj: HyperParameter | Registry) -> dict[str, Any]:
    """A parameter, or a whole space with its values, as JSON in Keras Tuner's format."""
    return {"class_name": type(obj).__name__, "config": obj.get_config()}


def deserialize(config: Mapping[str, Any]) -> Any:
    """The parameter of a JSON object, or the space.

    Raises:
        ValueError: Its class is none of ours.
    """
    name = config.get("class_name")
    if name == HyperParameters.__name__:
        return HyperParameters.from_config(config["config"])
    if name not in TYPES:
        msg = f"Expected `class_name` to be one of {sorted(TYPES)}. Received: class_name={name!r}."
        raise ValueError(msg)
    return TYPES[name].from_config(config["config"])


class HyperParameters(Registry):
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

    def Choice(
        self,
        name: str,
        values: Iterable[Any],
        ordered: bool | None = None,
        default: Any = None,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """One of several values; see `hyperparameters.Choice`.

        Args:
            name: The scopes' names are put before it.
            values: int, float, str or bool, all of one type.
            ordered: Whether their order means something; of numbers it does unless told.
            default: The first value if omitted.
            parent_name: A parameter this one depends on, as by `conditional_scope`.
            parent_values: Values of the parent under which this one is active.

        Returns:
            The value; None while the parameter is not active.
        """
        options = {"values": values, "ordered": ordered, "default": default}
        return self._declare(Choice, name, options, parent_name, parent_values)

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
        """A whole number, both bounds included; see `Choice` and `hyperparameters.Int`."""
        options = {"step": step, "sampling": sampling, "default": default}
        bounds = {"min_value": min_value, "max_value": max_value}
        return self._declare(Int, name, {**bounds, **options}, parent_name, parent_values)

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
        """A float, both bounds included; see `Choice` and `hyperparameters.Float`."""
        options = {"step": step, "sampling": sampling, "default": default}
        bounds = {"min_value": min_value, "max_value": max_value}
        return self._declare(Float, name, {**bounds, **options}, parent_name, parent_values)

    def Boolean(
        self,
        name: str,
        default: bool = False,
        parent_name: str | None = None,
        parent_values: Any = None,
    ) -> Any:
        """True or False; see `Choice`."""
        return self._declare(Boolean, name, {"default": default}, parent_name, parent_values)

    def Fixed(
        self, name: str, value: Any, parent_name: str | None = None, parent_values: Any = None
    ) -> Any:
        """A value that is not searched; see `Choice`."""
        return self._declare(Fixed, name, {"value": value}, parent_name, parent_values)

    @contextlib.contextmanager
    def name_scope(self, name: str) -> Iterator[None]:
        """Parameters declared inside are named `name/...`."""
        self._name_scopes.append(str(name))
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
        full = self._get_name(parent_name)
        if full not in self._hps:
            msg = "Expected the parent of a conditional scope to be declared before its children."
            raise ValueError(f"{msg} Received: parent_name={full!r}, which is not defined.")
        self._conditions.append(Parent(full, parent_values))
        active = self._conditions_are_active(self._conditions)
        (self.active_scopes if active else self.inactive_scopes).append(self._conditions.copy())
        try:
            yield
        finally:
            self._conditions.pop()

    @contextlib.contextmanager
    def _maybe_conditional_scope(
        self, parent_name: str | None, parent_values: Any
    ) -> Iterator[None]:
        if not parent_name:
            yield
            return
        with self.conditional_scope(parent_name, parent_values):
            yield

    def _declare(
        self,
        kind: type[HyperParameter],
        name: str,
        options: dict[str, Any],
        parent_name: str | None,
        parent_values: Any,
    ) -> Any:
        with self._maybe_conditional_scope(parent_name, parent_values):
            conditions = self._conditions.copy()
            return self._retrieve(kind(self._get_name(name), conditions=conditions, **options))

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HyperParameters) and self.get_config() == other.get_config()

    # By identity: a declaration changes what is equal.
    __hash__ = Registry.__hash__

    def __repr__(self) -> str:
        return f"HyperParameters(values={self.values})"
