"""Expected further improvement of a search, and certainty of its best trial.

Both come from a posterior of noise-free scores.

The model is that of the Bayesian oracle, whichever oracle made the trials. Draws of the losses, at
the trials and at the most promising other points together, say by how much the best of those beats
the best of these: after Wilson (2024, "Stopping Bayesian Optimization with Probabilistic Regret
Bounds", arXiv:2402.16811) and Makarova et al. (2022, arXiv:2104.08166), who stop on the regret that
a model expects. A score that noise has made the best is no improvement to the draws.
"""

from __future__ import annotations

import copy
import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from tuner.core.objective import MultiObjective
from tuner.core.trial import Trial
from tuner.journal.history import History
from tuner.journal.trials import TrialsById
from tuner.oracles.drawing import INCUMBENTS, LEAST_NOISE, single_threaded
from tuner.oracles.observing import has_score, observe, warp

if TYPE_CHECKING:
    from tuner.oracles.bayesian.acquisition import Objective, Utility
    from tuner.oracles.bayesian.dimension import Array
    from tuner.oracles.bayesian.encoding import Encoder

logger = logging.getLogger(__name__)

FEWEST = 10
"""Trials with a score below which nothing can be said."""
TRIALS, CANDIDATES = 128, 256
"""Trials and other points that are drawn together, at most: those that promise most."""
DRAWS = 256
CLOSE = 0.01
"""Share of the spread by which a trial may be behind and is as good as the best."""
SHARE = 0.03
"""Share of the spread below which an improvement is none. That of the best point there is: what
searches found in 60 to 90 more trials was at most a third of it (docs/quality.md)."""
IN_A_ROW = 3
"""How often in a row the model has to say that there is none."""
HARDLY = 0.01
"""Difference of two probabilities too small to be told."""
MOST = 250
"""Trials up to which people are told of an outlook; it takes longer with more of them."""
EARLIEST = 20
"""Trials with a score before it is asked for the first time."""
EVERY, SELDOM = 2, 20
"""Trials until it is asked again: so many, or such a part of those there are."""
MEDIAN_OF = 256
"""Points of the space whose median is how good a random configuration is."""


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a model expects of a search that goes on; in the units of the score."""

    improvement: float
    """By how much the best configuration of the space is expected to beat the best trial."""
    spread: float
    """By how much the best trial beats the median configuration of the space."""
    sure: float
    """Probability that the trial with the best score is the best of the trials without noise."""
    close: float
    """Probability that it is so, or misses that by at most `CLOSE` of the spread."""
    trials: int
    """Trials with a score that it was told of."""

    @property
    def left(self) -> float:
        """The improvement as a share of the spread; infinite where there is none."""
        return self.improvement / self.spread if self.spread > 0 else float("inf")

    @property
    def sentences(self) -> list[str]:
        """What it says, for people."""
        close = f", of being close to it {self.close:.0%}"
        lead = f", {self.left:.1%} of its lead over the median configuration"
        more = lead if self.spread > 0 else ""
        of = f"Chance of being the best of {self.trials} trials, were there no noise: "
        return [
            f"{of}{self.sure:.0%}{close if self.close - self.sure >= HARDLY else ''}.",
            f"Expected further improvement: {self.improvement:.2g}{more}.",
        ]


def outlook(history: History, ended: int | None = None) -> Outlook | None:
    """The outlook of a search; the same for the same history, and whatever runs.

    Args:
        history: Everything that has happened.
        ended: How many ends of trials it knows of; all if omitted.

    Returns:
        None where nothing can be said: too few trials with a score, all scores the same, several
        objectives, or nothing that a model can be fitted to.
    """
    past = _as_of(history, len(history.end_order) if ended is None else ended)
    scored = [t for t in past.trials.values() if has_score(t, past) and past.counts(t)]
    able = len(scored) >= FEWEST and not isinstance(history.objective, MultiObjective)
    if not able or not any(past.is_feasible(trial) for trial in scored):
        return None
    try:
        with single_threaded(), np.errstate(all="ignore"):
            return _expect(past, scored)
    except (ArithmeticError, LookupError, TypeError, ValueError) as error:
        logger.debug("No outlook could be given: %r", error)  # a search goes on without one
        return None


def settled(history: History) -> Outlook | None:
    """The outlook of a search that more trials would hardly improve; None where they may.

    It is asked again every few trials, and has to say so `IN_A_ROW` times.
    """
    ends = [
        place
        for place, trial_id in enumerate(history.end_order, start=1)
        for trial in [history.trials[trial_id]]
        if has_score(trial, history) and history.counts(trial)
    ]
    initial = history.settings.get("num_initial_points")
    earliest = max(EARLIEST, initial + 1 if isinstance(initial, int) else 0)
    asked = _asked_after(earliest, len(ends))[-IN_A_ROW:]
    found = None
    for count in reversed(asked if len(asked) == IN_A_ROW else []):
        each = _known(history, ends[count - 1])
        if each is None or each.left > SHARE:
            return None
        found = found or each
    return found


def _asked_after(earliest: int, count: int) -> list[int]:
    """Numbers of scored trials after which the model is asked: ever fewer, since it costs more."""
    asked = [earliest]
    while asked[-1] <= count:
        asked.append(asked[-1] + max(EVERY, asked[-1] // SELDOM))
    return asked[:-1]


def _known(history: History, ended: int) -> Outlook | None:
    """The outlook then, worked out once."""
    known = history.outlooks
    if ended not in known:
        known[ended] = outlook(history, ended)
    found: Outlook | None = known[ended]
    return found


def _as_of(history: History, ended: int) -> History:
    """The history when so many trials had ended, without what was running."""
    ends = set(history.end_order[:ended])
    past = copy.copy(history)
    past.trials, past.running = TrialsById(), {}
    for trial_id, trial in history.trials.items():
        if trial_id in ends:
            past.trials.put(trial)
    return past


def _expect(past: History, scored: list[Trial]) -> Outlook | None:
    from tuner.oracles.bayesian.acquisition import LogExpectedImprovement, Utility
    from tuner.oracles.bayesian.encoding import Encoder
    from tuner.oracles.bayesian.surrogate import InContext, build_utility

    encoder = Encoder(past.space)
    losses = np.array([past.loss_of(trial.score or 0.0) for trial in scored])
    if not len(encoder) or np.ptp(losses) == 0:
        return None
    rng = np.random.default_rng([past.seed, len(scored)])
    seen = observe(past, encoder, rng, _most_epochs(scored))
    worth = build_utility(seen, LogExpectedImprovement, LEAST_NOISE, rng)
    utility = worth.utility if isinstance(worth, InContext) else worth
    assert isinstance(utility, Utility)
    posterior = _Posterior(utility, seen.context)
    winner = encoder.encode(min(scored, key=past.loss).values)
    tried = posterior.best_first(winner, seen.points[seen.feasible, : len(encoder)])
    others = _others(worth, encoder, tried, rng)
    behind, better = posterior.compare(tried, others, rng)
    spread = _spread(posterior.mean(_anywhere(encoder)), posterior.mean(tried), losses)
    unit = _unit(losses)
    return Outlook(
        improvement=unit * float(better.mean()),
        spread=spread,
        sure=float((behind <= 0).mean()),
        close=float((unit * behind <= CLOSE * max(spread, 0.0)).mean()),
        trials=len(scored),
    )


@dataclass(frozen=True, slots=True)
class _Posterior:
    """What the model believes at points of the space, where trials train to the end."""

    utility: Utility
    context: Array

    def mean(self, points: Array) -> Array:
        return self.utility.losses.predict(self._where(points))[0]

    def best_first(self, winner: Array, feasible: Array) -> Array:
        """Points of trials, each once: the winner's, then those that are expected to be best."""
        distinct = np.unique(feasible, axis=0)
        rivals = distinct[(distinct != winner).any(1)]
        order = np.argsort(self.mean(rivals), kind="stable")
        return np.vstack([winner, rivals[order[: TRIALS - 1]]])

    def compare(self, tried: Array, others: Array, rng: np.random.Generator) -> tuple[Array, Array]:
        """By how much the first is behind the best, and that behind others, in each draw."""
        points = self._where(np.vstack([tried, others]))
        drawn = self.utility.losses.draw(points, DRAWS, rng)
        best, elsewhere = drawn[: len(tried)].min(0), drawn[len(tried) :]
        # One number for all points: where one keeps a constraint, so do most of those nearby.
        fails = np.log(rng.random(DRAWS)) > self.utility.log_chance(self._where(others))[:, None]
        least = np.where(fails, np.inf, elsewhere).min(0, initial=np.inf)
        return drawn[0] - best, np.maximum(best - least, 0.0)

    def _where(self, points: Array) -> Array:
        from tuner.oracles.bayesian.surrogate import in_context

        return in_context(points, self.context)


def _most_epochs(scored: list[Trial]) -> int | None:
    """The largest budget that a trial had, None where all train alike."""
    return max((trial.budget.epochs for trial in scored if trial.budget is not None), default=None)


def _others(worth: Objective, encoder: Encoder, tried: Array, rng: np.random.Generator) -> Array:
    """The most useful points that have had no trial, anywhere and near the best trials."""
    from tuner.oracles.bayesian.search import maximise

    found = maximise(worth, encoder, tried[:INCUMBENTS], rng)[: 2 * CANDIDATES]
    new = ~(found[:, None, :] == tried).all(2).any(1)
    return np.asarray(found[new][:CANDIDATES])


def _anywhere(encoder: Encoder) -> Array:
    from tuner.oracles.bayesian.design import sobol_points

    return encoder.spread(sobol_points(len(encoder), MEDIAN_OF, 0))


def _spread(anywhere: Array, tried: Array, losses: Array) -> float:
    """By how much the best trial beats the median configuration; targets of the model, and losses.

    The median is the model's or that of the first trials, whichever is worse: a model that has seen
    the best region most expects elsewhere what comes ever nearer to it.
    """
    median = max(_loss_at(float(np.median(anywhere)), losses), float(np.median(losses[:FEWEST])))
    return median - _loss_at(float(tried.min()), losses)


def _unit(losses: Array) -> float:
    """What a unit of the model's targets is in losses, among the better half of the trials."""
    targets, losses = np.sort(warp(losses)), np.sort(losses)
    half = len(losses) // 2
    end = half if targets[half] > targets[0] else -1
    return float((losses[end] - losses[0]) / (targets[end] - targets[0]))


def _loss_at(target: float, losses: Array) -> float:
    """The loss that a target of the model stands for, no better or worse than a trial's."""
    return float(np.interp(target, np.sort(warp(losses)), np.sort(losses)))
