"""Where the utility is highest: many points, then gradients, then neighbours."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize

from tuner.bayesian.encoding import Encoder
from tuner.bayesian.kernel import Array, Mask
from tuner.bayesian.utility import Utility

SPREAD = 768
"""Points anywhere."""
NEAR = 256
"""Points near the best trials."""
POLISHED = 6
"""Points that are followed uphill."""
STEPS = 40


def maximise(
    utility: Utility, encoder: Encoder, incumbents: Array, rng: np.random.Generator
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
    chosen = _distinct(points, values, POLISHED)
    polished = climb(utility, encoder, chosen)
    stepped = walk(utility, encoder, polished)
    points = np.vstack([polished, stepped, points])
    order = np.argsort(-utility(points), kind="stable")
    return points[order]


def near(incumbents: Array, encoder: Encoder, rng: np.random.Generator, count: int) -> Array:
    """Legal points around some points: a few coordinates moved, by little or by much."""
    dimensions = len(encoder)
    centres = incumbents[rng.integers(len(incumbents), size=count)]
    moved = rng.random((count, dimensions)) < np.minimum(
        1, rng.integers(1, dimensions + 1, size=(count, 1)) / dimensions
    )
    sizes = 10 ** rng.uniform(-3, -0.5, size=(count, 1))
    numbers = centres + sizes * rng.standard_normal((count, dimensions))
    fresh = encoder.spread(rng.random((count, dimensions)))
    shifted = np.where(encoder.categorical, fresh, np.clip(numbers, 0, 1))
    return encoder.snap(np.where(moved, shifted, centres))


def climb(utility: Utility, encoder: Encoder, points: Array) -> Array:
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
        bounds=[(0.0, 1.0)] * int(free.sum()),
        options={"maxiter": STEPS},
    )
    return encoder.snap(place(found.x))


def walk(utility: Utility, encoder: Encoder, points: Array, rounds: int = 3) -> Array:
    """Takes the best single step between legal values while there is a better one."""
    discrete = np.flatnonzero(~encoder.continuous)
    if not len(discrete):
        return points
    here, best = points, utility(points)
    for _ in range(rounds):
        steps, owners = _neighbours(encoder, here, discrete)
        values = utility(steps)
        improved = False
        for owner in range(len(here)):
            mine = np.flatnonzero(owners == owner)
            top = mine[np.argmax(values[mine])]
            if values[top] > best[owner]:
                here, best = here.copy(), best.copy()
                here[owner], best[owner] = steps[top], values[top]
                improved = True
        if not improved:
            break
        here = climb(utility, encoder, here)
        best = utility(here)
    return here


def _neighbours(encoder: Encoder, points: Array, discrete: Array) -> tuple[Array, Array]:
    """Points one legal value away in one coordinate, and which point each belongs to."""
    steps, owners = [], []
    for column in discrete:
        dimension = encoder.dimensions[column]
        levels = dimension.levels
        if dimension.categorical:
            targets = [np.full(len(points), level) for level in levels]
        else:
            index = np.searchsorted(levels, points[:, column])
            targets = [levels[np.clip(index + k, 0, len(levels) - 1)] for k in (-1, 1)]
        for target in targets:
            moved = points.copy()
            moved[:, column] = target
            steps.append(moved)
            owners.append(np.arange(len(points)))
    return encoder.settle(np.vstack(steps)), np.concatenate(owners)


def _distinct(points: Array, values: Array, count: int) -> Array:
    """The best points, without those that have a better one close by."""
    order = np.argsort(-values, kind="stable")
    kept: list[int] = []
    for index in order[: 40 * count]:
        apart = [np.abs(points[index] - points[k]).max() > 0.05 for k in kept]
        if all(apart):
            kept.append(int(index))
        if len(kept) == count:
            break
    return points[kept]
