"""The oracle: it says which trial comes next, and is told how each one ended."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from pathlib import PurePath
from typing import Any

from tuner.budget import Budget
from tuner.hyperparameters import HyperParameters
from tuner.jsonable import to_json
from tuner.objective import create_objective
from tuner.search.stop_policy import Curves, StopPolicy
from tuner.search.stopping import StoppingRules, check_consecutive_failures
from tuner.seeds import trial_seed
from tuner.state.entries import complete_values
from tuner.state.events import TrialCreated, TrialRetried
from tuner.state.journaled_oracle import JournaledOracle
from tuner.state.ledger import trial_ended
from tuner.state.synchronizing import synchronized
from tuner.state.trials_by_id import trial_id_of
from tuner.training.attempts import Attempts
from tuner.trial import Trial, TrialStatus

__all__ = ["MAX_LOSSES", "Oracle", "synchronized"]

MAX_LOSSES = 3
"""How often a trial's process may die, having come no further, before the trial has failed."""


class Oracle(JournaledOracle):
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
        target: Score that is good enough: the search ends once a trial has it.
        patience: The search ends when so many trials in a row ended without a better score.
        max_total_epochs: Epochs that all trials may train together.
        max_device_hours: Hours that trials may train, summed over slots.
        constraints: Triples like `("model_size", "<=", 1e6)`: a metric of the trial, `"<="` or
            `">="`, and a bound. A trial that violates one is none of the best. `"model_size"`,
            the number of trainable parameters, is known of every Keras model.
        warm_start_from: Paths or URLs of projects with the same objective, whose trials are
            learnt from. Their spaces need only overlap: what one lacks has its default.
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
        *,
        target: float | None = None,
        patience: int | None = None,
        max_total_epochs: int | None = None,
        max_device_hours: float | None = None,
        constraints: Sequence[Sequence[Any]] | None = None,
        warm_start_from: Sequence[str] | str | None = None,
    ) -> None:
        self.objective = create_objective(objective)
        self.target = target
        self.patience = patience
        self.max_total_epochs = max_total_epochs
        self.max_device_hours = max_device_hours
        self.constraints = [list(constraint) for constraint in constraints or ()]
        alone = isinstance(warm_start_from, str | PurePath)
        self.warm_start_from = [
            str(url) for url in ([warm_start_from] if alone else warm_start_from or ())
        ]
        self.max_trials = max_trials
        self.allow_new_entries = allow_new_entries
        self.tune_new_entries = tune_new_entries
        self.max_retries_per_trial = max_retries_per_trial
        self.max_consecutive_failed_trials = max_consecutive_failed_trials
        self.requeues = True
        """Whether a trial that is due another try is handed to whoever asks next; otherwise it
        stays with whoever ran it."""
        self._verbose = 1
        self._attempts = Attempts()
        self._curves: Curves | None = None
        self._stopping_rules()  # refuses what makes no sense
        super().__init__(hyperparameters, seed)

    @property
    def verbose(self) -> int:
        """How much a search shows: 0 is nothing."""
        return self._verbose

    @verbose.setter
    def verbose(self, value: int | str) -> None:
        self._verbose = 1 if isinstance(value, str) else value

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
        self.tuner_ids.add(tuner_id)
        if self.deadline is not None and time.monotonic() > self.deadline:
            return self._no_trial(TrialStatus.STOPPED, "the time is up")
        trial = self.trials[self._retry_queue.popleft()] if self._retry_queue else self._new_trial()
        if trial.status == TrialStatus.RUNNING:
            self.ongoing_trials[tuner_id] = trial
        return trial

    @synchronized
    def update_trial(self, trial_id: str, metrics: Mapping[str, Any], step: int = 0) -> Trial:
        """Reports intermediate metrics of a running trial.

        Args:
            trial_id: The trial.
            metrics: Values by metric name.
            step: Epoch, from 0.

        Returns:
            The trial; its status `STOPPED` asks it to end.
        """
        trial = self.trials[trial_id]
        trial.report(metrics, step, self.objective)
        if self.report_epoch(trial_id, step, metrics) is not None:
            trial.status = TrialStatus.STOPPED
        return trial

    @synchronized
    def report_epoch(self, trial_id: str, epoch: int, logs: Mapping[str, Any]) -> str | None:
        """Takes in how far a running trial is.

        Args:
            trial_id: The trial.
            epoch: Epoch, from 0.
            logs: Metrics of that epoch.

        Returns:
            Why the trial is to end early, None when it goes on.
        """
        curves = self._curves
        if curves is None:
            return None
        if not curves.recalled:
            curves.recall(self._project, self.search_history)
        return curves.judge(self.trials[trial_id]) if curves.add(trial_id, epoch, logs) else None

    interrupted = False
    """Whether the search is stopping; in one process it stops with its trial."""

    def check_not_interrupted(self) -> None:
        """Does nothing: a search in one process is interrupted with its trial."""

    def judge_by(self, policy: StopPolicy | None) -> None:
        """Has running trials judged from now on, None for none of them."""
        self._curves = None if policy is None else Curves(policy, self.objective)

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
            self._set_score(trial)
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
        self._ledger.record(*grown, trial_ended(trial, self.search_history))
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
    def lose_trial(
        self, trial_id: str, message: str, outcome: str = "lost", *, hopeless: bool = False
    ) -> Trial:
        """Records that the process of a trial is gone.

        A result the process still left is taken over. Otherwise the trial is tried again, until
        it has been lost `MAX_LOSSES` times without getting on, which counts as a failure.

        Args:
            trial_id: The trial.
            message: What happened.
            outcome: Its name, for the trial's record.
            hopeless: The same would happen again: the trial has failed, and is no failure of the
                search.
        """
        trial = self.trials[trial_id]
        state = self._ledger.read_result(trial_id)
        if state is not None:
            self.tell(trial_id, state)
        elif not hopeless and self._attempts.got_on(self._project, trial):
            self._retry(trial, "interrupted", message)
        elif not hopeless and trial.losses + 1 < MAX_LOSSES:
            self._retry(trial, "lost", message)
        else:
            trial.status, trial.message = TrialStatus.FAILED, message
            trial.record = {"outcome": outcome, **({"infeasible": True} if hopeless else {})}
            self.end_trial(trial)
        return trial

    # Our own.

    def _check_consecutive_failures(self) -> None:
        check_consecutive_failures(self.search_history, self.max_consecutive_failed_trials)

    def _new_trial(self) -> Trial:
        if self.max_trials is not None and len(self.trials) >= self.max_trials:
            return self._no_trial(TrialStatus.STOPPED)
        rules = self._stopping_rules()
        enough = rules.reason_to_stop(self.search_history)
        if enough is not None:
            return self._no_trial(TrialStatus.STOPPED, enough)
        enqueued = bool(self.search_history.enqueued)
        if not enqueued or self.grants_budgets:
            answer = self._ask(trial_id_of(len(self.trials)))
        else:
            answer = {"status": TrialStatus.RUNNING}
        if answer["status"] != TrialStatus.RUNNING:
            return self._no_trial(answer["status"], answer.get("reason"))
        budget: Budget | None = answer.get("budget")
        if budget is not None:
            epochs = budget.epochs - budget.initial_epoch
            enough = rules.reason_to_stop(self.search_history, epochs)
            if enough is not None:
                return self._no_trial(TrialStatus.STOPPED, enough)
        enqueued = enqueued and (budget is None or budget.parent is None)
        if enqueued:
            answer["values"] = complete_values(
                self.search_history.space, self.search_history.enqueued[0]
            )
        return self._create(answer.get("values") or {}, budget, enqueued=enqueued)

    def _create(self, values: Mapping[str, Any], budget: Budget | None, *, enqueued: bool) -> Trial:
        number = len(self.trials)
        created = TrialCreated(
            trial_id=trial_id_of(number),
            values=to_json(values),
            time=time.time(),
            seed=trial_seed(self.seed, number),
            budget=budget.to_json() if budget else None,
            enqueued=enqueued,
        )
        self._ledger.record(created)
        return self.trials[created.trial_id]

    def _stopping_rules(self) -> StoppingRules:
        return StoppingRules(
            self.target, self.patience, self.max_total_epochs, self.max_device_hours
        )

    def _no_trial(self, status: str, reason: str | None = None) -> Trial:
        if status == TrialStatus.STOPPED:
            self.tuner_ids.clear()
        return Trial(self.get_space(), "", status, reason)

    def _retry(self, trial: Trial, reason: str, message: str | None) -> None:
        if self._curves is not None:
            self._curves.forget(trial.trial_id)
        self._ledger.record(TrialRetried(trial.trial_id, reason, message, time.time()))
        if self.requeues:
            self._release(trial.trial_id)
            self._retry_queue.append(trial.trial_id)

    def _release(self, trial_id: str) -> None:
        for tuner_id, ongoing in list(self.ongoing_trials.items()):
            if ongoing.trial_id == trial_id:
                del self.ongoing_trials[tuner_id]
