"""Importances of hyperparameters: functional analysis of variance of a model of the scores.

The importance of a hyperparameter is its total Sobol index: the share of the score's variance, over
the whole search space, that would be left if all others were known. It counts what the
hyperparameter does alone and together with others, so the importances sum to 1 only where none
work together.

Hutter, Hoos, Leyton-Brown, "An Efficient Approach for Assessing Hyperparameter Importance", ICML
2014, decompose a random forest; here the model is the Gaussian process of the Bayesian oracle,
which is closer to smooth functions with few trials (Oakley, O'Hagan, "Probabilistic sensitivity
analysis of complex models: a Bayesian approach", JRSS B 66, 2004). What the model cannot predict of
a trial that it has not seen is traced to no hyperparameter; an interval begins as if that were due
to none of them, and ends as if it were all due to this one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.linalg.lapack import dpotrf, dpotrs

from tuner.journal.history import History
from tuner.oracles.bayesian.design import sobol_points
from tuner.oracles.bayesian.gp import GaussianProcess
from tuner.oracles.drawing import single_threaded
from tuner.results.score_model import Floats, ScoreModel, Selection, fit_scores, select

METHOD = "functional ANOVA of a Gaussian process, total Sobol indices"

SAMPLES = 1024
"""Base points of the estimate, a power of two; each hyperparameter adds as many."""

REPLICATES = 40
"""Bootstrap samples of the trials, and with each one of the base points."""

COVERAGE = 0.9
"""Of the interval."""


@dataclass(frozen=True, slots=True)
class Importance:
    """The total Sobol index of one hyperparameter, with an interval of `COVERAGE`."""

    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Importances:
    """Importances of all hyperparameters for one objective, the highest first."""

    objective: str
    of: dict[str, Importance]
    """By name; empty where nothing can be said."""
    trials: int
    """Number of trials that were looked at."""
    epochs: int | None
    """Epochs each of them was granted; None where the search grants none."""
    explained: float = 0.0
    """Share of the variance that the model predicts of a trial it has not seen."""

    def value(self, name: str) -> float:
        """The index of a hyperparameter, 0 where nothing is known of it."""
        return self.of[name].value if name in self.of else 0.0


def importance(history: History, objective: str | None = None) -> Importances:
    """Importances of the hyperparameters that vary, from trials of equal budget.

    Args:
        history: What has happened.
        objective: Name of one of several objectives; what the search improves if omitted.

    Raises:
        ValueError: There is no such objective.
    """
    selected = select(history, objective)
    return importances_by(fit_scores(history, selected), selected)


def importances_by(model: ScoreModel | None, selected: Selection) -> Importances:
    """The importances that a model of the selected trials tells; none without a model."""
    found: dict[str, Importance] = {}
    if model is not None and model.explained > 0:
        with single_threaded():
            found = _indices(model)
    ordered = dict(sorted(found.items(), key=lambda item: -item[1].value))
    explained = 0.0 if model is None else model.explained
    count = len(selected.trials)
    return Importances(selected.objective, ordered, count, selected.epochs, explained)


def _indices(model: ScoreModel) -> dict[str, Importance]:
    process, groups = model.process, model.columns_by_name()
    weights = np.column_stack([process.alpha, _bootstrap(process)])
    designs = _designs(len(model.encoder), list(groups.values()))
    points = (model.encoder.spread(design) for design in designs)
    # The mean of each model, (samples, 1 + replicates).
    base, *changed = (process.kernel(each, process.points) @ weights for each in points)
    times = _resampled()
    mean = (times * base).mean(0)
    variance = (times * (base - mean) ** 2).mean(0)
    variance[variance == 0] = np.inf
    differences = ((times * (base - other) ** 2).mean(0) for other in changed)
    return {
        name: _importance(difference / (2 * variance), model.explained)
        for name, difference in zip(groups, differences, strict=True)
    }


def _resampled() -> Floats:
    """Weights of the base points, (samples, 1 + replicates): all one, then bootstrap counts."""
    rng = np.random.default_rng(1)
    drawn = rng.multinomial(SAMPLES, np.full(SAMPLES, 1 / SAMPLES), size=REPLICATES)
    return np.vstack([np.ones(SAMPLES), drawn]).T


def _importance(estimates: Floats, explained: float) -> Importance:
    """From the estimate of all trials, and those of the bootstrap samples behind it."""
    tail = (1 - COVERAGE) / 2
    low, high = np.quantile(estimates[1:], [tail, 1 - tail])
    value = min(float(estimates[0]), 1.0) * explained
    return Importance(
        value,
        max(0.0, min(float(low) * explained, value)),
        min(1.0, max(float(high) * explained, value) + 1 - explained),
    )


def _designs(dimensions: int, groups: Sequence[list[int]]) -> list[Floats]:
    """Points of the unit cube, and for each group the same with its columns drawn again.

    Jansen, "Analysis of variance designs for model output", 1999, equation 12.
    """
    drawn = sobol_points(2 * dimensions, SAMPLES, 0)
    base, fresh = drawn[:, :dimensions], drawn[:, dimensions:]
    designs = [base]
    for columns in groups:
        changed = base.copy()
        changed[:, columns] = fresh[:, columns]
        designs.append(changed)
    return designs


def _bootstrap(process: GaussianProcess) -> Floats:
    """Weights of the process's mean for samples of the trials with replacement, (trials, samples).

    A trial that was drawn twice counts as one measured with half the noise.
    """
    rng, count = np.random.default_rng(0), len(process.targets)
    covariance = process.kernel(process.points, process.points)
    weights = np.zeros((count, REPLICATES))
    for replicate in range(REPLICATES):
        drawn, times = np.unique(rng.integers(count, size=count), return_counts=True)
        gram = covariance[np.ix_(drawn, drawn)]
        diagonal = np.diag_indices_from(gram)
        gram[diagonal] += process.noise / times
        factor, failed = dpotrf(gram, lower=1)
        if failed:  # the noise is rounding
            gram[diagonal] += 1e-8 * process.kernel.variance
            factor, _ = dpotrf(gram, lower=1)
        solved, _ = dpotrs(factor, process.targets[drawn], lower=1)
        weights[drawn, replicate] = solved
    return weights
