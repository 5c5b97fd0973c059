"""Surrogate models of objective, failures and constraints, and the utility they give."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tuner.oracles.bayesian.acquisition import Acquisition, Limit, Objective, Utility
from tuner.oracles.bayesian.dimension import Array, Mask
from tuner.oracles.bayesian.gp import GaussianProcess, fit
from tuner.oracles.bayesian.kernel import Prior


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


FITTED = 120
"""Trials from which hyperparameters are fitted, at most."""
SEEN = 400
"""Trials that a model takes into account, at most."""
FAILURES_SEEN = 100
"""Trials that the model of failures takes into account, at most."""

MEASURED = 0.5
"""Standard deviation of the logarithm of a noise that was measured."""


@dataclass(frozen=True)
class Observations:
    """What happened where; points are (trials, coordinates), the last of them the context."""

    points: Array
    """Of trials that ended with a score."""
    targets: Array
    """Their losses, fit for a model: see `warp`."""
    failed: Array
    """Points of trials that failed."""
    running: Array
    """Points of trials that have not ended."""
    categorical: Mask
    """Which coordinates are categories."""
    context: Array
    """The last coordinates of the next trial, where it counts."""
    feasible: Mask
    """Which of the scored trials may be the best one: of this search, no constraint violated."""
    limits: tuple[tuple[Array, float], ...] = ()
    """Of each constraint the values, (scored trials,), NaN where unknown, and the upper bound."""
    noise: float | None = None
    """Variance of the targets from one execution to the next, where trials have several."""


def build_utility(
    seen: Observations,
    create_acquisition: Callable[[float], Acquisition],
    least_noise: float,
    rng: np.random.Generator,
) -> Objective:
    """The utility of a trial, after all that was observed; of points without the context.

    Running trials, and those that failed, count as if they had given the mean that the model
    expects, but no improvement: nothing is to be won there again.

    Args:
        seen: What was observed.
        create_acquisition: Makes the acquisition when the loss to improve on is known.
        least_noise: Least variance of the noise, of losses that are standardised.
        rng: Generator.
    """
    model = fit_losses(seen, least_noise, rng)
    incumbent = _incumbent(model, seen)
    believing = model.believing(np.vstack([seen.running, seen.failed]), incumbent)
    failures = fit_failures(seen, rng) if len(seen.failed) else None
    limits = tuple(fit_limit(seen, *limit, rng) for limit in seen.limits)
    utility = Utility(believing, create_acquisition(incumbent), failures, limits)
    return InContext(utility, seen.context) if len(seen.context) else utility


def _incumbent(model: GaussianProcess, seen: Observations) -> float:
    """The least loss that is expected of a trial there was, had it been trained to the end."""
    if not seen.feasible.any():
        return float(seen.targets.max())  # whatever meets the constraints is an improvement
    choices = seen.points[seen.feasible, : seen.points.shape[1] - len(seen.context)]
    return float(model.predict(in_context(choices, seen.context))[0].min())


def fit_losses(seen: Observations, least_noise: float, rng: np.random.Generator) -> GaussianProcess:
    """A model of the losses; its hyperparameters come from a part of them if there are many."""
    points, targets = seen.points, seen.targets
    fitted = informative(targets, FITTED, rng)
    prior = Prior(least_noise=least_noise)
    if seen.noise is not None:
        measured = math.log(max(seen.noise, least_noise))
        prior = Prior(noise=(measured, MEASURED, MEASURED), least_noise=least_noise)
    model = fit(points[fitted], targets[fitted], seen.categorical, prior)
    return model if len(fitted) == len(targets) else model.with_targets(points, targets)


def fit_failures(seen: Observations, rng: np.random.Generator) -> GaussianProcess:
    """A model of failing: 1 where a trial failed, 0 where one did not."""
    points = np.vstack([seen.failed, seen.points])
    failed = np.repeat([1.0, 0.0], [len(seen.failed), len(seen.points)])
    some = informative(np.zeros(len(failed)), FAILURES_SEEN, rng)
    return fit(points[some], failed[some], seen.categorical, Prior())


def fit_limit(seen: Observations, values: Array, bound: float, rng: np.random.Generator) -> Limit:
    """A model of a quantity that must not be above its bound.

    The values are drawn together away from the bound, so that it is exact where it matters.
    """
    known = np.flatnonzero(np.isfinite(values))
    known = known[informative(np.abs(values[known] - bound), FITTED, rng)]
    distances = values[known] - bound
    width = float(np.median(np.abs(distances))) if len(known) else 0.0
    scaled = np.arcsinh(distances / max(width, np.finfo(float).tiny))
    model = fit(seen.points[known], scaled, seen.categorical, Prior())
    return Limit(model, 0.0)
