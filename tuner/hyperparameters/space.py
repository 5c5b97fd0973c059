"""The search space as it is declared, with one choice of values in it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from typing import Any

from tuner.conditions import Parent
from tuner.hyperparameters.base import HyperParameter
from tuner.hyperparameters.discrete import Boolean, Choice, Fixed
from tuner.hyperparameters.numerical import Float, Int
from tuner.hyperparameters.registry import Registry


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
        """One of several values; see `tuner.hyperparameters.Choice`.

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
        """A whole number, both bounds included; see `Choice` and `tuner.hyperparameters.Int`."""
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
        """A float, both bounds included; see `Choice` and `tuner.hyperparameters.Float`."""
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

    def __repr__(self) -> str:
        return f"HyperParameters(values={self.values})"
