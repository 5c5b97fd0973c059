"""Bayesian optimisation: a Gaussian process of the losses says which trial promises most.

After Snoek et al. (2012, arXiv:1206.2944), with the acquisition of Ament et al. (2023,
arXiv:2310.20708) and priors like those of Hvarfner et al. (2024, arXiv:2402.02229). The model is
made anew from the history at each question, so a resumed search asks the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tuner.history import History
from tuner.hyperparameters import Choice, Fixed, HyperParameter, HyperParameters, Numerical
from tuner.oracle import Oracle
from tuner.proposal import Decision, Done, Proposal, Wait
from tuner.sampling import Values, count_values, iterate_values, values_key
from tuner.trial import Trial, TrialStatus

if TYPE_CHECKING:  # scipy: only a search that asks needs it
    from tuner.bayesian.acquisition import Acquisition
    from tuner.bayesian.encoding import Encoder
    from tuner.bayesian.surrogate import Observations

ALPHA, BETA = 1e-4, 2.6
"""Keras Tuner's defaults; whoever gives others asks for Keras Tuner's acquisition."""
LEAST_NOISE = 1e-8
LISTED = 300
"""Points of a space up to which each of them is looked at."""
INCUMBENTS = 5
"""Best trials near which a better one is looked for."""


@dataclass(frozen=True)
class Recipe:
    """How proposals are made.

    Args:
        initial: Trials before there is a model; None for a number that suits the space.
        acquisition: `"log_ei"` or `"ucb"`.
        least_noise: Least variance of the noise of standardised losses.
        beta: Weight of the uncertainty in `"ucb"`.
    """

    initial: int | None = None
    acquisition: str = "log_ei"
    least_noise: float = LEAST_NOISE
    beta: float = BETA

    def initial_trials(self, dimensions: int) -> int:
        if self.initial is not None:
            return self.initial
        return min(max(dimensions + 1, 5), 10)

    def create_acquisition(self, incumbent: float) -> Acquisition:
        from tuner.bayesian.acquisition import LogExpectedImprovement, LowerConfidenceBound

        if self.acquisition == "ucb":
            return LowerConfidenceBound(self.beta)
        return LogExpectedImprovement(incumbent)


def propose(history: History, rng: np.random.Generator, recipe: Recipe | None = None) -> Decision:
    """The trial of most utility among those that were not tried.

    The first trials are the defaults, if somebody chose any, and a Sobol sequence.
    """
    from tuner.bayesian.encoding import Encoder

    recipe = recipe or Recipe()
    encoder = Encoder(history.space)
    scored = [trial for trial in history.trials.values() if _has_score(trial, history)]
    initial = recipe.initial_trials(len(encoder))
    if not len(encoder) or len(scored) < 2 or len(scored) + len(history.running) < initial:  # noqa: PLR2004 - two make a line
        candidates = _initial(history, encoder)
    else:
        candidates = _useful(history, encoder, scored, recipe, rng)
    for values in candidates:
        if values_key(values) not in history.tried:
            return Proposal(values)
    return _anything(history, rng)


def _anything(history: History, rng: np.random.Generator) -> Decision:
    values = history.untried(rng)
    if values is not None:
        return Proposal(values)
    # A running trial may still meet hyperparameters that nobody has seen.
    return Wait() if history.running else Done("every configuration of the space has had a trial")


def _has_score(trial: Trial, history: History) -> bool:
    return trial.status == TrialStatus.COMPLETED and bool(np.isfinite(history.loss(trial)))


def _initial(history: History, encoder: Encoder) -> Iterator[Values]:
    """The defaults, then the point of the Sobol sequence whose turn it is."""
    from tuner.bayesian.design import sobol

    space = history.space
    if not history.trials and _has_chosen_defaults(space):
        defaults = space.with_values({})
        defaults.ensure_active_values()
        yield defaults.values
    if len(encoder):
        point = sobol(len(encoder), len(history.trials), history.seed)
        yield encoder.decode(encoder.spread(point[None, :])[0])


def _has_chosen_defaults(space: HyperParameters) -> bool:
    """Whether a default is not just the first value there is."""
    return any(_is_chosen(parameter) for parameter in _nonfixed(space))


def _is_chosen(parameter: HyperParameter) -> bool:
    match parameter:
        case Numerical():
            return bool(parameter.default != parameter.min_value)
        case Choice():
            return bool(parameter.default != parameter.values[0])
        case _:
            return bool(parameter.default)


def _useful(
    history: History,
    encoder: Encoder,
    scored: Sequence[Trial],
    recipe: Recipe,
    rng: np.random.Generator,
) -> Iterator[Values]:
    """Configurations, the most useful first."""
    from tuner.bayesian.search import maximise
    from tuner.bayesian.surrogate import build_utility

    seen = _observations(history, encoder, scored, rng)
    utility = build_utility(
        seen, encoder.categorical, recipe.create_acquisition, recipe.least_noise, rng
    )
    if count_values(history.space, LISTED) is not None:
        left = [v for v in iterate_values(history.space) if values_key(v) not in history.tried]
        worth = utility(np.array([encoder.encode(v) for v in left])) if left else np.zeros(0)
        yield from (left[k] for k in np.argsort(-worth, kind="stable"))
        return
    best = seen.points[np.argsort(seen.losses, kind="stable")[:INCUMBENTS]]
    for point in maximise(utility, encoder, best, rng):
        yield encoder.decode(point)


def _observations(
    history: History, encoder: Encoder, scored: Sequence[Trial], rng: np.random.Generator
) -> Observations:
    from tuner.bayesian.subset import informative
    from tuner.bayesian.surrogate import FAILURES_SEEN, SEEN, Observations

    losses = np.array([history.loss(trial) for trial in scored])
    some = informative(losses, SEEN, rng)
    failed = [t for t in history.trials.values() if t.ended and not _has_score(t, history)]

    def encode(trials: Sequence[Trial]) -> NDArray[np.float64]:
        rows = [encoder.encode(trial.values) for trial in trials]
        return np.array(rows).reshape(len(rows), len(encoder))

    return Observations(
        points=encode([scored[k] for k in some]),
        losses=losses[some],
        failed=encode(failed[-FAILURES_SEEN:]),
        running=encode(list(history.running.values())),
    )


def _nonfixed(space: HyperParameters) -> list[HyperParameter]:
    return [parameter for parameter in space.space if not isinstance(parameter, Fixed)]


class BayesianOptimizationOracle(Oracle):
    """Oracle of Bayesian optimisation: learns from all trials where the next one promises most.

    Args:
        max_trials: Number of configurations to try. Fewer when the space is finite and smaller.
        num_initial_points: Trials before the model has a say; a number that suits the space if
            omitted.
        alpha: Least variance of the noise of the scores, once they are standardised. The noise
            is estimated; 0.0001, Keras Tuner's default, leaves that alone.
        beta: Weight of the uncertainty in `"ucb"`: the more, the more is explored.
        acquisition: `"log_ei"`, the logarithm of the expected improvement, or `"ucb"`, Keras
            Tuner's confidence bound. If omitted, the bound where `alpha` or `beta` are not
            Keras Tuner's defaults, and the improvement otherwise.
    """

    def __init__(
        self,
        objective: object = None,
        max_trials: int | None = 10,
        num_initial_points: int | None = None,
        alpha: float = ALPHA,
        beta: float = BETA,
        seed: int | None = None,
        hyperparameters: object = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        *,
        acquisition: str | None = None,
    ) -> None:
        super().__init__(
            objective=objective,
            max_trials=max_trials,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            seed=seed,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        if acquisition not in (None, "log_ei", "ucb"):
            msg = "Expected `acquisition` to be 'log_ei' or 'ucb'."
            raise ValueError(f"{msg} Received: acquisition={acquisition!r}.")
        if not alpha > 0:
            raise ValueError(f"Expected `alpha` to be positive. Received: alpha={alpha}.")
        self.num_initial_points = num_initial_points
        self.alpha = alpha
        self.beta = beta
        self.acquisition = acquisition

    def propose(self, history: History, rng: np.random.Generator) -> Decision:
        return propose(history, rng, self._recipe())

    def _recipe(self) -> Recipe:
        like_keras_tuner = (self.alpha, self.beta) != (ALPHA, BETA)
        return Recipe(
            initial=self.num_initial_points,
            acquisition=self.acquisition or ("ucb" if like_keras_tuner else "log_ei"),
            least_noise=LEAST_NOISE if self.alpha == ALPHA else self.alpha,
            beta=self.beta,
        )

    # Helpers that subclasses written for Keras Tuner call.

    def _nonfixed_space(self) -> list[HyperParameter]:
        """The parameters that are searched."""
        return _nonfixed(self.hyperparameters)

    def _get_hp_bounds(self) -> NDArray[np.float64]:
        """Bounds of `_vectorize_trials`, (parameters, 2)."""
        return np.array([[0.0, 1.0] for _ in self._nonfixed_space()]).reshape(-1, 2)

    def _vectorize_trials(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Probabilities of the values of the completed trials, and their losses."""
        trials = [t for t in self.trials.values() if _has_score(t, self.history)]
        space = self._nonfixed_space()
        rows = [[_probability(p, trial) for p in space] for trial in trials]
        losses = [self.history.loss(trial) for trial in trials]
        return np.array(rows).reshape(len(rows), len(space)), np.array(losses)

    def _vector_to_values(self, vector: Sequence[float]) -> dict[str, Any]:
        """The configuration of a row of probabilities."""
        space = self._nonfixed_space()
        values = {p.name: p.prob_to_value(float(x)) for p, x in zip(space, vector, strict=True)}
        hp = self.hyperparameters.with_values(values)
        hp.ensure_active_values()
        return dict(hp.values)

    def _random_populate_space(self) -> dict[str, Any]:
        """Random values, in the form that `populate_space` answers."""
        values = self._random_values()
        if values is None:
            return {"status": TrialStatus.STOPPED, "values": None}
        return {"status": TrialStatus.RUNNING, "values": values}


def _probability(parameter: HyperParameter, trial: Trial) -> float:
    hp = trial.hyperparameters
    value = trial.values.get(parameter.name) if hp.is_active(parameter) else None
    return parameter.value_to_prob(parameter.default if value is None else value)
