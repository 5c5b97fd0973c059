"""Configurations that had no trial: at random, evenly spread, or by a model of the losses."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from tuner.core.hyperparameters import Choice, Fixed, HyperParameter, HyperParameters, Numerical
from tuner.core.hyperparameters.comparing import nearest, takes
from tuner.core.hyperparameters.sampling import Values, count_values, iterate_values, values_key
from tuner.core.trial import Trial
from tuner.journal.history import History
from tuner.journal.trials import EarlierTrial
from tuner.oracles.observing import earlier_trials, observe, scored_trials

if TYPE_CHECKING:
    from tuner.oracles.bayesian.acquisition import Acquisition
    from tuner.oracles.bayesian.encoding import Encoder


def single_threaded() -> AbstractContextManager[Any]:
    """Linear algebra inside takes one thread.

    The matrices are small, and the processors are busy with trials: a proposal whose threads wait
    for each other there takes several times as long (`benchmarks/proposals.py`). One thread also
    gives the same bits however many processors a machine has.
    """
    return _libraries().limit(limits=1, user_api="blas")  # type: ignore[no-any-return]


@functools.cache
def _libraries() -> Any:
    import scipy.linalg  # noqa: F401 - it may bring a library of its own
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()


SAMPLERS = ("random", "sobol", "bayesian")

INITIAL = 4, 10
"""Trials before there is a model, at least and at most."""
BETA = 2.6
LEAST_NOISE = 1e-8
LISTED = 300
"""Points of a space up to which each of them is looked at."""
INCUMBENTS = 5
"""Best trials near which a better one is looked for."""
REVISITED = 3
"""Configurations of earlier searches that are tried again, the best of them."""


@dataclass(frozen=True)
class Recipe:
    """How a model makes proposals.

    Args:
        initial: Trials before there is a model; None for a number that suits the space.
        acquisition: `"log_ei"` or `"ucb"`.
        least_noise: Least variance of the noise of standardised losses.
        beta: Weight of the uncertainty in `"ucb"`.
        max_epochs: Budget at which losses count; None where all trials train alike.
        complete: Trials that must have trained so long before there is a model.
    """

    initial: int | None = None
    acquisition: str = "log_ei"
    least_noise: float = LEAST_NOISE
    beta: float = BETA
    max_epochs: int | None = None
    complete: int = 1

    def initial_trials(self, categories: int) -> int:
        """The more categories, the more trials: what one gives says little of the others."""
        if self.initial is not None:
            return self.initial
        return min(max(categories + 1, INITIAL[0]), INITIAL[1])

    def is_complete(self, trial: Trial) -> bool:
        """Whether the trial trained as long as any will."""
        budget = trial.budget
        return self.max_epochs is None or budget is None or budget.epochs >= self.max_epochs

    def create_acquisition(self, incumbent: float) -> Acquisition:
        from tuner.oracles.bayesian.acquisition import LogExpectedImprovement, LowerConfidenceBound

        if self.acquisition == "ucb":
            return LowerConfidenceBound(self.beta)
        return LogExpectedImprovement(incumbent)


def check_sampler(sampler: str) -> str:
    """The sampler, if there is one of this name. Raises ValueError otherwise."""
    if sampler not in SAMPLERS:
        msg = f"Expected `sampler` to be one of {SAMPLERS}."
        raise ValueError(f"{msg} Received: sampler={sampler!r}.")
    return sampler


def draw(
    history: History, rng: np.random.Generator, sampler: str, recipe: Recipe | None = None
) -> Values | None:
    """A configuration that has had no trial; None when there is none left.

    Args:
        history: Everything that has happened.
        rng: Generator.
        sampler: One of `SAMPLERS`.
        recipe: Of `"bayesian"`.
    """
    if sampler != "bayesian":
        return _draw(history, rng, sampler, recipe or Recipe())

    with single_threaded():
        return _draw(history, rng, sampler, recipe or Recipe())


def _draw(
    history: History, rng: np.random.Generator, sampler: str, recipe: Recipe
) -> Values | None:
    candidates = revisits(history)
    if sampler != "random":
        from tuner.oracles.bayesian.encoding import Encoder

        encoder = Encoder(history.space)
        if sampler == "sobol" or _is_early(history, encoder, recipe):
            more = initial(history, encoder, sane=sampler == "bayesian")
        else:
            more = _useful(history, encoder, recipe, rng)
        candidates = _chain(candidates, more)
    for values in candidates:
        if values_key(values) not in history.tried:
            return values
    return history.untried(rng)


def _chain(first: Iterator[Values], second: Iterator[Values]) -> Iterator[Values]:
    yield from first
    yield from second


def _is_early(history: History, encoder: Encoder, recipe: Recipe) -> bool:
    """Whether too little is known for a model.

    Where budgets differ, some trials must have gone all the way: until then a model takes what
    leads after an epoch for the best. (BOHB too asks none but a model of a budget that has trials
    enough; Falkner et al., 2018, section 3.2.)
    """
    scored, earlier = scored_trials(history), len(earlier_trials(history))
    known = earlier + len(scored)
    wanted = recipe.initial_trials(int(encoder.categorical.sum()))
    early = known < 2 or known + len(history.running) < wanted  # noqa: PLR2004 - two make a line
    complete = earlier + sum(recipe.is_complete(trial) for trial in scored)
    return not len(encoder) or early or complete < recipe.complete


def revisits(history: History) -> Iterator[Values]:
    """The best configurations of earlier searches, as the space has them today."""
    if not history.earlier or not history.space.space:
        return
    ranked = [_ranked(history, source) for source in history.earlier]
    for rank in range(REVISITED):
        for trials in ranked:
            if rank < len(trials):
                yield _today(history.space, trials[rank].values)


def best_of_earlier(history: History, source: str) -> Values | None:
    """The best configuration of an earlier search, as the space has it today; None without one.

    Args:
        history: Of the search that knows the earlier one's trials.
        source: The earlier project, as `warm_start_from` named it.
    """
    ranked = _ranked(history, source)
    if not ranked:
        return None
    # While no parameter is known, the values are taken as they are, as `complete_values` does.
    space, values = history.space, ranked[0].values
    return _today(space, values) if space.space else dict(values)


def _ranked(history: History, source: str) -> list[EarlierTrial]:
    trials = history.earlier.get(source, [])
    return sorted(trials, key=lambda trial: history.loss_of(trial.score))


def _today(space: HyperParameters, values: Mapping[str, Any]) -> Values:
    hp = space.with_values(_known(space, values))
    hp.ensure_active_values()
    return dict(hp.values)


def _known(space: HyperParameters, values: Mapping[str, Any]) -> Values:
    """The values that the space allows, those between two steps moved to the nearer one."""
    own = [(p, values[p.name]) for p in space.space if p.name in values]
    moved = [(p, nearest(p, value)) for p, value in own]
    return {p.name: value for p, value in reversed(moved) if takes(p, value)}


def initial(history: History, encoder: Encoder, *, sane: bool) -> Iterator[Values]:
    """The Sobol point whose turn it is.

    Args:
        history: Everything that has happened.
        encoder: Its space.
        sane: Whether the first trial is one that a person would take: the defaults, if any were
            chosen, or else the middle of all ranges, as in OSS Vizier.
    """
    from tuner.oracles.bayesian.design import sobol

    space = history.space
    first = sane and not history.trials
    if first and _has_chosen_defaults(space):
        hp = space.with_values({})
        hp.ensure_active_values()
        yield hp.values
        first = False
    if len(encoder):
        point = sobol(len(encoder), len(history.trials), history.seed)
        if first:
            middle = np.where(encoder.categorical, point, 0.5)
            yield encoder.decode(encoder.spread(middle[None, :])[0])
        yield encoder.decode(encoder.spread(point[None, :])[0])


def _has_chosen_defaults(space: HyperParameters) -> bool:
    """Whether a default is not just the first value there is."""
    return any(_is_chosen(parameter) for parameter in nonfixed(space))


def _is_chosen(parameter: HyperParameter) -> bool:
    match parameter:
        case Numerical():
            return bool(parameter.default != parameter.min_value)
        case Choice():
            return bool(parameter.default != parameter.values[0])
        case _:
            return bool(parameter.default)


def _useful(
    history: History, encoder: Encoder, recipe: Recipe, rng: np.random.Generator
) -> Iterator[Values]:
    """Configurations, the most useful first."""
    from tuner.oracles.bayesian.search import maximise
    from tuner.oracles.bayesian.surrogate import build_utility

    seen = observe(history, encoder, rng, recipe.max_epochs)
    utility = build_utility(seen, recipe.create_acquisition, recipe.least_noise, rng)
    if count_values(history.space, LISTED) is not None:
        left = [v for v in iterate_values(history.space) if values_key(v) not in history.tried]
        worth = utility(np.array([encoder.encode(v) for v in left])) if left else np.zeros(0)
        yield from (left[k] for k in np.argsort(-worth, kind="stable"))
        return
    order = np.argsort(np.where(seen.feasible, seen.targets, np.inf), kind="stable")
    best = seen.points[order[:INCUMBENTS], : len(encoder)]
    for point in maximise(utility, encoder, best, rng):
        yield encoder.decode(point)


def nonfixed(space: HyperParameters) -> list[HyperParameter]:
    return [parameter for parameter in space.space if not isinstance(parameter, Fixed)]
