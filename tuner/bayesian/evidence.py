"""How likely hyperparameters of a Gaussian process are, with the gradient."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs

from tuner.bayesian.dimension import Array, Mask
from tuner.bayesian.kernel import MEAN_VARIANCE, pair_squares

IMPOSSIBLE = 1e25


@dataclass(frozen=True)
class Prior:
    """Normal priors, mean and standard deviation, of the logarithms of the hyperparameters.

    The length scales' grows with the square root of the number of dimensions, as distances do
    (Hvarfner et al., 2024, section 4.2, arXiv:2402.02229).
    """

    scale: tuple[float, float] = (math.log(0.5), math.sqrt(3))
    signal: tuple[float, float] = (0.0, 1.0)
    noise: tuple[float, float] = (-6.0, 3.0)
    least_noise: float = 1e-8
    """Variance that the noise has at least."""

    def moments(self, dimensions: int) -> tuple[Array, Array]:
        """Means and standard deviations of length scales, signal and noise."""
        mean = self.scale[0] + math.log(dimensions) / 2
        means = [mean] * dimensions + [self.signal[0], self.noise[0]]
        stds = [self.scale[1]] * dimensions + [self.signal[1], self.noise[1]]
        return np.array(means), np.array(stds)

    def bounds(self, dimensions: int) -> Array:
        """Lower and upper bounds of the logarithms, (dimensions + 2, 2)."""
        noise = (self.least_noise, max(10.0, 10 * self.least_noise))
        return np.log([(5e-3, 1e3)] * dimensions + [(1e-4, 1e4), noise])


class Evidence:
    """Minus the logarithm of the posterior density of the hyperparameters, and its gradient.

    The hyperparameters are the logarithms of the length scales, the signal variance and the
    noise variance, in this order.

    Args:
        points: (n, dimensions).
        targets: (n,).
        categorical: Which dimensions are categories.
        prior: Prior.
    """

    def __init__(self, points: Array, targets: Array, categorical: Mask, prior: Prior) -> None:
        count, dimensions = points.shape
        self._targets = targets
        self._squares = 5 * pair_squares(points, categorical)
        self._rows, self._columns = np.tril_indices(count)
        self._lower = np.ravel_multi_index((self._rows, self._columns), (count, count))
        # Pairs off the diagonal stand for two.
        self._multiples = np.where(self._rows == self._columns, 0.5, 1.0)
        self._means, self._stds = prior.moments(dimensions)

    def __call__(self, theta: Array) -> tuple[float, Array]:
        inverse_squares = np.exp(-2 * theta[:-2])
        signal, noise = math.exp(theta[-2]), math.exp(theta[-1])
        s = np.sqrt(inverse_squares @ self._squares)
        decay = np.exp(-s)
        correlations = (1 + s + s * s / 3) * decay
        factor, failed = dpotrf(self._gram(signal * correlations, noise).T, lower=0, clean=0)
        if failed:
            return IMPOSSIBLE, np.zeros_like(theta)
        alpha, _ = dpotrs(factor, self._targets, lower=0)
        value = 0.5 * self._targets @ alpha + np.log(np.diag(factor)).sum()
        inverse, _ = dpotri(factor, lower=0)
        # Rasmussen and Williams, eq. 5.9, summed over one triangle.
        outer = np.take(inverse.T, self._lower) - alpha[self._rows] * alpha[self._columns]
        outer *= self._multiples
        gradient = np.empty_like(theta)
        slopes = outer * (1 + s) * decay
        gradient[:-2] = signal / 3 * (self._squares @ slopes) * inverse_squares
        gradient[-2] = signal * (outer @ correlations)
        gradient[-1] = 0.5 * noise * (np.trace(inverse) - alpha @ alpha)
        z = (theta - self._means) / self._stds
        return float(value + 0.5 * z @ z), gradient + z / self._stds

    def _gram(self, covariances: Array, noise: float) -> Array:
        """The lower triangle of the covariance matrix of the targets."""
        count = len(self._targets)
        gram = np.zeros((count, count))
        gram.put(self._lower, covariances + MEAN_VARIANCE)
        gram.flat[:: count + 1] += noise
        return gram
