"""Maximises the utility: many points, then gradients, then neighbours."""

from __future__ import annotations

import numpy as np
from scipy.optimize import Bounds, minimize

from tuner.oracles.bayesian.acquisition import Objective
from tuner.oracles.bayesian.dimension import Array, Dimension
from tuner.oracles.bayesian.encoding import Encoder

SPREAD = 768
"""Points anywhere."""
NEAR = 64
"""Points near the best trials."""
POLISHED = 8
"""Points that are followed uphill."""
CLOSE = 0.05
"""Largest difference of a coordinate of two points that would climb the same hill."""
STEPS = 40
"""Iterations of a climb."""
ROUNDS = 3
"""Steps between legal values."""


def maximise(
    utility: Objective, encoder: Encoder, incumbents: Array, rng: np.random.Generator
) -> Array:
    """Legal points, the most useful first, (points, dimensions).

    Args:
        utility: What is maximised.
        encoder: The space.
        incumbents: The points of the best trials, best first.
        rng: Generator.
    """
    anywhere = encoder.spread(rng.random((SPREAD, len(encoder))))
    points = np.vstack([anywhere, near(incumbents, encoder, rng, NEAR)])
    values = utility(points)
    climbed = climb(utility, encoder, _distinct(points, values, POLISHED))
    polished = np.vstack([walk(utility, encoder, climbed), climbed])
    points, values = np.vstack([polished, points]), np.append(utility(polished), values)
    return points[np.argsort(-values, kind="stable")]


def near(incumbents: Array, encoder: Encoder, rng: np.random.Generator, count: int) -> Array:
    """Legal points around some points: a few coordinates moved, by little or by much."""
    shape = (count, len(encoder))
    centres = incumbents[rng.integers(len(incumbents), size=count)]
    share = rng.integers(1, len(encoder) + 1, size=(count, 1)) / len(encoder)
    sizes = 10 ** rng.uniform(-3, -0.5, size=(count, 1))
    numbers = np.clip(centres + sizes * rng.standard_normal(shape), 0, 1)
    fresh = encoder.spread(rng.random(shape))
    moved = np.where(encoder.categorical, fresh, numbers)
    return encoder.snap(np.where(rng.random(shape) < share, moved, centres))


def climb(utility: Objective, encoder: Encoder, points: Array, steps: int = STEPS) -> Array:
    """Follows the gradient in all active numbers, from all points at once, then rounds."""
    free = encoder.active(points) & ~encoder.categorical
    if not free.any():
        return points

    def place(numbers: Array) -> Array:
        moved = points.copy()
        moved[free] = numbers
        return moved

    def descend(numbers: Array) -> tuple[float, Array]:
        value, gradient = utility.with_gradient(place(numbers))
        return -float(value.sum()), -gradient[free]

    found = minimize(
        descend,
        points[free],
        jac=True,
        method="L-BFGS-B",
        bounds=Bounds(0.0, 1.0),
        options={"maxiter": steps, "ftol": 1e-6},
    )
    return encoder.snap(place(found.x))


def walk(utility: Objective, encoder: Encoder, points: Array) -> Array:
    """Takes the best single step between legal values while there is one, then climbs again."""
    if encoder.continuous.all():
        return points
    points, best = points.copy(), utility(points)
    moved = np.zeros(len(points), dtype=bool)
    for _ in range(ROUNDS):
        steps = neighbours(encoder, points)
        values = utility(steps.reshape(-1, len(encoder))).reshape(len(points), -1)
        top = values.argmax(1)
        better = np.flatnonzero(values.max(1) > best)
        if not len(better):
            break
        points[better], best[better] = steps[better, top[better]], values[better, top[better]]
        moved[better] = True
    return climb(utility, encoder, points[moved], STEPS // 2) if moved.any() else points


def neighbours(encoder: Encoder, points: Array) -> Array:
    """Legal points that differ in one discrete coordinate, (points, steps, dimensions).

    Of numbers these are the next values up and down, of categories all.
    """
    steps = []
    for column in np.flatnonzero(~encoder.continuous):
        for target in _targets(encoder.dimensions[column], points[:, column]):
            moved = points.copy()
            moved[:, column] = target
            steps.append(moved)
    together = encoder.settle(np.concatenate(steps))
    return together.reshape(len(steps), *points.shape).swapaxes(0, 1)


def _targets(dimension: Dimension, coordinates: Array) -> list[Array | float]:
    levels = dimension.levels
    assert levels is not None
    if dimension.categorical:
        return list(levels)
    index = np.searchsorted(levels, coordinates)
    return [levels[np.clip(index + k, 0, len(levels) - 1)] for k in (-1, 1)]


def _distinct(points: Array, values: Array, count: int) -> Array:
    """The best points, without those that have a better one close by."""
    kept: list[int] = []
    for index in np.argsort(-values, kind="stable")[: 40 * count]:
        apart = np.abs(points[kept] - points[index]).max(1) > CLOSE
        if apart.all():
            kept.append(int(index))
        if len(kept) == count:
            break
    return points[kept]
