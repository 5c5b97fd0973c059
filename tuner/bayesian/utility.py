"""The utility of a trial: the acquisition of the loss, less what the risk of failure costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import log_ndtr

from tuner.bayesian.acquisition import LOG_SQRT_2PI, Acquisition
from tuner.bayesian.dimension import Array
from tuner.bayesian.gp import GaussianProcess

BLUR = 0.1**2
"""Variance that is added to a failure's, so that where nothing is uncertain there is a slope."""


@dataclass(frozen=True)
class Utility:
    """How much a trial at a point is worth, the more the better.

    The acquisition, plus the logarithm of the chance that the trial does not fail: with the
    logarithm of the expected improvement this is the constrained expected improvement (Gardner
    et al., 2014).

    Args:
        losses: Model of the losses.
        acquisition: What is made of it.
        failures: Model of the failures, 1 where a trial failed and 0 where not; None while
            there were none.
    """

    losses: GaussianProcess
    acquisition: Acquisition
    failures: GaussianProcess | None = None

    def __call__(self, points: Array) -> Array:
        value, _, _ = self.acquisition(*self.losses.predict(points))
        if self.failures is None:
            return value
        log_chance, _, _ = log_chance_of_success(*self.failures.predict(points))
        return value + log_chance

    def with_gradient(self, points: Array) -> tuple[Array, Array]:
        """Utilities, and their gradients by the points."""
        value, gradient = _chained(self.losses, self.acquisition, points)
        if self.failures is None:
            return value, gradient
        log_chance, slope = _chained(self.failures, log_chance_of_success, points)
        return value + log_chance, gradient + slope


def log_chance_of_success(mean: Array, variance: Array) -> tuple[Array, Array, Array]:
    """The logarithm of the chance that a failure is below one half, and its derivatives."""
    std = np.sqrt(variance + BLUR)
    z = (0.5 - mean) / std
    log_chance = log_ndtr(z)
    slope = np.exp(-0.5 * z * z - LOG_SQRT_2PI - log_chance)
    return log_chance, -slope / std, -slope * z / (2 * std * std)


def _chained(model: GaussianProcess, function: Acquisition, points: Array) -> tuple[Array, Array]:
    mean, variance, of_mean, of_variance = model.predict_with_gradient(points)
    value, by_mean, by_variance = function(mean, variance)
    return value, by_mean[:, None] * of_mean + by_variance[:, None] * of_variance
