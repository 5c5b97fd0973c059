"""Hyperparameters that are numbers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from tuner.hyperparameters.base import HyperParameter, bucket_of, middle_of, plain

SAMPLINGS = ("linear", "log", "reverse_log")
SAMPLES = 10
"""Values shown of a parameter that has no step."""


class Numerical(HyperParameter):
    """A number between two bounds, both included.

    Args:
        name: Unique under its conditions.
        min_value: Lower bound.
        max_value: Upper bound.
        step: Distance between values; with `sampling="log"` their ratio.
        sampling: `"linear"`, `"log"` (small values are as likely as large ones) or
            `"reverse_log"` (the same from the other end).
        default: The lower bound if omitted.
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
        super().__init__(name=name, default=plain(default), **kwargs)
        self.min_value = plain(min_value)
        self.max_value = plain(max_value)
        self.step = plain(step)
        self.sampling = "linear" if sampling is None else sampling.lower()
        self._check_sampling_arg()

    def _check_sampling_arg(self) -> None:
        if self.min_value > self.max_value:
            self._refuse("`min_value` not to exceed `max_value`", "min_value", "max_value")
        if self.sampling not in SAMPLINGS:
            self._refuse(f"`sampling` to be one of {SAMPLINGS}", "sampling")
        if self.sampling != "linear" and self.min_value <= 0:
            self._refuse(f"`min_value` above 0 for {self.sampling} sampling", "min_value")
        if self.step is None:
            return
        if self.sampling == "reverse_log":
            self._refuse("no `step` with reverse_log sampling", "step")
        if self.step <= (1 if self.sampling == "log" else 0):
            self._refuse("`step` above 0, or above 1 with log sampling", "step")

    def _refuse(self, expected: str, *names: str) -> None:
        received = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        raise ValueError(f"Expected {expected} for {self.name!r}. Received: {received}.")

    @property
    def default(self) -> Any:
        return self.min_value if self._default is None else self._default

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "min_value": self.min_value,
            "max_value": self.max_value,
            "step": self.step,
            "sampling": self.sampling,
        }

    def _sample_numerical_value(self, prob: float, max_value: float | None = None) -> float:
        """The value at a point of [0, 1], without a step."""
        low = self.min_value
        high = self.max_value if max_value is None else max_value
        if self.sampling == "linear":
            return float(low + prob * (high - low))
        if self.sampling == "log":
            return float(low * math.pow(high / low, prob))
        return float(high + low - low * math.pow(high / low, 1.0 - prob))

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
        step = self._step()
        if self.sampling == "linear":
            # The small term mends 0.3 / 0.1 == 2.9999999999999996.
            return int((self.max_value - self.min_value) / step + 1e-8) + 1
        return int(math.log(self.max_value / self.min_value, step) + 1e-8) + 1

    def _get_value_by_index(self, index: int) -> float:
        if self.sampling == "linear":
            return float(self.min_value + index * self._step())
        return float(self.min_value * self._step() ** index)

    def _sample_with_step(self, prob: float) -> float:
        return self._get_value_by_index(bucket_of(prob, self._get_n_values()))

    def _to_prob_with_step(self, value: float) -> float:
        if self.sampling == "linear":
            index = (value - self.min_value) / self._step()
        else:
            index = math.log(value / self.min_value, self._step())
        return middle_of(round(index), self._get_n_values())

    def _step(self) -> float:
        assert self.step is not None
        return float(self.step)


class Float(Numerical):
    """A float between two bounds; see `Numerical` for the arguments."""

    def __init__(
        self,
        name: str,
        min_value: float,
        max_value: float,
        step: float | None = None,
        sampling: str = "linear",
        default: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            name,
            float(min_value),
            float(max_value),
            None if step is None else float(step),
            sampling,
            None if default is None else float(default),
            **kwargs,
        )

    @property
    def values(self) -> Sequence[float]:
        if self.step is None:
            return [self.prob_to_value((i + 0.5) / SAMPLES) for i in range(SAMPLES)]
        return [self._get_value_by_index(index) for index in range(self._get_n_values())]

    def prob_to_value(self, prob: float) -> float:
        if self.step is None:
            return self._sample_numerical_value(prob)
        return self._sample_with_step(prob)

    def value_to_prob(self, value: float) -> float:
        if self.step is None:
            return self._numerical_to_prob(value)
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
        sampling: str = "linear",
        default: int | None = None,
        **kwargs: Any,
    ) -> None:
        bounds = {"min_value": min_value, "max_value": max_value, "step": step, "default": default}
        for what, value in bounds.items():
            if value is not None and int(value) != value:
                msg = f"Expected `{what}` of {name!r} to be a whole number."
                raise ValueError(f"{msg} Received: {what}={value!r}.")
        super().__init__(
            name,
            int(min_value),
            int(max_value),
            1 if step is None and sampling == "linear" else step,
            sampling,
            default,
            **kwargs,
        )

    @property
    def values(self) -> Sequence[int]:
        if self.step is None:
            found = {self.prob_to_value((i + 0.5) / SAMPLES) for i in range(SAMPLES)}
            return sorted(found)
        return [int(self._get_value_by_index(index)) for index in range(self._get_n_values())]

    def prob_to_value(self, prob: float) -> int:
        if self.step is None:
            # One more, so that truncation gives the largest its share.
            value = self._sample_numerical_value(prob, self.max_value + 1)
            return min(int(value), self.max_value)
        return int(self._sample_with_step(prob))

    def value_to_prob(self, value: int) -> float:
        if self.step is None:
            return self._numerical_to_prob(value + 0.5, self.max_value + 1)
        return self._to_prob_with_step(value)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "default": self._default}

    def __repr__(self) -> str:
        return (
            f"Int(name: '{self.name}', min_value: {self.min_value}, max_value: {self.max_value}, "
            f"step: {self.step}, sampling: {self.sampling}, default: {self.default})"
        )
