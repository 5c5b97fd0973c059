"""A history as data for a model: points, targets, and the improvement to look for."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.core.objective import MultiObjective, Objective, non_dominated
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.history import History
from tuner.journal.trials import EarlierTrial
from tuner.oracles.bayesian.dimension import Array

if TYPE_CHECKING:
    from tuner.oracles.bayesian.encoding import Encoder
    from tuner.oracles.bayesian.surrogate import Observations


WORST = 5.0
"""Widths above the median from which losses are drawn together."""
BEST = 20.0
"""Widths below the median from which they are; good losses are kept apart for longer."""
LARGEST = 1e3
"""Widths beyond which a loss counts as no worse."""


def warp(losses: Array) -> Array:
    """Standardised losses in the same order, whatever the size of the largest.

    The width is that between the median and the first quartile: it is the good losses that the
    model has to tell apart. Losses far from the median are drawn together logarithmically.
    """
    scaled = losses / max(float(np.abs(losses).max()), np.finfo(float).tiny)
    quartile, median = np.quantile(scaled, [0.25, 0.5])
    width = median - quartile
    if width < np.finfo(float).tiny:
        # Half of them are the same: all there is to see is the order.
        return standardise(np.unique(scaled, return_inverse=True)[1].astype(float))
    with np.errstate(over="ignore"):
        z = (scaled - median) / width
    return standardise(np.where(z > 0, _squash(z, WORST), -_squash(-z, BEST)))


def standardise(losses: Array) -> Array:
    """The losses with mean 0 and standard deviation 1; zeros when all are the same."""
    centred = losses - losses.mean()
    spread = centred.std()
    return centred / spread if spread > 0 else np.zeros_like(losses)


def _squash(z: Array, limit: float) -> Array:
    excess = np.clip(z - limit, 0.0, LARGEST)
    return np.minimum(z, limit) + np.log1p(excess)


RHO = 0.05
"""Weight of the sum beside the largest of the weighted objectives (Knowles, 2006)."""


def has_score(trial: Trial, history: History) -> bool:
    """Whether the trial gave a finite score, be it feasible or not."""
    score = trial.score
    completed = trial.status == TrialStatus.COMPLETED and score is not None
    return completed and bool(np.isfinite(history.loss_of(score or 0.0)))


def scored_trials(history: History) -> list[Trial]:
    """The trials that count and gave a score, in the order of their creation."""
    return [t for t in history.trials.values() if has_score(t, history) and history.counts(t)]


def earlier_trials(history: History) -> list[EarlierTrial]:
    return [trial for trials in history.earlier.values() for trial in trials]


def observe(
    history: History, encoder: Encoder, rng: np.random.Generator, max_epochs: int | None = None
) -> Observations:
    """All that is known, for a model.

    Beside the coordinates of the hyperparameters a point has those of its context: how far the
    trial trained, where budgets differ, and of which search it was, where there are earlier ones.

    Args:
        history: Everything that has happened.
        encoder: Its space.
        rng: Draws which trials are looked at, and how several objectives are weighed.
        max_epochs: Budget at which losses count; None where all trials train alike.
    """
    from tuner.oracles.bayesian.surrogate import FAILURES_SEEN, SEEN, Observations, informative

    context = _Context(history, encoder, max_epochs)
    scored, earlier = scored_trials(history), earlier_trials(history)
    losses = _losses(history, scored, earlier, rng)
    groups = np.array([0] * len(scored) + [context.source(t) for t in earlier], int)
    targets = _warped(losses, groups)
    points = np.vstack([context.encode(scored), context.encode_earlier(earlier)])
    feasible = np.array([history.is_feasible(t) for t in scored] + [False] * len(earlier), bool)
    if not scored:
        feasible[:] = True
    some = informative(targets, SEEN, rng)
    counted = [t for t in history.trials.values() if history.counts(t)]
    failed = [t for t in counted if t.ended and not has_score(t, history)]
    limits = [
        (np.array([c.excess(t) for t in scored] + [_excess(c, t) for t in earlier])[some], 0.0)
        for c in history.constraints
    ]
    return Observations(
        points=points[some],
        targets=targets[some],
        failed=context.encode(failed[-FAILURES_SEEN:], at_the_end=True),
        running=context.encode(list(history.running.values()), at_the_end=True),
        categorical=np.append(encoder.categorical, context.categorical),
        context=context.wanted,
        feasible=feasible[some],
        limits=tuple(limit for limit in limits if np.isfinite(limit[0]).any()),
        noise=None if earlier else _noise(scored, losses, targets),
    )


class _Context:
    """The coordinates that a trial does not choose."""

    def __init__(self, history: History, encoder: Encoder, max_epochs: int | None) -> None:
        self._encoder = encoder
        self._log_epochs = math.log(max_epochs) if max_epochs else 0.0
        self._sources = list(history.earlier) if any(history.earlier.values()) else []
        self._budgets = self._log_epochs > 0
        self.categorical = np.array([False] * self._budgets + [True] * bool(self._sources), bool)
        self.wanted = np.array([1.0] * self._budgets + [0.0] * bool(self._sources), float)

    def encode(self, trials: Sequence[Trial], *, at_the_end: bool = False) -> Array:
        rows = [
            [*self._encoder.encode(trial.values), *self._of(trial, at_the_end)] for trial in trials
        ]
        return self._matrix(rows)

    def encode_earlier(self, trials: Sequence[EarlierTrial]) -> Array:
        rows = [
            [*self._encoder.encode(trial.values), *[1.0] * self._budgets, self.source(trial)]
            for trial in trials
        ]
        return self._matrix(rows)

    def source(self, trial: EarlierTrial) -> int:
        return 1 + self._sources.index(trial.source)

    def _of(self, trial: Trial, at_the_end: bool) -> list[float]:
        if not self._budgets:
            return [0.0] * bool(self._sources)
        full = at_the_end or trial.budget is None
        share = 1.0 if full else math.log(trial.budget.epochs) / self._log_epochs  # type: ignore[union-attr]  # `full` otherwise
        return [share, *[0.0] * bool(self._sources)]

    def _matrix(self, rows: list[list[float]]) -> Array:
        return np.array(rows).reshape(len(rows), len(self._encoder) + len(self.wanted))


def _losses(
    history: History,
    scored: Sequence[Trial],
    earlier: Sequence[EarlierTrial],
    rng: np.random.Generator,
) -> Array:
    objective = history.objective
    if not isinstance(objective, MultiObjective):
        scores = [t.score or 0.0 for t in scored] + [t.score for t in earlier]
        return np.array([history.loss_of(score) for score in scores])
    known = [
        {
            o.name: t.metrics.get_best_value(o.name)
            for o in objective.objectives
            if t.metrics.exists(o.name)
        }
        for t in scored
    ] + [dict(t.metrics) for t in earlier]
    table = np.array([[_loss(o, metrics) for o in objective.objectives] for metrics in known])
    return scalarised(table, rng)


def _loss(objective: Objective, metrics: dict[str, Any]) -> float:
    value = metrics.get(objective.name)
    if value is None:
        return math.nan
    return float(-value if objective.direction == "max" else value)


def scalarised(losses: Array, rng: np.random.Generator) -> Array:
    """One loss of several, weighed at random: the augmented Chebyshev norm of ParEGO.

    After Knowles (2006, doi:10.1109/TEVC.2005.851274, eq. 2). Each objective is scaled by the
    trials that no other beats, so the weights choose among those.

    Args:
        losses: (trials, objectives).
        rng: Draws the weights, uniform on the simplex.
    """
    losses = np.where(np.isfinite(losses), losses, np.nanmax(losses, axis=0, initial=0.0))
    front = losses[non_dominated(losses)]
    low, high = front.min(0), front.max(0)
    spread = np.where(high > low, high - low, np.maximum(losses.max(0) - low, 1e-12))
    weights = rng.dirichlet(np.ones(losses.shape[1]))
    weighed: Array = weights * (losses - low) / spread
    return np.asarray(weighed.max(1) + RHO * weighed.sum(1))


def _warped(losses: Array, groups: NDArray[np.int_]) -> Array:
    """The losses as targets; each search's by themselves, since their scales may differ."""
    targets = np.empty_like(losses)
    for group in np.unique(groups):
        targets[groups == group] = warp(losses[groups == group])
    return targets


def _excess(constraint: Any, trial: EarlierTrial) -> float:
    value = trial.metrics.get(constraint.metric)
    return math.nan if value is None else float(constraint.excess_of(value))


def _noise(scored: Sequence[Trial], losses: Array, targets: Array) -> float | None:
    """Variance of a target from trial to trial of the same values, where trials are repeated.

    That of the mean of a trial's executions, averaged over the better half of the trials: where
    a model is asked to tell them apart.
    """
    order = np.argsort(losses, kind="stable")
    half = order[: max(1, len(order) // 2)]
    several = [scored[k].record.get("scores") or [] for k in half]
    variances = [np.var(s, ddof=1) / len(s) for s in several if len(s) > 1 and np.isfinite(s).all()]
    if len(variances) < 3:  # noqa: PLR2004 - too few to go by
        return None
    span = float(losses[half[-1]] - losses[half[0]])
    if span <= 0:
        return None
    slope = float(targets[half[-1]] - targets[half[0]]) / span
    return float(np.mean(variances)) * slope * slope
