"""Coordinates that a trial does not choose: how far it trains, and which search it belongs to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from tuner.bayesian.dimension import Array
from tuner.bayesian.utility import Objective


@dataclass(frozen=True)
class InContext:
    """A utility of points without the coordinates that are given.

    Args:
        utility: Of points that end with these coordinates.
        context: Their values where the next trial counts: trained to the end, in this search.
    """

    utility: Objective
    context: Array

    def __call__(self, points: Array) -> Array:
        return self.utility(in_context(points, self.context))

    def with_gradient(self, points: Array) -> tuple[Array, Array]:
        values, gradient = self.utility.with_gradient(in_context(points, self.context))
        return values, gradient[:, : points.shape[1]]


def in_context(points: Array, context: Array) -> Array:
    """The points with the same further coordinates each."""
    if not len(context):
        return points
    return np.hstack([points, np.tile(context, (len(points), 1))])
