"""Hyperparameters that take one of a few values."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tuner.core.hyperparameters.base import HyperParameter, bucket_of, middle_of, refuse_non_finite
from tuner.core.jsonable import plain


class Choice(HyperParameter):
    """One of several values of one type.

    Args:
        name: Unique under its conditions.
        values: int, float, str or bool, all of one type.
        ordered: Whether their order means something; numbers are ordered if this is left out.
        default: The first value if omitted.
        **kwargs: `conditions`.

    Raises:
        ValueError: There are no values, one is not finite, or the default is none of them.
        TypeError: They are of several types, or of another one.
    """

    def __init__(
        self,
        name: str,
        values: Iterable[Any],
        ordered: bool | None = None,
        default: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, default=default, **kwargs)
        self._values = [plain(value) for value in values]
        kind = _kind_of(name, self._values)
        if self._default is not None:
            self._default = self._one_of_ours(str(default) if kind is str else self._default)
        if ordered and kind is str:
            msg = (
                f"Expected `ordered` of {name!r} to be False: it must be `False` for non-numeric "
                "types."
            )
            raise ValueError(f"{msg} Received: ordered={ordered!r}.")
        self.ordered = kind is not str if ordered is None else ordered

    def _one_of_ours(self, default: Any) -> Any:
        if default not in self._values:
            msg = (
                f"Expected `default` of {self.name!r} to be one of {self._values}: the default "
                "value should be one of the choices."
            )
            raise ValueError(f"{msg} Received: default={default!r}.")
        return self._values[self._values.index(default)]

    @property
    def values(self) -> list[Any]:
        return list(self._values)

    @property
    def default(self) -> Any:
        return self._values[0] if self._default is None else self._default

    def prob_to_value(self, prob: float) -> Any:
        return self._values[bucket_of(prob, len(self._values))]

    def value_to_prob(self, value: Any) -> float:
        if value not in self._values:
            msg = f"Expected a value of {self.name!r} to be one of {self._values}."
            raise ValueError(f"{msg} Received: value={value!r}.")
        return middle_of(self._values.index(value), len(self._values))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "values": self.values, "ordered": self.ordered}

    def __repr__(self) -> str:
        return (
            f"Choice(name: '{self.name}', values: {self._values}, "
            f"ordered: {self.ordered}, default: {self.default})"
        )


class Boolean(HyperParameter):
    """True or False.

    Args:
        name: Unique under its conditions.
        default: True or False.
        **kwargs: `conditions`.
    """

    def __init__(self, name: str, default: bool = False, **kwargs: Any) -> None:
        super().__init__(name=name, default=default, **kwargs)
        if self._default not in (True, False):
            msg = f"Expected `default` of {name!r} to be True or False: must be a Python boolean."
            raise ValueError(f"{msg} Received: default={default!r}.")
        self._default = bool(self._default)

    @property
    def values(self) -> tuple[bool, bool]:
        return (True, False)

    def prob_to_value(self, prob: float) -> bool:
        return bool(prob >= 0.5)  # noqa: PLR2004 - the middle

    def value_to_prob(self, value: Any) -> float:
        return 0.75 if value else 0.25

    def __repr__(self) -> str:
        return f'Boolean(name: "{self.name}", default: {self.default})'


class Fixed(HyperParameter):
    """A value that is not searched.

    Args:
        name: Unique under its conditions.
        value: int, float, str or bool.
        **kwargs: `conditions`.

    Raises:
        ValueError: The value is of another type, or not finite.
    """

    def __init__(self, name: str, value: Any, **kwargs: Any) -> None:
        super().__init__(name=name, default=value, **kwargs)
        self.value = self._default
        if not isinstance(self.value, int | float | str):
            msg = f"Expected {name!r} to fit: `Fixed` value must be an int, float, str or bool."
            raise ValueError(f"{msg} Received: value={value!r}.")  # noqa: TRY004 - as Keras Tuner
        refuse_non_finite(name, value=self.value)

    @property
    def values(self) -> tuple[Any]:
        return (self.value,)

    def prob_to_value(self, prob: float) -> Any:
        del prob
        return self.value

    def value_to_prob(self, value: Any) -> float:
        del value
        return 0.5

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["default"]
        return {**config, "value": self.value}

    def __repr__(self) -> str:
        return f"Fixed(name: {self.name}, value: {self.value})"


def _kind_of(name: str, values: list[Any]) -> type:
    if not values:
        msg = f"Expected `values` of {name!r} to hold some: `values` must be provided for `Choice`."
        raise ValueError(f"{msg} Received: values=[].")
    kinds = {type(value) for value in values}
    kind = kinds.pop()
    if kinds or kind not in (int, float, str, bool):
        only = "one type of value" if kinds else "`int`, `float`, `str` or `bool`"
        msg = (
            f"Expected `values` of {name!r} to be all int, all float, all str or all bool: a "
            f"`Choice` can contain only {only}. Received: values={values!r}. Use strings where "
            "they stand for something else, for example 'none' for None."
        )
        raise TypeError(msg)
    for value in values:
        refuse_non_finite(name, values=value)
    return kind
