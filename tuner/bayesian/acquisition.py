"""What a trial at a point is worth: log expected improvement, or a lower confidence bound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr

from tuner.bayesian.kernel import Array

LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)
LOG_SQRT_PI_OVER_2 = 0.5 * math.log(math.pi / 2)


class Acquisition(Protocol):
    def __call__(self, mean: Array, variance: Array) -> tuple[Array, Array, Array]:
        """Values, the higher the better, and their derivatives by mean and by variance."""
        ...


@dataclass(frozen=True)
class LogExpectedImprovement:
    """The logarithm of the improvement to expect on a loss (Ament et al., 2023, eq. 9).

    Unlike the improvement itself it has a slope everywhere.
    """

    incumbent: float

    def __call__(self, mean: Array, variance: Array) -> tuple[Array, Array, Array]:
        std = np.sqrt(variance)
        z = (self.incumbent - mean) / std
        log_h = log_improvement(z)
        # h' is the normal distribution function.
        slope = np.exp(log_ndtr(z) - log_h)
        by_std = (1 - z * slope) / std
        return log_h + np.log(std), -slope / std, by_std / (2 * std)


@dataclass(frozen=True)
class LowerConfidenceBound:
    """Minus the loss that the model thinks possible: mean less `beta` standard deviations."""

    beta: float

    def __call__(self, mean: Array, variance: Array) -> tuple[Array, Array, Array]:
        std = np.sqrt(variance)
        return self.beta * std - mean, -np.ones_like(mean), self.beta / (2 * std)


def log_improvement(z: Array) -> Array:
    """log(phi(z) + z Phi(z)), also where both underflow (Ament et al., 2023, eq. 14)."""
    result = np.empty_like(z)
    near = z > -1
    far = z < -1e5  # noqa: PLR2004 - where the next term is lost in rounding
    a = z[near]
    result[near] = np.log(np.exp(-0.5 * a * a - LOG_SQRT_2PI) + a * ndtr(a))
    b = z[~near & ~far]
    tail = np.log(erfcx(-b / math.sqrt(2)) * -b) + LOG_SQRT_PI_OVER_2
    result[~near & ~far] = -0.5 * b * b - LOG_SQRT_2PI + np.log(-np.expm1(tail))
    c = z[far]
    result[far] = -0.5 * c * c - LOG_SQRT_2PI - 2 * np.log(-c)
    return result
