"""The Matérn-5/2 kernel with a length scale for each dimension, and how likely these are.

Rasmussen and Williams, equations 4.17 and 5.9.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotri, dpotrs

from tuner.oracles.bayesian.dimension import Array, Mask

SQRT5 = math.sqrt(5)
MEAN_VARIANCE = 10.0
"""Variance of the prior of the constant mean: the scores are standardised, so this is vague."""


@dataclass(frozen=True)
class Kernel:
    """A covariance function: a constant mean of unknown height, and what varies about it.

    Args:
        scales: A length scale for each dimension.
        signal: Variance of what varies.
        categorical: Which dimensions are categories: they are equal, or at distance 1.
    """

    scales: Array
    signal: float
    categorical: Mask

    @property
    def variance(self) -> float:
        """The variance at a point, before anything is known."""
        return self.signal + MEAN_VARIANCE

    def __call__(self, left: Array, right: Array) -> Array:
        """Covariances, (left, right)."""
        s = self._roots(left, right)
        covariances: Array = self.signal * (1 + s + s * s / 3) * np.exp(-s) + MEAN_VARIANCE
        return covariances

    def with_slope(self, left: Array, right: Array) -> tuple[Array, Array]:
        """Covariances, and minus twice their derivatives by the squared distance."""
        s = self._roots(left, right)
        decay = self.signal * np.exp(-s)
        return (1 + s + s * s / 3) * decay + MEAN_VARIANCE, 5 / 3 * (1 + s) * decay

    def pull(self, weights: Array, left: Array, right: Array) -> Array:
        """The gradients by the points on the left, from weights on the slopes, (left, right).

        Zero for categories.
        """
        inverse_squares = np.where(self.categorical, 0.0, self.scales**-2.0)
        gradient: Array = (weights @ right - weights.sum(1)[:, None] * left) * inverse_squares
        return gradient

    def _roots(self, left: Array, right: Array) -> Array:
        """Square roots of five times the squared distances in units of the length scales."""
        numbers = ~self.categorical
        scales = self.scales[numbers] / SQRT5
        a, b = left[:, numbers] / scales, right[:, numbers] / scales
        squares: Array = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * (a @ b.T)
        for k in np.flatnonzero(self.categorical):
            squares += (left[:, k, None] != right[:, k]) * (5 / self.scales[k] ** 2)
        return np.sqrt(np.maximum(squares, 0.0))


def pair_squares(points: Array, categorical: Mask) -> Array:
    """Squared distances of the pairs of `np.tril_indices` in each dimension, (dimensions, pairs).

    Categories are equal, or at distance 1.
    """
    rows, columns = np.tril_indices(len(points))
    left, right = points[rows].T, points[columns].T
    return np.where(categorical[:, None], left != right, (left - right) ** 2)


IMPOSSIBLE = 1e25


@dataclass(frozen=True)
class Prior:
    """Priors of the logarithms of the hyperparameters.

    The length scales' mean grows with the square root of the number of dimensions, as distances do
    (Hvarfner et al., 2024, section 4.2, arXiv:2402.02229). A function is smooth or rough in most of
    its dimensions alike: the length scales share one deviation, and each has a smaller one of its
    own.
    """

    scale: float = math.log(0.5)
    """Mean of a length scale in one dimension."""
    common: float = 1.0
    """Standard deviation that the length scales share."""
    own: float = 0.8
    """Standard deviation of each."""
    signal: tuple[float, float] = (0.0, 1.0)
    """Mean and standard deviation."""
    noise: tuple[float, float, float] = (-3.0, 4.0, 1.5)
    """Mode, and standard deviations below and above it: a function may well have no noise."""
    least_noise: float = 1e-8
    """Variance that the noise has at least."""

    def means(self, dimensions: int) -> Array:
        """Of length scales and signal the means, of the noise the mode."""
        scale = self.scale + math.log(dimensions) / 2
        return np.array([scale] * dimensions + [self.signal[0], self.noise[0]])

    def pull(self, away: Array) -> Array:
        """The gradient of minus the logarithm of the density, `away` from the means."""
        scales = away[:-2]
        share = self.common**2 / (self.own**2 + len(scales) * self.common**2)
        pull = np.empty_like(away)
        pull[:-2] = (scales - share * scales.sum()) / self.own**2
        pull[-2] = away[-2] / self.signal[1] ** 2
        pull[-1] = away[-1] / self.noise[1 if away[-1] < 0 else 2] ** 2
        return pull

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
        self._means, self._prior = prior.means(dimensions), prior

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
        away = theta - self._means
        pull = self._prior.pull(away)
        return float(value + 0.5 * away @ pull), gradient + pull

    def _gram(self, covariances: Array, noise: float) -> Array:
        """The lower triangle of the covariance matrix of the targets."""
        count = len(self._targets)
        gram = np.zeros((count, count))
        gram.put(self._lower, covariances + MEAN_VARIANCE)
        gram.flat[:: count + 1] += noise
        return gram
