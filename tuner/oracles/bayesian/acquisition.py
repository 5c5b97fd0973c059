"""Acquisition functions, weighted with the probabilities of success and of feasibility."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from scipy.special import erfcx, log_ndtr, ndtr

from tuner.oracles.bayesian.dimension import Array
from tuner.oracles.bayesian.gp import GaussianProcess

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


LIMIT_BLUR = 0.01**2
BLUR = 0.1**2
"""Variance that is added to a failure's, so that where nothing is uncertain there is a slope."""


class Objective(Protocol):
    """What a search for the best point asks."""

    def __call__(self, points: Array) -> Array:
        """Values, the higher the better."""
        ...

    def with_gradient(self, points: Array) -> tuple[Array, Array]:
        """Values, and their gradients by the points."""
        ...


@dataclass(frozen=True)
class Limit:
    """A constraint: a quantity that must not be above a bound.

    Args:
        model: Model of the quantity.
        bound: In the model's units.
    """

    model: GaussianProcess
    bound: float

    def log_chance(self, mean: Array, variance: Array) -> tuple[Array, Array, Array]:
        """The logarithm of the chance that it holds, and its derivatives."""
        return log_chance_below(self.bound, mean, variance, LIMIT_BLUR)


@dataclass(frozen=True)
class Utility:
    """How much a trial at a point is worth, the more the better.

    The acquisition, plus the logarithms of the chances that the trial does not fail and that each
    constraint holds: with the logarithm of the expected improvement this is the constrained
    expected improvement (Gardner et al., 2014).

    Args:
        losses: Model of the losses.
        acquisition: What is made of it.
        failures: Model of the failures, 1 where a trial failed and 0 where not; None while
            there were none.
        limits: Constraints.
    """

    losses: GaussianProcess
    acquisition: Acquisition
    failures: GaussianProcess | None = None
    limits: tuple[Limit, ...] = ()

    def __call__(self, points: Array) -> Array:
        return sum((f(*model.predict(points))[0] for model, f in self._terms), np.zeros(()))

    def log_chance(self, points: Array) -> Array:
        """The logarithm of the chance that trials do not fail, and keep the constraints."""
        terms = self._terms[1:]
        return sum((f(*model.predict(points))[0] for model, f in terms), np.zeros(len(points)))

    def with_gradient(self, points: Array) -> tuple[Array, Array]:
        """Utilities, and their gradients by the points."""
        values, gradient = np.zeros(len(points)), np.zeros(points.shape)
        for model, function in self._terms:
            value, slope = _chained(model, function, points)
            values, gradient = values + value, gradient + slope
        return values, gradient

    @property
    def _terms(self) -> list[tuple[GaussianProcess, Acquisition]]:
        terms: list[tuple[GaussianProcess, Acquisition]] = [(self.losses, self.acquisition)]
        if self.failures is not None:
            terms.append((self.failures, log_chance_of_success))
        return terms + [(limit.model, limit.log_chance) for limit in self.limits]


def log_chance_of_success(mean: Array, variance: Array) -> tuple[Array, Array, Array]:
    """The logarithm of the chance that a failure is below one half, and its derivatives."""
    return log_chance_below(0.5, mean, variance, BLUR)


def log_chance_below(
    bound: float, mean: Array, variance: Array, blur: float
) -> tuple[Array, Array, Array]:
    """The logarithm of the chance that a value is below a bound, and its derivatives."""
    std = np.sqrt(variance + blur)
    z = (bound - mean) / std
    log_chance = log_ndtr(z)
    slope = np.exp(-0.5 * z * z - LOG_SQRT_2PI - log_chance)
    return log_chance, -slope / std, -slope * z / (2 * std * std)


def _chained(model: GaussianProcess, function: Acquisition, points: Array) -> tuple[Array, Array]:
    mean, variance, of_mean, of_variance = model.predict_with_gradient(points)
    value, by_mean, by_variance = function(mean, variance)
    return value, by_mean[:, None] * of_mean + by_variance[:, None] * of_variance
