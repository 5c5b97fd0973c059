"""The Matérn-5/2 kernel, with one length scale for each dimension (Rasmussen and Williams, 4.17)."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

SQRT5 = math.sqrt(5)


def matern(squares: Array) -> Array:
    """The correlation at squared distances that are in units of the length scales."""
    s = np.sqrt(5 * squares)
    return (1 + s + s * s / 3) * np.exp(-s)


def matern_slope(squares: Array) -> Array:
    """Minus twice the derivative of `matern` by the squared distance."""
    s = np.sqrt(5 * squares)
    return 5 / 3 * (1 + s) * np.exp(-s)


def pair_squares(points: Array, categorical: Mask) -> Array:
    """Squared distances of all pairs in each dimension, (dimensions, n (n + 1) / 2).

    The pairs are those of `np.tril_indices`. Categories are at distance 1 or 0.
    """
    rows, columns = np.tril_indices(len(points))
    left, right = points[rows].T, points[columns].T
    return np.where(categorical[:, None], left != right, (left - right) ** 2)


def cross_squares(left: Array, right: Array, scales: Array, categorical: Mask) -> Array:
    """Squared distances in units of the length scales, (left, right)."""
    numbers = ~categorical
    a, b = left[:, numbers] / scales[numbers], right[:, numbers] / scales[numbers]
    squares = (a * a).sum(1)[:, None] + (b * b).sum(1) - 2 * (a @ b.T)
    for k in np.flatnonzero(categorical):
        squares += (left[:, k, None] != right[:, k]) / scales[k] ** 2
    return np.maximum(squares, 0.0)
