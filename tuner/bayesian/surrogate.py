"""What is known about a space, made into the utility of the next trial."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from tuner.bayesian.acquisition import Acquisition
from tuner.bayesian.dimension import Array, Mask
from tuner.bayesian.evidence import Prior
from tuner.bayesian.gp import GaussianProcess, fit
from tuner.bayesian.subset import informative
from tuner.bayesian.utility import Utility
from tuner.bayesian.warping import warp

FITTED = 120
"""Trials from which hyperparameters are fitted, at most."""
SEEN = 400
"""Trials that a model takes into account, at most."""
FAILURES_SEEN = 100
"""Trials that the model of failures takes into account, at most."""


@dataclass(frozen=True)
class Observations:
    """What happened where; points are (trials, dimensions)."""

    points: Array
    """Of trials that ended with a score."""
    losses: Array
    """Their losses."""
    failed: Array
    """Points of trials that failed."""
    running: Array
    """Points of trials that have not ended."""


def build_utility(
    seen: Observations,
    categorical: Mask,
    create_acquisition: Callable[[float], Acquisition],
    least_noise: float,
    rng: np.random.Generator,
) -> Utility:
    """The utility of a trial, after all that was observed.

    Running trials, and those that failed, count as if they had given the mean that the model
    expects, but no improvement: nothing is to be won there again.

    Args:
        seen: What was observed.
        categorical: Which dimensions are categories.
        create_acquisition: Makes the acquisition when the loss to improve on is known.
        least_noise: Least variance of the noise, of losses that are standardised.
        rng: Generator.
    """
    model = fit_losses(seen.points, warp(seen.losses), categorical, least_noise, rng)
    incumbent = float(model.predict(model.points)[0].min())
    believing = model.believing(np.vstack([seen.running, seen.failed]), incumbent)
    failures = fit_failures(seen, categorical, rng) if len(seen.failed) else None
    return Utility(believing, create_acquisition(incumbent), failures)


def fit_losses(
    points: Array, targets: Array, categorical: Mask, least_noise: float, rng: np.random.Generator
) -> GaussianProcess:
    """A model of the losses; its hyperparameters come from a part of them if there are many."""
    fitted = informative(targets, FITTED, rng)
    prior = Prior(least_noise=least_noise)
    model = fit(points[fitted], targets[fitted], categorical, prior)
    return model if len(fitted) == len(targets) else model.with_targets(points, targets)


def fit_failures(
    seen: Observations, categorical: Mask, rng: np.random.Generator
) -> GaussianProcess:
    """A model of failing: 1 where a trial failed, 0 where one did not."""
    points = np.vstack([seen.failed, seen.points])
    failed = np.repeat([1.0, 0.0], [len(seen.failed), len(seen.points)])
    some = informative(np.zeros(len(failed)), FAILURES_SEEN, rng)
    return fit(points[some], failed[some], categorical, Prior())
