"""Hyperparameters that take one of a few values."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tuner.hyperparameters.base import HyperParameter, bucket_of, middle_of, plain


class Choice(HyperParameter):
    """One of several values of one type.

    Args:
        name: Unique under its conditions.
        values: int, float, str or bool, all of one type.
        ordered: Whether their order means something; numbers are ordered if this is left out.
        default: The first value if omitted.
        **kwargs: `conditions`.

    Raises:
        ValueError: There are no values, or the default is none of them.
        TypeError: They are of several types, or of another one.
    """

    def __init__(
        self,
        name: str,
        values: Sequence[Any],
        ordered: bool | None = None,
        default: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, default=plain(default), **kwargs)
        self._values = [plain(value) for value in values]
        if not self._values:
            raise ValueError(f"Expected `values` of {name!r} to hold some. Received: values=[].")
        kinds = {type(value) for value in self._values}
        if len(kinds) > 1:
            names = sorted(kind.__name__ for kind in kinds)
            msg = f"Expected `values` of {name!r} to be of one type. Received: {names}."
            raise TypeError(msg)
        kind = kinds.pop()
        if kind not in (int, float, str, bool):
            msg = (
                f"Expected `values` of {name!r} to be int, float, str or bool. "
                f"Received: {kind.__name__}. Name what they stand for by strings."
            )
            raise TypeError(msg)
        if default is not None and default not in self._values:
            msg = f"Expected `default` of {name!r} to be one of {self._values}."
            raise ValueError(f"{msg} Received: default={default!r}.")
        if ordered and kind is str:
            raise ValueError(f"Expected `ordered` of {name!r} to be False for strings.")
        self.ordered = kind is not str if ordered is None else ordered

    @property
    def values(self) -> list[Any]:
        return self._values

    @property
    def default(self) -> Any:
        return self._values[0] if self._default is None else self._default

    def prob_to_value(self, prob: float) -> Any:
        return self._values[bucket_of(prob, len(self._values))]

    def value_to_prob(self, value: Any) -> float:
        return middle_of(self._values.index(value), len(self._values))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "values": self._values, "ordered": self.ordered}

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
        super().__init__(name=name, default=plain(default), **kwargs)
        if self._default not in (True, False):
            msg = f"Expected `default` of {name!r} to be True or False."
            raise ValueError(f"{msg} Received: default={default!r}.")

    @property
    def values(self) -> tuple[bool, bool]:
        return (True, False)

    def prob_to_value(self, prob: float) -> bool:
        return bool(prob >= 0.5)  # noqa: PLR2004 - the middle

    def value_to_prob(self, value: Any) -> float:
        return middle_of(int(value), 2)

    def __repr__(self) -> str:
        return f'Boolean(name: "{self.name}", default: {self.default})'


class Fixed(HyperParameter):
    """A value that is not searched.

    Args:
        name: Unique under its conditions.
        value: int, float, str or bool.
        **kwargs: `conditions`.
    """

    def __init__(self, name: str, value: Any, **kwargs: Any) -> None:
        value = plain(value)
        super().__init__(name=name, default=value, **kwargs)
        if not isinstance(value, int | float | str | bool):
            msg = f"Expected `value` of {name!r} to be int, float, str or bool."
            raise ValueError(f"{msg} Received: value={value!r}.")  # noqa: TRY004 - as Keras Tuner
        self.value = value

    @property
    def values(self) -> tuple[Any]:
        return (self.value,)

    @property
    def default(self) -> Any:
        return self._default

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
