"""Losses made fit for a Gaussian process: no outliers, and most resolution where it is good."""

from __future__ import annotations

import os
import numpy as np

from tuner.bayesian.kernel import Array

MODE = os.environ.get("WARP", "standard")


def standardise(losses: Array) -> Array:
    """The losses with mean 0 and standard deviation 1; zeros when all are the same."""
    centred = losses - losses.mean()
    spread = centred.std()
    return centred / spread if spread > 0 else np.zeros_like(losses)


def warp(losses: Array) -> Array:
    biggest = np.abs(losses).max()
    y = losses / biggest if biggest > 0 else losses
    if MODE == "standard":
        return standardise(y)
    if MODE == "winsor":
        q1, q2 = np.quantile(y, [0.25, 0.5])
        return standardise(np.minimum(y, q2 + 5 * (q2 - q1)))
    if MODE.startswith("log"):
        s = np.quantile(y, 0.5) - y.min()
        if s <= 0:
            s = y.std()
        if s <= 0:
            return np.zeros_like(y)
        c = float(MODE[3:] or 1)
        return standardise(np.log(c + (y - y.min()) / s))
