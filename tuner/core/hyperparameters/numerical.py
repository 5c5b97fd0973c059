"""Hyperparameters that are numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tuner.core.hyperparameters.base import (
    HyperParameter,
    bucket_of,
    middle_of,
    refuse_non_finite,
)
from tuner.core.jsonable import plain

SAMPLINGS = ("linear", "log", "reverse_log")
SAMPLES = 10
"""Values listed of a parameter that has no step."""
NEARLY = 1e-8
"""Steps by which floats may miss a grid point: 0.3 / 0.1 is 2.9999999999999996."""


class Numerical(HyperParameter):
    """A number between two bounds, both included.

    Args:
        name: Unique under its conditions.
        min_value: Lower bound.
        max_value: Upper bound; with a step, reached only if a whole number of steps leads there.
        step: Distance between values; unless sampling is linear, their ratio.
        sampling: `"linear"`, `"log"` (each order of magnitude is as likely as another) or
            `"reverse_log"` (the same from the other end).
        default: The lower bound if omitted. It may lie outside the bounds.
        **kwargs: `conditions`.

    Raises:
        ValueError: The bounds, the step and the sampling do not fit together.
    """

    def __init__(
        self,
        name: str,
        min_value: float,
        max_value: float,
        step: float | None = None,
        sampling: str | None = "linear",
        default: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(name=name, default=default, **kwargs)
        self.min_value: Any = min_value
        self.max_value: Any = max_value
        self.step: Any = step
        self.sampling = "linear" if sampling is None else sampling.lower()
        self._check_sampling_arg()

    def _check_sampling_arg(self) -> None:
        bounds = {"min_value": self.min_value, "max_value": self.max_value}
        refuse_non_finite(self.name, **bounds, step=self.step, default=self._default)
        if self.min_value > self.max_value:
            greater = f"min_value {self.min_value} is greater than the max_value {self.max_value}"
            self._refuse(f"`min_value` not to exceed it: {greater}", "min_value", "max_value")
        if self.sampling not in SAMPLINGS:
            self._refuse(f"another one: sampling must be one of {SAMPLINGS}", "sampling")
        least_step = 0 if self.sampling == "linear" else 1
        if self.sampling != "linear" and self.min_value <= 0:
            unfit = f"sampling={self.sampling!r} does not support negative values, nor 0"
            self._refuse(f"a positive `min_value`: {unfit}", "min_value")
        if self.step is not None and self.step <= least_step:
            self._refuse(f"step > {least_step}, or none", "sampling", "step")

    def _refuse(self, expected: str, *names: str) -> None:
        received = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        declared = f"HyperParameters.{type(self).__name__}(name={self.name!r})"
        raise ValueError(f"For {declared}, expected {expected}. Received: {received}.")

    @property
    def default(self) -> Any:
        return self.min_value if self._default is None else self._default

    def allows(self, value: Any) -> bool:
        number = isinstance(value, int | float)
        return number and (self.min_value <= value <= self.max_value or value == self.default)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "min_value": self.min_value,
            "max_value": self.max_value,
            "step": self.step,
            "sampling": self.sampling,
        }

    def _within(self, value: Any) -> Any:
        """The value, or the bound it is beyond by rounding or because the bounds have moved."""
        return min(max(value, self.min_value), self.max_value)

    def _sample_numerical_value(self, prob: float, max_value: float | None = None) -> float:
        """The value at a point of [0, 1], without a step."""
        low = self.min_value
        high = self.max_value if max_value is None else max_value
        if self.sampling == "linear":
            return float(prob * (high - low) + low)
        if self.sampling == "log":
            return float(low * math.pow(high / low, prob))
        return float(high + low - low * math.pow(high / low, 1 - prob))

    def _numerical_to_prob(self, value: float, max_value: float | None = None) -> float:
        """The inverse of `_sample_numerical_value`."""
        low = self.min_value
        high = self.max_value if max_value is None else max_value
        if high == low:
            return 0.5
        if self.sampling == "linear":
            return float((value - low) / (high - low))
        if self.sampling == "log":
            return math.log(value / low) / math.log(high / low)
        return 1.0 - math.log((high + low - value) / low) / math.log(high / low)

    def _get_n_values(self) -> int:
        return self._steps_to(self.max_value) + 1

    def _steps_to(self, value: float) -> int:
        """Whole steps from `min_value` to a value."""
        if self.sampling != "linear":
            return int(math.log(value / self.min_value, self.step) + NEARLY)
        span = value - self.min_value
        if isinstance(span, int):
            return int(span // self.step)
        return int(span / self.step + NEARLY)

    def _get_value_by_index(self, index: int) -> Any:
        if self.sampling == "linear":
            return self._within(self.min_value + index * self.step)
        value = self._within(self.min_value * self.step**index)
        if self.sampling == "reverse_log":
            return self._within(self.max_value + self.min_value - value)
        return value

    def _sample_with_step(self, prob: float) -> Any:
        return self._get_value_by_index(bucket_of(prob, self._get_n_values()))

    def _to_prob_with_step(self, value: float) -> float:
        value = self._within(value)
        if self.sampling == "reverse_log":
            value = self.max_value + self.min_value - value
        return middle_of(self._steps_to(value), self._get_n_values())


class Float(Numerical):
    """A float between two bounds; see `Numerical` for the arguments."""

    def __init__(
        self,
        name: str,
        min_value: float,
        max_value: float,
        step: float | None = None,
        sampling: str | None = "linear",
        default: float | None = None,
        **kwargs: Any,
    ) -> None:
        numbers = (None if n is None else float(n) for n in (min_value, max_value, step, default))
        low, high, step, default = numbers
        assert low is not None
        assert high is not None
        super().__init__(name, low, high, step, sampling, default, **kwargs)

    @property
    def values(self) -> Sequence[float]:
        if self.step is None:
            return sorted({self.prob_to_value((i + 0.5) / SAMPLES) for i in range(SAMPLES)})
        return [self._get_value_by_index(index) for index in range(self._get_n_values())]

    def prob_to_value(self, prob: float) -> float:
        if self.step is None:
            return float(self._within(self._sample_numerical_value(prob)))
        return float(self._sample_with_step(prob))

    def value_to_prob(self, value: float) -> float:
        if self.step is None:
            return self._numerical_to_prob(self._within(value))
        return self._to_prob_with_step(value)

    def __repr__(self) -> str:
        return (
            f"Float(name: '{self.name}', min_value: '{self.min_value}', max_value: "
            f"'{self.max_value}', step: '{self.step}', sampling: '{self.sampling}', "
            f"default: '{self.default}')"
        )


class Int(Numerical):
    """A whole number between two bounds; see `Numerical` for the arguments.

    The step is 1 unless the sampling is logarithmic.
    """

    def __init__(
        self,
        name: str,
        min_value: int,
        max_value: int,
        step: int | None = None,
        sampling: str | None = "linear",
        default: int | None = None,
        **kwargs: Any,
    ) -> None:
        given = {"min_value": min_value, "max_value": max_value, "step": step, "default": default}
        whole = {what: _whole(name, what, plain(number)) for what, number in given.items()}
        if step is None and sampling in ("linear", None):
            whole["step"] = 1
        super().__init__(name, sampling=sampling, **whole, **kwargs)

    @property
    def values(self) -> Sequence[int]:
        if self.step is None:
            return sorted({self.prob_to_value((i + 0.5) / SAMPLES) for i in range(SAMPLES)})
        if self.sampling == "linear":  # may be too many to list
            return range(self.min_value, self.max_value + 1, self.step)
        return [self._get_value_by_index(index) for index in range(self._get_n_values())]

    def prob_to_value(self, prob: float) -> int:
        if self.step is not None:
            return int(self._sample_with_step(prob))
        # Up to one more, so that truncation gives the largest value its share.
        return int(self._within(int(self._sample_numerical_value(prob, self.max_value + 1))))

    def value_to_prob(self, value: int) -> float:
        if self.step is not None:
            return self._to_prob_with_step(value)
        return self._numerical_to_prob(self._within(value) + 0.5, self.max_value + 1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "default": self._default}

    def __repr__(self) -> str:
        return (
            f"Int(name: '{self.name}', min_value: {self.min_value}, max_value: {self.max_value}, "
            f"step: {self.step}, sampling: {self.sampling}, default: {self.default})"
        )


def _whole(name: str, what: str, number: Any) -> Any:
    if number is None and what in ("step", "default"):
        return None
    if not isinstance(number, int | float) or number % 1 != 0:
        msg = f"Expected `{what}` of Int {name!r} to be a whole number: it must be an int."
        raise ValueError(f"{msg} Received: {what}={number!r}.")
    return int(number)
