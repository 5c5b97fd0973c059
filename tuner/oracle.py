"""The oracle: it says which trial comes next, and is told how each one ended."""

from __future__ import annotations

import functools
import math
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, TypeVar, cast

import numpy as np

from tuner.budget import Budget
from tuner.entries import initial_space, refuse_new_entries
from tuner.events import Event, SearchStarted, TrialCreated, TrialRetried
from tuner.history import History
from tuner.hyperparameters import HyperParameters
from tuner.jsonable import to_json
from tuner.ledger import Ledger, space_grown, trial_ended
from tuner.objective import Objective, create_objective
from tuner.project import Project, ProjectInfo
from tuner.proposal import Decision, Done, Proposal, Wait
from tuner.seeds import question_rng, trial_seed
from tuner.trial import Trial, TrialStatus
from tuner.views import HistoryViews

MAX_LOSSES = 3
"""How often a trial's process may die before the trial counts as failed."""

Method = TypeVar("Method", bound=Callable[..., Any])


def synchronized(func: Method) -> Method:
    """Makes a method of an `Oracle` atomic; the lock is given back whatever happens."""

    @functools.wraps(func)
    def locked(self: Oracle, *args: Any, **kwargs: Any) -> Any:
        with self.lock:
            return func(self, *args, **kwargs)

    return cast("Method", locked)


class Oracle(HistoryViews):
    """Proposes trials and learns from their scores.

    A subclass overrides `propose`, a pure function of the history, or Keras Tuner's
    `populate_space`. What it knows is the fold of the project's journal, so a subclass needs no
    state of its own.

    Args:
        objective: Name of a metric (`"val_accuracy"`), an `Objective`, a list of these, or None
            when `run_trial` returns one number to be minimised.
        max_trials: Number of trials; None for no limit. Failed trials count.
        hyperparameters: A space to begin with, or to override what the model declares.
        allow_new_entries: Whether the model may declare hyperparameters that are not in
            `hyperparameters`.
        tune_new_entries: Whether those are searched, or stay at their defaults.
        seed: Seed of the search; the same seed gives the same trials. 0 is a seed.
        max_retries_per_trial: How often a trial that raised, or gave no finite score, is tried
            again.
        max_consecutive_failed_trials: Failed trials in a row that end the search.
    """

    def __init__(
        self,
        objective: object = None,
        max_trials: int | None = None,
        hyperparameters: object = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        seed: int | None = None,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
    ) -> None:
        self.objective: Objective = create_objective(objective)
        self.max_trials = max_trials
        self.allow_new_entries = allow_new_entries
        self.tune_new_entries = tune_new_entries
        self.max_retries_per_trial = max_retries_per_trial
        self.max_consecutive_failed_trials = max_consecutive_failed_trials
        self.seed = secrets.randbelow(2**31) if seed is None else seed
        self.verbose: int | str = 1
        self.lock = threading.RLock()
        self.ongoing_trials: dict[str, Trial] = {}
        """Trials that are under way in this process, by the id of the tuner that runs them."""
        self.requeues = True
        """Whether a trial that is due another try is handed to whoever asks next; otherwise it
        stays with whoever ran it."""
        self._initial_space = initial_space(hyperparameters, allow_new_entries, tune_new_entries)
        self._queue: deque[str] = deque()
        self._stopped = False
        self._ledger = Ledger(self._new_history())

    # What a subclass overrides.

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
        match self.propose(self.history, self._rng()):
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

    # The life of a trial.

    @synchronized
    def create_trial(self, tuner_id: str) -> Trial:
        """Returns the next trial for the tuner (or slot) that asks.

        A tuner with a trial under way gets that one again. A returned trial with the status
        `IDLE` or `STOPPED` is no trial, and is not recorded.
        """
        if tuner_id in self.ongoing_trials:
            return self.ongoing_trials[tuner_id]
        self.start()
        trial = self.trials[self._queue.popleft()] if self._queue else self._new_trial()
        if trial.status == TrialStatus.RUNNING:
            self.ongoing_trials[tuner_id] = trial
        return trial

    @synchronized
    def update_trial(self, trial_id: str, metrics: Mapping[str, Any], step: int = 0) -> str:
        """Reports intermediate metrics of a running trial.

        Args:
            trial_id: The trial.
            metrics: Values by metric name.
            step: Epoch, from 0.

        Returns:
            The trial's status; `STOPPED` asks the trial to end.
        """
        trial = self.trials[trial_id]
        trial.report(metrics, step, self.objective)
        return trial.status

    @synchronized
    def end_trial(self, trial: Trial) -> None:
        """Records how a trial ended, or puts it back into the queue to be tried again.

        Raises:
            RuntimeError: `max_consecutive_failed_trials` trials in a row have failed. The trial
                is recorded first.
        """
        if self._stopped:
            msg = "Expected a search that goes on."
            raise RuntimeError(f"{msg} Received: the end of trial {trial.trial_id} after `stop`.")
        self.start()
        if trial.status == TrialStatus.COMPLETED:
            self.score_trial(trial)
            if trial.score is None or not math.isfinite(trial.score):
                trial.status = TrialStatus.INVALID
                trial.message = f"The objective is not finite: {self.objective.name}={trial.score}."
        if trial.status == TrialStatus.INVALID and trial.retries < self.max_retries_per_trial:
            self._retry(trial, "invalid", trial.message)
            return
        if trial.status != TrialStatus.COMPLETED:
            trial.status, trial.score = TrialStatus.FAILED, None
        self._release(trial.trial_id)
        grown = self._grown_by(trial.hyperparameters)
        self._ledger.record(*grown, trial_ended(trial, self.history))
        self._check_consecutive_failures()

    @synchronized
    def tell(self, trial_id: str, state: Mapping[str, Any]) -> None:
        """Ends a trial that ran in another process.

        At once, so that nobody sees an outcome that is not recorded yet.

        Args:
            trial_id: The trial.
            state: What `Trial.get_state` gave there.
        """
        trial = self.trials[trial_id]
        trial.hyperparameters = HyperParameters.from_config(state["hyperparameters"])
        trial.set_outcome(state)
        self.end_trial(trial)

    @synchronized
    def lose_trial(self, trial_id: str, message: str) -> Trial:
        """Records that the process of a trial is gone.

        A result the process still left is taken over. Otherwise the trial is tried again, until
        it has been lost `MAX_LOSSES` times, which counts as a failure.
        """
        trial = self.trials[trial_id]
        state = self._ledger.read_result(trial_id)
        if state is not None:
            self.tell(trial_id, state)
        elif trial.losses + 1 < MAX_LOSSES:
            self._retry(trial, "lost", message)
        else:
            trial.status, trial.message = TrialStatus.FAILED, message
            self.end_trial(trial)
        return trial

    # The project.

    @synchronized
    def start(self) -> None:
        """Becomes the writer of the project, and takes in what happened meanwhile.

        Trials that an earlier process left running are ended with the result they left, or go
        back into the queue. Nothing happens when this process is the writer already.

        Raises:
            LeaseHeldError: Another process is searching on this project.
        """
        self._stopped = False
        if self._ledger.writing:
            return
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        info = ProjectInfo(self.objective.to_json(), self.seed, type(self).__name__)
        self.seed = self._ledger.open(info, self._new_history)
        started = SearchStarted(self._ledger.owner, time.time(), self.planned_trials)
        self._ledger.record(started, *space_grown(self._initial_space, self.history.space))
        for trial_id in list(self.history.running):
            state = self._ledger.read_result(trial_id)
            if state is None:
                self._queue.append(trial_id)
            else:
                self.tell(trial_id, state)

    @synchronized
    def stop(self, reason: str | None = None) -> None:
        """Gives the project back; with a reason the search is recorded as ended."""
        self._stopped = True
        self.ongoing_trials.clear()
        self._queue.clear()
        self._ledger.close(reason)

    def _set_project_dir(self, directory: object, project_name: str) -> None:
        self.attach(Project(directory, project_name))

    @synchronized
    def attach(self, project: Project) -> None:
        """Takes the history of a project; writes nothing.

        Raises:
            ValueError: The project has another objective.
        """
        info = project.info()
        if info is not None:
            info.check_objective(self.objective.to_json(), project.url)
            self.seed = info.seed
        history = self._new_history()
        history.replay(project.events() if info is not None else [])
        self._ledger = Ledger(history, project)

    # What the oracle knows; more of it in `HistoryViews`.

    @property
    def history(self) -> History:
        """Everything that has happened."""
        return self._ledger.history

    @property
    def hyperparameters(self) -> HyperParameters:
        """The space; before the search starts, with what only this process knows of it."""
        if self._ledger.writing:
            return self.history.space
        space = self.history.space.copy()
        space.merge(self._initial_space.space)
        return space

    @property
    def planned_trials(self) -> int | None:
        """Number of trials the search will have, None when nobody can say."""
        return self.max_trials

    def get_space(self) -> HyperParameters:
        """A copy of the space, with default values."""
        return self.hyperparameters.copy()

    @synchronized
    def update_space(self, hyperparameters: HyperParameters) -> None:
        """Adds the hyperparameters that are not in the space yet.

        Raises:
            RuntimeError: There are some, and `allow_new_entries` is False.
        """
        grown = self._grown_by(hyperparameters)
        if self._ledger.writing:
            self._ledger.record(*grown)
        elif grown:
            self._initial_space.merge(hyperparameters.space)  # not ours to write yet; `start` will

    def get_state(self) -> dict[str, Any]:
        """State beyond the history, as JSON; for subclasses that keep some."""
        return {}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Takes over what `get_state` gave."""

    # Helpers that subclasses written for Keras Tuner call.

    def _random_values(self) -> dict[str, Any] | None:
        """Random values that had no trial yet, None when there are none."""
        return self.history.untried(self._rng())

    def _check_consecutive_failures(self) -> None:
        limit = self.max_consecutive_failed_trials
        last = [self.trials[trial_id] for trial_id in self.end_order[-limit:]]
        if len(last) == limit and all(t.status == TrialStatus.FAILED for t in last):
            msg = f"Number of consecutive failures exceeded the limit of {limit}.\n"
            raise RuntimeError(msg + (last[-1].message or ""))

    # Our own.

    def _new_history(self, seed: int | None = None) -> History:
        return History(self.objective, self.seed if seed is None else seed)

    def _rng(self) -> np.random.Generator:
        """The generator of the next question: a function of position, so it needs no state."""
        return question_rng(self.seed, len(self.trials))

    def _new_trial(self) -> Trial:
        if self.max_trials is not None and len(self.trials) >= self.max_trials:
            return Trial(self.get_space(), trial_id="", status=TrialStatus.STOPPED)
        trial_id = f"{len(self.trials):04d}"
        answer = self.populate_space(trial_id)
        if answer["status"] != TrialStatus.RUNNING:
            return Trial(self.get_space(), "", answer["status"], answer.get("reason"))
        budget: Budget | None = answer.get("budget")
        created = TrialCreated(
            trial_id=trial_id,
            values=to_json(answer["values"]),
            time=time.time(),
            seed=trial_seed(self.seed, len(self.trials)),
            budget=budget.to_json() if budget else None,
        )
        self._ledger.record(created)
        return self.trials[trial_id]

    def _retry(self, trial: Trial, reason: str, message: str | None) -> None:
        self._ledger.record(TrialRetried(trial.trial_id, reason, message, time.time()))
        if self.requeues:
            self._release(trial.trial_id)
            self._queue.append(trial.trial_id)

    def _release(self, trial_id: str) -> None:
        for tuner_id, ongoing in list(self.ongoing_trials.items()):
            if ongoing.trial_id == trial_id:
                del self.ongoing_trials[tuner_id]

    def _grown_by(self, hyperparameters: HyperParameters) -> list[Event]:
        grown = space_grown(hyperparameters, self.hyperparameters)
        if grown and not self.allow_new_entries:
            refuse_new_entries(grown[0])
        return list(grown) if self.tune_new_entries else []
