"""A model of the scores of trials of equal budget: what importances and contours are read off."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg.lapack import dpotri

from tuner.core.objective import Objective, single_objectives
from tuner.core.trial import Trial
from tuner.journal.history import History
from tuner.oracles.bayesian.encoding import Encoder
from tuner.oracles.bayesian.gp import GaussianProcess, fit
from tuner.oracles.bayesian.kernel import Prior
from tuner.oracles.drawing import single_threaded

Floats = NDArray[np.float64]

FEWEST = 10
"""Completed trials below which nothing can be said."""

FITTED, SEEN = 150, 400
"""Trials from which the model's hyperparameters are fitted, and that it takes into account."""

FAR = 5.0
"""Interquartile ranges beyond which a score counts as this far: a few diverged trainings would
otherwise be all the variance there is."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Trials whose scores can be compared."""

    objective: str
    trials: list[Trial]
    scores: Floats
    """Their values of the objective, (trials,)."""
    epochs: int | None
    """Epochs each of them was granted; None where the search grants none."""


@dataclass(frozen=True, slots=True)
class ScoreModel:
    """A Gaussian process of the scores."""

    encoder: Encoder
    process: GaussianProcess
    """Of scores that are standardised."""
    mean: float
    deviation: float
    explained: float
    """Share of the variance that it predicts of a trial it has not seen."""

    def predict(self, points: Floats) -> Floats:
        """The scores that are expected at points, (points, dimensions)."""
        with single_threaded():
            process = self.process
            standardised = process.kernel(points, process.points) @ process.alpha
        expected: Floats = self.mean + self.deviation * standardised
        return expected

    def columns_by_name(self) -> dict[str, list[int]]:
        """The dimensions of each name: one may be declared under several conditions."""
        groups: dict[str, list[int]] = {}
        for column, dimension in enumerate(self.encoder.dimensions):
            groups.setdefault(dimension.parameter.name, []).append(column)
        return groups


def select(history: History, objective: str | None = None) -> Selection:
    """The trials of equal budget, with their values of an objective.

    Raises:
        ValueError: There is no such objective.
    """
    wanted = _objective(history, objective)
    trials, epochs = trials_of_equal_budget(history)
    scored = [(trial, score_of(trial, wanted, history)) for trial in trials]
    known = [(t, score) for t, score in scored if score is not None and np.isfinite(score)]
    scores = np.array([score for _, score in known], dtype=float)
    return Selection(wanted.name, [trial for trial, _ in known], scores, epochs)


def trials_of_equal_budget(history: History) -> tuple[list[Trial], int | None]:
    """The completed trials of the budget that most have, and its epochs; ties go to the larger.

    A score after 3 epochs and one after 81 cannot be compared, and of a ladder the lowest rung is
    the one whose configurations were not selected by their scores.
    """
    trials = [history.trials[trial_id] for trial_id in history.end_order]
    completed = [trial for trial in trials if trial.score is not None]
    counts = Counter(_epochs(trial) for trial in completed)
    if not counts:
        return [], None
    most = max(counts, key=lambda epochs: (counts[epochs], epochs or 0))
    return [trial for trial in completed if _epochs(trial) == most], most


def fit_scores(history: History, selected: Selection) -> ScoreModel | None:
    """The model of these scores; None where there are too few, or they are all the same."""
    encoder = Encoder(history.space)
    if len(selected.scores) < FEWEST or not len(encoder) or np.ptp(selected.scores) == 0:
        return None
    chosen = _spread_over(len(selected.scores), SEEN)
    points = np.array([encoder.encode(selected.trials[k].values) for k in chosen])
    clipped = _clipped(selected.scores[chosen])
    mean, deviation = float(clipped.mean()), float(clipped.std())
    with single_threaded():
        process = _process(encoder, points, (clipped - mean) / deviation)
        explained = _explained(process)
    return ScoreModel(encoder, process, mean, deviation, explained)


def score_of(trial: Trial, objective: Objective, history: History) -> float | None:
    """A trial's value of one of the objectives, or of what the search improves."""
    if objective is history.objective:
        return trial.score
    exists = trial.metrics.exists(objective.name)
    value = trial.metrics.get_best_value(objective.name) if exists else None
    return None if value is None else float(value)


def _epochs(trial: Trial) -> int | None:
    return None if trial.budget is None else trial.budget.epochs


def _objective(history: History, name: str | None) -> Objective:
    known = {each.name: each for each in single_objectives(history.objective)}
    known[history.objective.name] = history.objective
    if name is not None and name not in known:
        msg = f"Expected an objective of the search, one of {sorted(known)}."
        raise ValueError(f"{msg} Received: objective={name!r}.")
    return history.objective if name is None else known[name]


def _spread_over(count: int, most: int) -> NDArray[np.intp]:
    """Indices of at most so many, evenly from the first to the last."""
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.intp))


def _clipped(scores: Floats) -> Floats:
    first, median, third = np.quantile(scores, [0.25, 0.5, 0.75])
    reach = FAR * (third - first) or np.ptp(scores)
    clipped: Floats = np.clip(scores, median - reach, median + reach)
    return clipped


def _process(encoder: Encoder, points: Floats, targets: Floats) -> GaussianProcess:
    fitted = _spread_over(len(points), FITTED)
    fitting = fit(points[fitted], targets[fitted], encoder.categorical, Prior())
    return fitting.with_targets(points, targets)


def _explained(process: GaussianProcess) -> float:
    """One less the mean squared error of each trial's prediction by all others.

    Rasmussen and Williams, "Gaussian Processes for Machine Learning", equation 5.12.
    """
    inverse, _ = dpotri(process.factor, lower=1)
    errors = process.alpha / np.diag(inverse)
    return max(0.0, 1 - float((errors**2).mean() / process.targets.var()))
