"""The hypervolume that trials dominate: how good a front of several objectives is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tuner.core.objective import non_dominated

Floats = NDArray[np.float64]


def hypervolumes(losses: Floats) -> list[float]:
    """The share that is dominated after each trial, of the box from the worst to the best loss.

    Args:
        losses: (trials, objectives), lower is better, in the order of their ends.
    """
    worst, best = losses.max(0), losses.min(0)
    width = np.where(worst > best, worst - best, 1.0)
    gains = np.where(worst > best, (worst - losses) / width, 1.0)
    front = np.empty((0, losses.shape[1]))
    volume, found = 0.0, []
    for gain in gains:
        if not (front >= gain).all(1).any():
            front = np.vstack([front, gain])
            front = front[non_dominated(-front)]
            volume = _volume(front)
        found.append(volume)
    return found


def _volume(front: Floats) -> float:
    """The volume between the origin and points that do not dominate each other.

    By slices along the last objective (Zitzler, 1999; "hypervolume by slicing objectives").
    """
    if front.shape[1] == 1:
        return float(front.max(initial=0.0))
    ordered = front[np.argsort(-front[:, -1], kind="stable")]
    heights = np.append(ordered[:, -1], 0.0)
    total = 0.0
    for k in range(len(ordered)):
        depth = heights[k] - heights[k + 1]
        if depth > 0:
            total += depth * _volume(ordered[: k + 1, :-1])
    return total
