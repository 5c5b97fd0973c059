"""The oracle: it says which trial comes next, and is told how each one ended."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import fields, replace
from typing import Any, Self, Unpack

from tuner.core.hyperparameters import HyperParameters
from tuner.core.objective import create_constraints, create_objective
from tuner.core.outcome import Outcome
from tuner.core.proposal import Wait
from tuner.core.stateful import Stateful
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.history import History
from tuner.journal.project import Project
from tuner.oracles.limits import Limits
from tuner.oracles.printing import Display
from tuner.oracles.session import MAX_LOSSES, Session
from tuner.oracles.settings import OracleOptions, arguments_of, initial_space, limits_among, urls
from tuner.oracles.stop_policy import Curves, StopPolicy
from tuner.oracles.subclassing import OracleSubclassing
from tuner.oracles.synchronized import synchronized

__all__ = ["MAX_LOSSES", "Oracle", "synchronized"]


class Oracle(OracleSubclassing, Stateful):
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
        **options: `target`: score that is good enough; the search ends once a trial has it.
            `patience`: the search ends when so many trials in a row ended without a better score.
            `max_total_epochs`: epochs that all trials may train together.
            `max_device_hours`: hours that trials may train, summed over slots.
            `until`: `"settled"` ends the search once a model expects hardly any improvement.
            `constraints`: triples like `("model_size", "<=", 1e6)`: a metric of the trial, `"<="`
            or `">="`, and a bound. A trial that violates one is none of the best. `"model_size"`,
            the number of trainable parameters, is known of every Keras model.
            `warm_start_from`: paths or URLs of projects that have recorded the objective, whose
            trials are learnt from. Their spaces need only overlap: what one lacks has its default.
    """

    interrupted = False
    """Whether the search is stopping; in one process it stops with its trial."""

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
        **options: Unpack[OracleOptions],
    ) -> None:
        self.objective = create_objective(objective)
        self.constraints = [list(each) for each in options.get("constraints") or ()]
        self.warm_start_from = urls(options.get("warm_start_from"))
        self.limits = limits_among(options)
        """What ends the search before its trials are used up; each is an attribute too."""
        create_constraints(self.constraints)  # refuses what makes no sense
        self.max_trials = max_trials
        self.allow_new_entries = allow_new_entries
        self.tune_new_entries = tune_new_entries
        self.max_retries_per_trial = max_retries_per_trial
        self.max_consecutive_failed_trials = max_consecutive_failed_trials
        self.seed = secrets.randbelow(2**31) if seed is None else seed
        self.tuner_ids: set[str] = set()
        self.study: str | None = None
        """Digest of the study's code; None if unknown."""
        self.data_version: str | None = None
        """Of the data that trials train on; None if not given."""
        self.stale: str | None = None
        """What becomes of trials on other data, one of `counting.STALE`; None: as before."""
        self.retry_failed = False
        """Whether the next search tries all trials again that have failed."""
        self.checkpoints_kept: int | None = None
        """Number of the best trials that keep their weights; None for all."""
        self._seed_given = seed is not None
        self._seed_state = self.seed
        self._display = Display(self)
        space = initial_space(
            hyperparameters,
            allow_new_entries=allow_new_entries,
            tune_new_entries=tune_new_entries,
        )
        end = functools.partial(_end_trial_of, self)
        self.session = Session(self, self._ask, space, end, type(self).__name__)

    @property
    def verbose(self) -> int:
        """How much a search shows: 0 is nothing."""
        return self._display.verbose

    @verbose.setter
    def verbose(self, value: int | str) -> None:
        self._display.verbose = 1 if isinstance(value, str) else value

    # The project.

    def start(self, *, searching: bool = False) -> None:
        """Becomes the writer of the project, and takes in what happened meanwhile.

        Trials that an earlier process left running are ended with the result they left, or go
        back into the queue. Nothing happens when this process is the writer already.

        Args:
            searching: Whether it stays the writer until `stop`. Otherwise another oracle of this
                process may become the writer in its place.

        Raises:
            LeaseHeldError: Another process is searching on this project.
        """
        self.session.start(searching=searching)

    def stop(self, reason: str | None = None) -> None:
        """Gives the project back; with a reason the search is recorded as ended."""
        self.session.stop(reason)

    def attach(self, project: Project) -> None:
        """Takes the history of a project; writes nothing."""
        self.session.attach(project)

    def together(self) -> AbstractContextManager[None]:
        """Holds the lock; what happens inside, and a subclass's state after it, is one entry."""
        return self.session.together()

    # The life of a trial.

    @synchronized
    def create_trial(self, tuner_id: str) -> Trial:
        """Returns the next trial for the tuner (or slot) that asks.

        A tuner with a trial under way gets that one again. A returned trial with the status
        `IDLE` or `STOPPED` is no trial, and is not recorded.
        """
        self.tuner_ids.add(tuner_id)
        answer = self.session.ask(tuner_id)
        if isinstance(answer, Trial):
            self._display.on_trial_begin(answer)
            return answer
        if isinstance(answer, Wait):
            return Trial(self.get_space(), "", TrialStatus.IDLE)
        self.tuner_ids.clear()
        return Trial(self.get_space(), "", TrialStatus.STOPPED, answer.reason)

    @synchronized
    def update_trial(self, trial_id: str, metrics: Mapping[str, Any], step: int = 0) -> Trial:
        """Reports intermediate metrics of a running trial.

        Args:
            trial_id: The trial.
            metrics: Values by metric name.
            step: Epoch, from 0.

        Returns:
            The trial; its status `STOPPED` asks it to end.

        Raises:
            ValueError: The objective is not among the metrics.
        """
        trial = self._trial_known_as(trial_id)
        self._check_objective_found(metrics)
        trial.report(metrics, step, self.objective)
        if self.report_epoch(trial_id, step, metrics) is not None:
            trial.status = TrialStatus.STOPPED
        return trial

    def report_epoch(self, trial_id: str, epoch: int, logs: Mapping[str, Any]) -> str | None:
        """Takes in how far a running trial is.

        Args:
            trial_id: The trial.
            epoch: Epoch, from 0.
            logs: Metrics of that epoch.

        Returns:
            Why the trial is to end early, None when it goes on.
        """
        return self.session.report(trial_id, epoch, logs)

    def check_not_interrupted(self) -> None:
        """Does nothing: a search in one process is interrupted with its trial."""

    def judge_by(self, policy: StopPolicy | None) -> None:
        """Has running trials judged from now on, None for none of them."""
        self.session.judge_by(None if policy is None else Curves(policy, self.objective))

    @synchronized
    def end_trial(self, trial: Trial) -> None:
        """Records how a trial ended, or puts it back into the queue to be tried again.

        Raises:
            RuntimeError: `max_consecutive_failed_trials` trials in a row have failed. The trial
                is recorded first.
        """
        self.session.check_not_stopped(trial)
        trial = self._as_known(trial)
        if trial.status == TrialStatus.COMPLETED:
            self.set_score(trial)
            trial.check_score(self.objective.name, trial.score)
        try:
            self.session.tell(trial)
        finally:
            self._display.on_trial_end(trial)

    @synchronized
    def tell(self, trial_id: str, state: Mapping[str, Any]) -> None:
        """Ends a trial that ran in another process.

        At once, so that no outcome is seen before it is recorded.

        Args:
            trial_id: The trial.
            state: What `Trial.get_state` gave there.
        """
        trial = self.trials[trial_id]
        trial.take_result(state)
        self.end_trial(trial)

    @synchronized
    def lose_trial(
        self,
        trial_id: str,
        message: str,
        outcome: Outcome = Outcome.LOST,
        *,
        hopeless: bool = False,
    ) -> Trial:
        """Records that the process of a trial is gone.

        A result the process still left is taken over. Otherwise the trial is tried again, until
        it has been lost `MAX_LOSSES` times without getting on, which counts as a failure.

        Args:
            trial_id: The trial.
            message: What happened.
            outcome: Its name.
            hopeless: The same would happen again: the trial has failed, and is no failure of the
                search.
        """
        trial = self.trials[trial_id]
        state = self.session.ledger.read_result(trial_id)
        if state is not None:
            self.tell(trial_id, state)
        else:
            self.session.lose(trial, message, outcome, hopeless=hopeless)
        return trial

    # The space.

    @synchronized
    def update_space(self, hyperparameters: HyperParameters) -> None:
        """Adds the hyperparameters that are not in the space yet.

        Raises:
            RuntimeError: There are some, and `allow_new_entries` is False.
        """
        self.session.declared.grow(hyperparameters)

    @synchronized
    def enqueue(self, values: Mapping[str, Any]) -> None:
        """Asks for a trial of these values before any of the oracle's own.

        Values that were asked for before, or have had a trial, are not tried again.

        Args:
            values: By hyperparameter; the others take their defaults.

        Raises:
            ValueError: There is no such hyperparameter, or it cannot have that value.
        """
        self.session.declared.enqueue(values)

    # What the oracle knows.

    @property
    def search_history(self) -> History:
        """Everything that has happened."""
        return self.session.history

    @property
    def planned_trials(self) -> int | None:
        """Number of trials the search will have, None if unknown."""
        return self.max_trials

    def weights_needed(self) -> set[str]:
        """Ids of ended trials whose weights a running or a later trial goes on from.

        A subclass that lets trials go on from others (`tuner/trial_id` among the values of a
        trial) adds those that it may still choose.
        """
        running = self.search_history.running.values()
        parents = (trial.hyperparameters.values.get("tuner/trial_id") for trial in running)
        return {parent for parent in parents if parent is not None}

    def adopt_seed(self, seed: int) -> None:
        """Takes the project's seed, unless the caller gave one."""
        if not self._seed_given:
            self.seed = self._seed_state = seed

    def arguments(self) -> dict[str, Any]:
        """The arguments that are plain values, JSON."""
        return arguments_of(self)

    def take_in(self, trial: Trial) -> None:
        """Records a trial that a subclass's `create_trial` has made and not put into `trials`."""
        if trial.trial_id not in self.trials:
            self.session.take_in(trial)

    def next_trial(self, slot: str) -> Trial:
        """As `create_trial`, but for trials that are due another try, which come first.

        A subclass that makes its trials itself does not know of those.
        """
        return self.session.ask_again(slot) or self.create_trial(slot)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Itself: what is copied is a callback that holds it, not the search."""
        return self

    def save(self) -> None:  # type: ignore[override]  # Keras Tuner's takes no file
        """Writes what a subclass has changed; all else is written when it happens."""
        self.session.commit()

    def reload(self) -> None:  # type: ignore[override]  # Keras Tuner's takes no file
        """Takes in what has been added to the project."""
        self.session.refresh()


def _end_trial_of(oracle: Oracle, trial: Trial) -> None:
    oracle.end_trial(trial)  # looked up late: a subclass's, or what a test has put in its place


def _limit(name: str) -> property:
    """An attribute of an oracle that is one of its limits."""

    def read(self: Oracle) -> Any:
        return getattr(self.limits, name)

    def write(self: Oracle, value: Any) -> None:
        self.limits = replace(self.limits, **{name: value})

    return property(read, write)


for _field in fields(Limits):
    setattr(Oracle, _field.name, _limit(_field.name))
