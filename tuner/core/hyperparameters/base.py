"""The base class of hyperparameters."""

from __future__ import annotations

import functools
import json
import math
import random
from collections.abc import Collection, Iterable, Mapping
from typing import Any, Self

from tuner.core.hyperparameters.conditions import (
    Condition,
    deserialize_condition,
    serialize_condition,
)
from tuner.core.jsonable import plain


class HyperParameter:
    """One dimension of the search space; not to be changed once it is made.

    Two are equal when their configs are. In a space, one is known by its name and conditions.

    Args:
        name: Unique under its conditions.
        default: Value to take when nothing was chosen.
        conditions: All must hold for the parameter to be active.
    """

    def __init__(
        self, name: str, default: Any = None, conditions: Iterable[Any] | None = None
    ) -> None:
        self.name = name
        self._default = plain(default)
        self.conditions: list[Condition] = [deserialize_condition(c) for c in conditions or []]

    @property
    def default(self) -> Any:
        return self._default

    @property
    def values(self) -> Collection[Any]:
        """The values it can take; ten of them, evenly spread, where it has no step."""
        raise NotImplementedError

    def allows(self, value: Any) -> bool:
        """Whether the parameter could take the value. Steps are not checked."""
        return value in self.values

    def prob_to_value(self, prob: float) -> Any:
        """The value at a point of [0, 1]."""
        raise NotImplementedError

    def value_to_prob(self, value: Any) -> float:
        """A point of [0, 1] that `prob_to_value` takes to the value."""
        raise NotImplementedError

    def random_sample(self, seed: int | None = None) -> Any:
        """A value; the same one for the same seed, Keras Tuner's."""
        return self.prob_to_value(random.Random(seed).random())

    def get_config(self) -> dict[str, Any]:
        conditions = [serialize_condition(condition) for condition in self.conditions]
        return {"name": self.name, "default": self.default, "conditions": conditions}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        return cls(**config)

    @functools.cached_property
    def _key(self) -> str:
        # As text, since `True == 1 == 1.0` and these are different choices.
        return json.dumps([type(self).__name__, self.get_config()], sort_keys=True)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, HyperParameter) and self._key == other._key

    def __hash__(self) -> int:
        return hash(self._key)


def bucket_of(prob: float, buckets: int) -> int:
    """Which of equal parts of [0, 1] a point falls into."""
    return min(int(prob * buckets), buckets - 1)


def middle_of(bucket: int, buckets: int) -> float:
    """The middle of one of equal parts of [0, 1]."""
    return (bucket + 0.5) / buckets


def refuse_non_finite(name: str, **values: Any) -> None:
    """Raises ValueError for NaN and infinities, which a journal in strict JSON cannot hold."""
    for what, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            msg = f"Expected `{what}` of {name!r} to be finite. Received: {what}={value!r}."
            raise ValueError(f"{msg} Let a string or a large number stand for it.")
