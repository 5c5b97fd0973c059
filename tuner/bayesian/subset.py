"""Which trials a model looks at when there are more than it can afford."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tuner.bayesian.dimension import Array


def informative(losses: Array, count: int, rng: np.random.Generator) -> NDArray[np.intp]:
    """Indices of the best trials, the most recent ones and some of the others, in order.

    Half are the best, a quarter the most recent, and the rest random.

    Args:
        losses: In the order of the trials.
        count: How many to look at.
        rng: Generator.
    """
    if len(losses) <= count:
        return np.arange(len(losses))
    chosen = np.zeros(len(losses), dtype=bool)
    chosen[np.argsort(losses, kind="stable")[: count // 2]] = True
    others = np.flatnonzero(~chosen)
    chosen[others[len(others) - count // 4 :]] = True
    others = np.flatnonzero(~chosen)
    chosen[rng.choice(others, count - int(chosen.sum()), replace=False)] = True
    return np.flatnonzero(chosen)
