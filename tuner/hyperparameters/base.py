"""What all hyperparameters have in common."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Mapping
from typing import Any, Self

import numpy as np

from tuner.conditions import Condition, deserialize_condition, serialize_condition


class HyperParameter:
    """One dimension of the search space; not to be changed once it is made.

    Args:
        name: Unique under its conditions.
        default: Value to take when nothing was chosen.
        conditions: All must hold for the parameter to be active.
    """

    def __init__(
        self, name: str, default: Any = None, conditions: Iterable[Any] | None = None
    ) -> None:
        self.name = name
        self._default = default
        self.conditions: list[Condition] = [deserialize_condition(c) for c in conditions or []]

    @property
    def default(self) -> Any:
        return self._default

    @property
    def values(self) -> Iterable[Any]:
        """The values it can take; a sample of them where there are too many to count."""
        raise NotImplementedError

    def prob_to_value(self, prob: float) -> Any:
        """The value at a point of [0, 1)."""
        raise NotImplementedError

    def value_to_prob(self, value: Any) -> float:
        """A point of [0, 1] that `prob_to_value` takes to the value."""
        raise NotImplementedError

    def random_sample(self, seed: int | None = None) -> Any:
        """A value, the same one for the same seed."""
        return self.prob_to_value(random.Random(seed).random())

    def get_config(self) -> dict[str, Any]:
        conditions = [serialize_condition(condition) for condition in self.conditions]
        return {"name": self.name, "default": self.default, "conditions": conditions}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> Self:
        return cls(**config)

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.get_config() == self.get_config()  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash((type(self).__name__, json.dumps(self.get_config(), sort_keys=True)))


def plain(value: Any) -> Any:
    """A numpy scalar as Python's, so that it can be written as JSON."""
    return value.item() if isinstance(value, np.generic) else value


def bucket_of(prob: float, buckets: int) -> int:
    """Which of equal parts of [0, 1] a point falls into."""
    return min(int(prob * buckets), buckets - 1)


def middle_of(bucket: int, buckets: int) -> float:
    """The middle of one of equal parts of [0, 1]."""
    return (bucket + 0.5) / buckets
