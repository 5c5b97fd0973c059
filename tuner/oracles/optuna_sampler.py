"""Any sampler of Optuna 5 under our trials, journal and resume (Akiba et al., 2019).

The sampler's study is rebuilt from the history: every trial is asked for and told again in the
order in which that happened, with the values it had. So a resumed search asks what the
uninterrupted one would have asked, whatever state the sampler keeps.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any, Unpack

import numpy as np

from tuner.core.hyperparameters import Boolean, Choice, Fixed, HyperParameter, Int, Numerical
from tuner.core.hyperparameters.comparing import takes
from tuner.core.hyperparameters.sampling import Values, values_key
from tuner.core.objective import MultiObjective
from tuner.core.proposal import Decision, Done, Proposal, Wait
from tuner.core.seeds import question_rng
from tuner.core.trial import Trial
from tuner.journal.history import History
from tuner.oracles.observing import earlier_trials, has_score
from tuner.oracles.oracle import Oracle
from tuner.oracles.settings import OracleOptions


class OptunaOracle(Oracle):
    """Oracle of an Optuna sampler; needs the extra `optuna`.

    Constraints of the oracle are there for the sampler as Optuna's own, and as the user attribute
    `"constraints"` of a trial, for a `constraints_func`.

    Args:
        sampler: An `optuna.samplers.BaseSampler`. Its seed is not used: the oracle's is.
        objective: See `Oracle`, as the following ones; a list of several is several for Optuna.
        max_trials: Number of configurations to try. Fewer when the space is finite and smaller.

    Example:
        >>> import optuna
        >>> oracle = OptunaOracle(optuna.samplers.CmaEsSampler(), "val_loss", max_trials=50)
    """

    def __init__(
        self,
        sampler: Any,
        objective: object = None,
        max_trials: int | None = 10,
        seed: int | None = None,
        hyperparameters: object = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        **options: Unpack[OracleOptions],
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
            **options,
        )
        from optuna.samplers import BaseSampler

        if not isinstance(sampler, BaseSampler):
            msg = "Expected `sampler` to be a sampler of Optuna."
            raise TypeError(f"{msg} Received: sampler={sampler!r}.")
        self.sampler = sampler
        self._replay: Replay | None = None

    def propose(self, history: History, rng: np.random.Generator) -> Decision:
        if self._replay is None or not self._replay.is_of(history):
            self._replay = Replay(history, self.sampler)
        values = self._replay.ask() if history.space.space else None
        if values is None or values_key(values) in history.tried:
            values = history.untried(rng)
        if values is not None:
            return Proposal(values)
        return Wait() if history.running else Done("every configuration has had a trial")


class Replay:
    """A study that has lived through a history: a cache, which the history alone can rebuild.

    Args:
        history: What there was.
        sampler: Not changed.
    """

    def __init__(self, history: History, sampler: Any) -> None:
        import optuna

        objectives = history.objective
        several = isinstance(objectives, MultiObjective)
        self._objectives = objectives.objectives if several else [objectives]  # type: ignore[attr-defined]
        self._history = history
        self._sampler = copy.deepcopy(sampler)
        maximised = [objective.direction == "max" for objective in self._objectives]
        verbosity = optuna.logging.get_verbosity()
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # no line for each replayed trial
        self._study = optuna.create_study(
            sampler=self._sampler,
            directions=["maximize" if m else "minimize" for m in maximised],
        )
        optuna.logging.set_verbosity(verbosity)
        self._changes = history.counting.changes
        self._asked: dict[str, Any] = {}
        self._told = 0
        self._pending: tuple[Any, Values] | None = None
        for trial in earlier_trials(history):
            self._add_earlier(trial.values, trial.metrics, trial.score)

    def is_of(self, history: History) -> bool:
        """Whether it can go on, and what it gave last was asked for as a rebuilt one would ask."""
        if history is not self._history or history.counting.changes != self._changes:
            return False
        if self._pending is None:
            return True
        new = list(history.trials.values())[len(self._asked) :]
        return bool(new) and history.ended_before[new[0].trial_id] == self._told

    def ask(self) -> Values:
        """The sampler's next configuration."""
        for trial in list(self._history.trials.values())[len(self._asked) :]:
            self._tell_until(self._history.ended_before[trial.trial_id])
            counts = self._history.counts(trial)
            self._asked[trial.trial_id] = self._adopt(trial) if counts else None
        self._tell_until(len(self._history.end_order))
        self._pending = self._ask()
        return self._pending[1]

    def _adopt(self, trial: Trial) -> Any:
        """Optuna's trial of ours; a failed one more where ours is not what the sampler asked for.

        It was the user's wish then, or what was asked for had been tried.
        """
        from optuna.trial import TrialState

        own, values = self._pending or self._ask()
        self._pending = None
        theirs = self._history.counting.values_of(trial)
        if values == theirs:
            return own
        self._study.tell(own, state=TrialState.FAIL)
        hp = self._history.space.with_values(theirs)
        coded = {
            parameter.name: code(parameter, theirs[parameter.name])
            for parameter in hp.space
            if parameter.name in theirs and hp.is_active(parameter)
            if not isinstance(parameter, Fixed)
        }
        self._study.enqueue_trial(coded)
        return self._ask(theirs)[0]

    def _ask(self, fixed: Mapping[str, Any] | None = None) -> tuple[Any, Values]:
        reseed(self._sampler, question_rng(self._history.seed, len(self._asked)))
        own = self._study.ask()
        hp = self._history.space.with_values(fixed or {})
        if fixed:
            for known in hp.space:
                if known.name in fixed and hp.is_active(known):
                    suggest(own, known)
        while (parameter := hp._next_without_value()) is not None:  # noqa: SLF001 - ours
            hp.values[parameter.name] = suggest(own, parameter)
        return own, dict(hp.values)

    def _tell_until(self, ended: int) -> None:
        from optuna.trial import TrialState

        for trial_id in self._history.end_order[self._told : ended]:
            trial, own = self._history.trials[trial_id], self._asked[trial_id]
            if own is None:
                continue  # it is among the earlier ones
            losses = self._values(trial) if has_score(trial, self._history) else None
            if losses is None:
                self._study.tell(own, state=TrialState.FAIL)
            else:
                excess = [c.excess(trial) for c in self._history.constraints]
                own.set_user_attr("constraints", excess)
                for constraint, value in zip(self._history.constraints, excess, strict=True):
                    if value == value:  # noqa: PLR0124 - NaN
                        own.set_constraint(constraint.metric + constraint.relation, value)
                self._study.tell(own, losses)
        self._told = max(self._told, ended)

    def _values(self, trial: Trial) -> list[float] | None:
        if len(self._objectives) == 1:
            return [trial.score or 0.0]
        values = [trial.metrics.get_best_value(o.name) for o in self._objectives]
        return None if None in values else [float(v) for v in values if v is not None]

    def _add_earlier(
        self, values: Mapping[str, Any], metrics: Mapping[str, float], score: float
    ) -> None:
        import optuna

        single = len(self._objectives) == 1
        scores = [score] if single else [metrics.get(o.name) for o in self._objectives]
        known = {p.name: p for p in self._history.space.space if not isinstance(p, Fixed)}
        named = {n: p for n, p in known.items() if n in values}
        if not all(takes(p, values[n]) for n, p in named.items()):
            return
        distributions = {n: distribution(p) for n, p in named.items()}
        params = {n: code(p, values[n]) for n, p in named.items()}
        whole = [value for value in scores if value is not None]
        if len(whole) == len(scores):
            add = optuna.trial.create_trial
            self._study.add_trial(add(values=whole, params=params, distributions=distributions))


def distribution(parameter: HyperParameter) -> Any:
    """The parameter in Optuna's words; what it has no word for is its place from 0 to 1."""
    from optuna import distributions as d

    if isinstance(parameter, Choice | Boolean):
        listed = parameter.values if isinstance(parameter, Choice) else [False, True]
        return d.CategoricalDistribution(list(dict.fromkeys(listed)))
    if _is_unit(parameter):
        return d.FloatDistribution(0.0, 1.0)
    assert isinstance(parameter, Numerical)
    low, high, log = parameter.min_value, parameter.max_value, parameter.sampling == "log"
    if isinstance(parameter, Int):
        step = int(parameter.step or 1)
        return d.IntDistribution(low, high - (high - low) % step, log=log, step=step)
    return d.FloatDistribution(low, high, log=log)


def _is_unit(parameter: HyperParameter) -> bool:
    if not isinstance(parameter, Numerical):
        return False
    if parameter.sampling == "linear":
        return not isinstance(parameter, Int) and parameter.step is not None
    return parameter.sampling != "log" or parameter.step is not None


def code(parameter: HyperParameter, value: Any) -> Any:
    """A value as Optuna has it."""
    return parameter.value_to_prob(value) if _is_unit(parameter) else value


def suggest(own: Any, parameter: HyperParameter) -> Any:
    """Optuna's value of a parameter, of a kind that we have."""
    if isinstance(parameter, Fixed):
        return parameter.value
    value = own._suggest(parameter.name, distribution(parameter))  # noqa: SLF001 - of any kind
    return parameter.prob_to_value(value) if _is_unit(parameter) else value


def reseed(sampler: Any, rng: np.random.Generator) -> None:
    """Gives all generators of a sampler, and of the samplers it has, the seeds of this question."""
    from optuna.samplers import BaseSampler
    from optuna.samplers._lazy_random_state import LazyRandomState

    for value in vars(sampler).values():
        if isinstance(value, LazyRandomState):
            value.rng.seed(int(rng.integers(2**32)))
        elif isinstance(value, BaseSampler):
            reseed(value, rng)
