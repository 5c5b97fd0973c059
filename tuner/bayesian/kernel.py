"""The Matérn-5/2 kernel with a length scale for each dimension (Rasmussen and Williams, 4.17)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from tuner.bayesian.dimension import Array, Mask

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
