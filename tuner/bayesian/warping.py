"""Losses made fit for a Gaussian process: the bad ones close together, and no outliers."""

from __future__ import annotations

import numpy as np

from tuner.bayesian.dimension import Array

WORST = 5.0
"""Widths above the median from which losses are drawn together."""
BEST = 20.0
"""Widths below the median from which they are; good losses are kept apart for longer."""
LARGEST = 1e3
"""Widths beyond which a loss counts as no worse."""


def warp(losses: Array) -> Array:
    """Standardised losses in the same order, whatever the size of the largest.

    The width is that between the median and the first quartile: it is the good losses that the
    model has to tell apart. Losses far from the median are drawn together logarithmically.
    """
    scaled = losses / max(float(np.abs(losses).max()), np.finfo(float).tiny)
    quartile, median = np.quantile(scaled, [0.25, 0.5])
    width = median - quartile
    if width < np.finfo(float).tiny:
        # Half of them are the same: all there is to see is the order.
        return standardise(np.unique(scaled, return_inverse=True)[1].astype(float))
    with np.errstate(over="ignore"):
        z = (scaled - median) / width
    return standardise(np.where(z > 0, _squash(z, WORST), -_squash(-z, BEST)))


def standardise(losses: Array) -> Array:
    """The losses with mean 0 and standard deviation 1; zeros when all are the same."""
    centred = losses - losses.mean()
    spread = centred.std()
    return centred / spread if spread > 0 else np.zeros_like(losses)


def _squash(z: Array, limit: float) -> Array:
    excess = np.clip(z - limit, 0.0, LARGEST)
    return np.minimum(z, limit) + np.log1p(excess)
