"""The utility of a trial: the acquisition of the loss, less what the chance of failure costs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuner.bayesian.acquisition import Acquisition
from tuner.bayesian.gp import GaussianProcess
from tuner.bayesian.kernel import Array

LEAST_CHANCE = 1e-6


@dataclass(frozen=True)
class Utility:
    """How much a trial at a point is worth, the more the better.

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
        mean, variance = self.losses.predict(points)
        value, _, _ = self.acquisition(mean, variance)
        if self.failures is None:
            return value
        failing, _ = self.failures.predict(points)
        return value + np.log(np.clip(1 - failing, LEAST_CHANCE, 1))

    def with_gradient(self, points: Array) -> tuple[Array, Array]:
        mean, variance, mean_gradient, variance_gradient = self.losses.predict_with_gradient(points)
        value, by_mean, by_variance = self.acquisition(mean, variance)
        gradient = by_mean[:, None] * mean_gradient + by_variance[:, None] * variance_gradient
        if self.failures is None:
            return value, gradient
        failing, _, failing_gradient, _ = self.failures.predict_with_gradient(points)
        chance = np.clip(1 - failing, LEAST_CHANCE, 1)
        inside = (chance > LEAST_CHANCE) & (chance < 1)
        gradient -= np.where(inside, 1 / chance, 0.0)[:, None] * failing_gradient
        return value + np.log(chance), gradient
