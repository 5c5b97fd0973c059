"""Methods and attributes that subclasses of Keras Tuner's `Oracle` call and override."""

from __future__ import annotations

import threading
import warnings
from collections import defaultdict, deque
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tuner.core.hyperparameters import HyperParameters
from tuner.core.hyperparameters.sampling import complete_at_random, values_key
from tuner.core.objective import Objective, check_objective_found
from tuner.core.proposal import Decision, Done, Proposal, Wait
from tuner.core.seeds import question_rng
from tuner.core.stateful import Alias
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.history import History
from tuner.journal.project import Project
from tuner.oracles.limits import check_consecutive_failures
from tuner.oracles.own_state import OracleState
from tuner.oracles.session import Session

if TYPE_CHECKING:
    import numpy as np


class OracleSubclassing(OracleState):
    """Names an `Oracle` has for the sake of subclasses written for Keras Tuner.

    What they read is the history; nothing is known twice. Nothing is held here but `_seed_state`,
    a counter that subclasses increase.
    """

    session: Session
    objective: Objective
    seed: int
    max_trials: int | None
    max_retries_per_trial: int
    max_consecutive_failed_trials: int
    multi_worker = False
    should_report = True
    history: Any = Alias("search_history")
    _max_collisions = 20
    _asking: np.random.Generator | None = None

    # What a subclass overrides.

    grants_budgets = False
    """Whether its proposals say how long to train; then enqueued values wait for one."""

    def propose(self, history: History, rng: np.random.Generator) -> Decision:
        """The next trial, from the history alone: no clock, no input or output, no other state.

        Args:
            history: Everything that has happened; not to be changed.
            rng: Generator for this question; the same one when a resumed search asks again.
        """
        msg = f"Expected {type(self).__name__} to override `propose` or `populate_space`."
        raise NotImplementedError(msg)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Keras Tuner's way to propose a trial.

        Args:
            trial_id: The id the trial will have.

        Returns:
            `{"status": ..., "values": ...}`, the status one of `TrialStatus.RUNNING` (with
            values), `IDLE` (nothing until a running trial ends) and `STOPPED`.
        """
        del trial_id
        self.session.declared.preview()
        match self.propose(self.session.history, self._rng()):
            case Proposal(values, budget):
                return {"status": TrialStatus.RUNNING, "values": dict(values), "budget": budget}
            case Wait():
                return {"status": TrialStatus.IDLE, "values": None}
            case Done(reason):
                return {"status": TrialStatus.STOPPED, "values": None, "reason": reason}

    def score_trial(self, trial: Trial) -> None:
        """Sets `trial.score` and `trial.best_step` from the trial's metrics."""
        trial.score = trial.metrics.get_best_value(self.objective.name)
        trial.best_step = trial.metrics.get_best_step(self.objective.name)

    # How it is asked.

    def _ask(self, trial_id: str) -> Decision:
        """What `propose` answers, or `populate_space`, or the name it had before."""
        if not self._overrides("populate_space") and not self._overrides("_populate_space"):
            self.session.declared.preview()
            return self.propose(self.session.history, self._rng())
        self._asking = self._rng()
        try:
            old = self._overrides("_populate_space")
            answer = (self._populate_space if old else self.populate_space)(trial_id)
            return self._decision(answer)
        finally:
            self._asking = None

    def _decision(self, answer: Mapping[str, Any]) -> Decision:
        match answer["status"]:
            case TrialStatus.RUNNING:
                values = answer.get("values") or {}
                if self.keeps_state:
                    values = complete_at_random(self.session.history.space, values, self._rng())
                return Proposal(values, answer.get("budget"))
            case TrialStatus.IDLE:
                return Wait()
            case _:
                return Done(answer.get("reason") or "every trial has ended")

    def set_score(self, trial: Trial) -> None:
        """Scores a trial by `score_trial`, or by the name it had before."""
        old = self._overrides("_score_trial")
        (self._score_trial if old else self.score_trial)(trial)

    @property
    def keeps_state(self) -> bool:
        """Whether a subclass may know more than the history tells."""
        names = ("propose", "_populate_space", "get_state")
        pure, *kept = (self._overrides(name) for name in names)
        return any(kept) or not pure

    # What it knows.

    @property
    def lock(self) -> threading.RLock:
        """Held while the oracle is asked or told something."""
        return self.session.lock

    @property
    def ongoing_trials(self) -> dict[str, Trial]:
        """Trials that are under way in this process, by the id of the tuner that runs them."""
        return self.session.assignments.ongoing

    @ongoing_trials.setter
    def ongoing_trials(self, ongoing: Mapping[str, Trial]) -> None:
        self.session.assignments.ongoing = dict(ongoing)

    @property
    def changed_settings(self) -> str:
        """Which arguments differ from those of the last start, for people."""
        return self.session.changed_settings

    @property
    def hyperparameters(self) -> HyperParameters:
        """The space; before the search starts, with what only this process knows of it."""
        return self.session.declared.known

    @hyperparameters.setter
    def hyperparameters(self, space: HyperParameters) -> None:
        """Has the search begin with a space, with what is declared in it until then, too."""
        with self.session.together():
            self.session.declared.begin_with(space)

    def get_space(self) -> HyperParameters:
        """A copy of the space, with default values."""
        return self.session.declared.known.copy()

    @property
    def trials(self) -> dict[str, Trial]:
        """All trials by id, in the order of their creation.

        One that is put in is recorded in the journal, learnt from, and resumed.
        """
        return self.session.history.trials

    @trials.setter
    def trials(self, trials: Mapping[str, Trial]) -> None:
        missing = self.trials.keys() - trials.keys()
        if missing:
            msg = "Expected trials that hold those that are known, since the journal keeps them."
            raise ValueError(f"{msg} Received: none of {sorted(missing)}.")
        for trial_id, trial in trials.items():
            self.trials[trial_id] = trial

    @property
    def start_order(self) -> list[str]:
        """Ids in the order of creation."""
        return list(self.trials)

    @property
    def end_order(self) -> list[str]:
        """Ids of ended trials, in the order of their ends."""
        return list(self.session.history.end_order)

    @property
    def run_times(self) -> dict[str, int]:
        """How often each trial was begun."""
        return {trial_id: trial.tries for trial_id, trial in self.trials.items()}

    def get_trial(self, trial_id: str) -> Trial:
        """The trial with this id. Raises KeyError if there is none."""
        return self.trials[trial_id]

    def get_best_trials(self, num_trials: int = 1) -> list[Trial]:
        """The completed trials with the best scores, best first.

        If fewer have completed the others follow, as in Keras Tuner: check their `status`.
        """
        best = self.session.history.ranked()
        if len(best) < num_trials:
            ranked = {trial.trial_id for trial in best}
            best += [t for t in self.trials.values() if t.trial_id not in ranked]
        return best[:num_trials]

    def get_pareto_trials(self) -> list[Trial]:
        """The completed trials that no other beats in every objective, best sum first."""
        return self.session.history.pareto_front()

    def remaining_trials(self) -> int | None:
        """Trials that may still be created; None when there is no limit."""
        return None if self.max_trials is None else self.max_trials - self.session.history.counted

    # Helpers.

    def _random_values(self) -> dict[str, Any] | None:
        """Random values that had no trial yet, None when there are none."""
        self.session.declared.preview()
        rng = self._asking or self._rng()
        return self.session.history.untried(rng)

    def _rng(self) -> np.random.Generator:
        """The generator of the next question: a function of position, so it needs no state."""
        return question_rng(self.seed, len(self.session.history.trials))

    @property
    def _tried_so_far(self) -> set[str]:
        return self.session.history.tried

    def _compute_values_hash(self, values: Mapping[str, Any]) -> str:
        return values_key(values)

    def _duplicate(self, values: Mapping[str, Any]) -> bool:
        """Whether the values, or others of the same hash, have had a trial."""
        return self._compute_values_hash(values) in self._tried_so_far

    def _record_values(self, trial: Trial) -> None:
        self._tried_so_far.add(self._compute_values_hash(trial.hyperparameters.values))

    def _check_consecutive_failures(self) -> None:
        check_consecutive_failures(self.session.history, self.max_consecutive_failed_trials)

    def _retry(self, trial: Trial) -> bool:
        """Puts a trial into the queue to be tried again, if it may be; whether it did."""
        if trial.retries_lately >= self.max_retries_per_trial:
            return False
        self.session.retry(trial, "invalid", trial.message)
        return True

    def _check_objective_found(self, metrics: Mapping[str, Any]) -> None:
        check_objective_found(self.objective, metrics)

    def _trial_known_as(self, trial_id: str) -> Trial:
        """A trial, also one that a subclass has only put among those that are under way.

        Raises:
            KeyError: There is none of that id.
        """
        ongoing = {trial.trial_id: trial for trial in self.ongoing_trials.values()}
        return ongoing[trial_id] if trial_id in ongoing else self.trials[trial_id]

    def _as_known(self, trial: Trial) -> Trial:
        """The trial of this id, with how it ended where another object stands for it."""
        known = self.trials.get(trial.trial_id, trial)
        if known is not trial:
            known.hyperparameters = trial.hyperparameters
            known.status, known.message = trial.status, trial.message
        return known

    def _save_trial(self, trial: Trial) -> None:
        """Records a trial that a subclass has made."""
        self.trials[trial.trial_id] = trial

    @property
    def _run_times(self) -> dict[str, int]:
        return defaultdict(int, self.run_times)

    @property
    def _retry_queue(self) -> deque[str]:
        return self.session.assignments.queue

    @property
    def _id_to_hash(self) -> dict[str, str | None]:
        return {t.trial_id: values_key(t.values) for t in self.trials.values()}

    def _set_project_dir(self, directory: object, project_name: str) -> None:
        self.session.attach(Project(directory, project_name))

    @property
    def _project(self) -> Project | None:
        return self.session.project

    @property
    def _project_dir(self) -> str:
        return "" if self._project is None else self._project.url

    def _get_trial_dir(self, trial_id: str) -> str:
        return "" if self._project is None else self._project.trial_folder(trial_id)

    # Old names.

    def _populate_space(self, trial_id: str) -> dict[str, Any]:
        _deprecated("_populate_space")
        return self.populate_space(trial_id)

    def _score_trial(self, trial: Trial) -> None:
        _deprecated("_score_trial")
        self.score_trial(trial)

    def _overrides(self, name: str) -> bool:
        return getattr(type(self), name) is not getattr(OracleSubclassing, name)


def _deprecated(name: str) -> None:
    msg = f"`Oracle.{name}` is deprecated; use `{name.removeprefix('_')}`."
    warnings.warn(msg, DeprecationWarning, stacklevel=3)
