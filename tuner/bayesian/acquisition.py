"""What a trial at a point is worth: log expected improvement, or a lower confidence bound."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr

from tuner.bayesian.dimension import Array

LOG_SQRT_2PI = 0.5 * math.log(2 * math.pi)
LOG_SQRT_HALF_PI = 0.5 * math.log(math.pi / 2)
NEAR, FAR = -1.0, -1e5
"""Where a more exact formula of the improvement takes over."""


class Acquisition(Protocol):
    def __call__(self, mean: Array, variance: Array) -> tuple[Array, Array, Array]:
        """Values, the higher the better, and their derivatives by mean and by variance."""
        ...


@dataclass(frozen=True)
class LogExpectedImprovement:
    """The logarithm of the improvement to expect (Ament et al., 2023, eq. 8, arXiv:2310.20708).

    Unlike the improvement itself it has a slope everywhere.

    Args:
        incumbent: The loss to improve on.
    """

    incumbent: float

    def __call__(self, mean: Array, variance: Array) -> tuple[Array, Array, Array]:
        std = np.sqrt(variance)
        z = (self.incumbent - mean) / std
        log_h = log_improvement(z)
        slope = np.exp(log_ndtr(z) - log_h)  # the derivative of h is the distribution function
        by_std = (1 - z * slope) / std
        return log_h + np.log(std), -slope / std, by_std / (2 * std)


@dataclass(frozen=True)
class LowerConfidenceBound:
    """Minus the loss that is still possible (Cox and John, 1992): mean less `beta` deviations.

    Args:
        beta: The more, the more is explored.
    """

    beta: float

    def __call__(self, mean: Array, variance: Array) -> tuple[Array, Array, Array]:
        std = np.sqrt(variance)
        return self.beta * std - mean, -np.ones_like(mean), self.beta / (2 * std)


def log_improvement(z: Array) -> Array:
    """log(phi(z) + z Phi(z)), also where both underflow (Ament et al., 2023, eq. 9)."""
    result = np.empty_like(z)
    near, far = z > NEAR, z < FAR
    between = ~near & ~far
    a, b, c = z[near], z[between], z[far]
    result[near] = np.log(np.exp(-0.5 * a * a - LOG_SQRT_2PI) + a * ndtr(a))
    tail = np.log(erfcx(-b / math.sqrt(2)) * -b) + LOG_SQRT_HALF_PI
    result[between] = -0.5 * b * b - LOG_SQRT_2PI + np.log(-np.expm1(tail))
    result[far] = -0.5 * c * c - LOG_SQRT_2PI - 2 * np.log(-c)
    return result
