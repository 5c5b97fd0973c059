"""One search: its history, the one writer of its journal, and who runs which trial."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from typing import Any

from tuner.core.declaration import Declaration
from tuner.core.hyperparameters import HyperParameters
from tuner.core.outcome import Outcome
from tuner.core.proposal import Decision, Done, Wait
from tuner.core.runtime import Clock
from tuner.core.text import kept_message
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.events import ObjectiveChanged, OracleChanged, SearchStarted, TrialRetried
from tuner.journal.executions import SavedProgress
from tuner.journal.folding import replay_entries
from tuner.journal.history import History
from tuner.journal.ledger import Ledger, trial_created, trial_ended
from tuner.journal.project import Project, ProjectInfo
from tuner.journal.reading import earlier_trials_read
from tuner.journal.rescoring import measured_by, objective_changed
from tuner.journal.retention import Retention
from tuner.oracles.asking import may_have_changed, next_proposal
from tuner.oracles.assignments import Assignments
from tuner.oracles.declared_space import DeclaredSpace
from tuner.oracles.limits import check_consecutive_failures
from tuner.oracles.program_trials import ProgramTrials
from tuner.oracles.settings import Settings, describe_changes, new_history
from tuner.oracles.stop_policy import Curves
from tuner.oracles.taking_over import Before, TakingOver
from tuner.oracles.writers import forget, in_place_of_idle

logger = logging.getLogger(__name__)

MAX_LOSSES = 3
"""How often a trial's process may die, having come no further, before the trial has failed."""


class Session:
    """Asks for trials, is told how they end, and records both.

    Thread-safe. Without a project all is kept in memory.

    Args:
        settings: The oracle's.
        propose: Answers what comes next, given the id the trial will have.
        space: The hyperparameters the user gave in advance.
        end: Ends a trial that has left its result; the oracle's, which subclasses extend.
        name: Of the oracle's class.
        clock: Tells the time.
    """

    def __init__(
        self,
        settings: Settings,
        propose: Callable[[str], Decision],
        space: HyperParameters,
        end: Callable[[Trial], None],
        name: str = "Oracle",
        clock: Clock = time,
    ) -> None:
        self.settings = settings
        self.lock = threading.RLock()
        self.assignments = Assignments()
        self.declared = DeclaredSpace(settings, space, lambda: self.ledger)
        """The space that the program declares; hold `together` where it is changed."""
        self.changed_settings = ""
        """Which arguments differ from those of the last start, for people."""
        self._propose = propose
        self._end = end
        self._name = name
        self._clock = clock
        self._deadline: float | None = None
        self._stopped = False
        self._searching = False
        self._depth = 0
        self._state_is_due = False
        """Whether an oracle that keeps state may have changed it."""
        self._before = Before()
        self._program_trials = ProgramTrials(settings, self.declared.grown_by, clock)
        self._curves: Curves | None = None
        self._progress = SavedProgress()
        self._retention = Retention(self.lock)
        self.ledger = Ledger(new_history(self.settings))
        self._program_trials.join(self.ledger, self.take_in)

    @property
    def history(self) -> History:
        """Everything that has happened."""
        return self.ledger.history

    @property
    def project(self) -> Project | None:
        return self.ledger.project

    @property
    def is_idle(self) -> bool:
        """Whether it is the writer of its project, and no search runs on it."""
        return self.ledger.writing and not self._searching

    # The project.

    def attach(self, project: Project) -> None:
        """Takes the history of a project; writes nothing."""
        with self.together():
            info = project.info()
            if info is None:
                self.ledger = Ledger(new_history(self.settings), project)
            else:
                self.ledger = Ledger.reading(new_history(self.settings, info), project)
                self.settings.adopt_seed(self.history.settings.get("seed", info.seed))
                self.settings.restore(self.history.oracle_state)
            self._program_trials.join(self.ledger, self.take_in)

    def refresh(self) -> None:
        """Takes in what has been added to the project."""
        with self.together():
            if self.project is not None and not self.ledger.writing:
                replay_entries(self.history, self.project.entries())
                self.settings.restore(self.history.oracle_state)

    def check_objective(self) -> None:
        """Raises ValueError where trials that have completed did not record the objective."""
        self._objective_changed()

    def start(self, *, searching: bool = False) -> None:
        """Becomes the writer of the project, and takes in what happened meanwhile.

        Trials that an earlier process left running are ended with the result they left, or go
        back into the queue. Nothing happens when this process is the writer already.

        Args:
            searching: Whether it stays the writer until `stop`. Otherwise another session of this
                process may become the writer in its place.

        Raises:
            LeaseHeldError: Another process is searching on this project.
            ValueError: Its trials did not record the objective; or a limit makes no sense for it.
        """
        with self.together():
            self.settings.limits.check_objective(self.settings.objective)
            self._stopped = False
            self._searching |= searching
            if self.ledger.writing:
                return
            timeout = self.settings.limits.timeout
            self._deadline = None if timeout is None else self._clock.monotonic() + timeout
            self.ledger.joining = self.settings.keeps_state
            self._state_is_due = True
            try:
                self._open()
                self._take_up()
            except BaseException:
                self.stop()
                raise

    def stop(self, reason: str | None = None) -> None:
        """Gives the project back; with a reason the search is recorded as ended."""
        with self.together():
            self._stopped = True
            self._searching = False
            self._deadline = None
            self.assignments.clear()
            try:
                if self.ledger.writing and self.ledger.joining:
                    self._state_is_due = True
                    self._commit()
            finally:
                self.ledger.close(reason)
                forget(self)

    # The life of a trial.

    def ask(self, slot: str) -> Trial | Wait | Done:
        """The next trial for a slot; the one that it has, if that is under way."""
        with self.together():
            ongoing = self.assignments.ongoing
            if slot in ongoing:
                return ongoing[slot]
            self.start()
            if self._deadline is not None and self._clock.monotonic() > self._deadline:
                return Done("the time is up")
            answer = self.ask_again(slot) or self._new_trial()
            if isinstance(answer, Trial):
                ongoing[slot] = answer
            elif isinstance(answer, Done) and not ongoing and not self._searching:
                self.stop(answer.reason)  # a loop of the program's own says no more
            return answer

    def ask_again(self, slot: str) -> Trial | None:
        """A trial that is due another try, for a slot; None when there is none."""
        with self.together():
            return self.assignments.next_again(slot, self.history.trials)

    def take_in(self, trial: Trial) -> None:
        """Takes in a trial that a program has made: one that is to run, or that ended elsewhere.

        An ended one with the values and the score of another is not taken in again, since a
        program that is run again puts in again what it knows.

        Raises:
            ValueError: It has completed without a score, or has ended and is changed now.
        """
        with self.together():
            self._program_trials.put(trial, self.ledger)

    def report(self, trial_id: str, epoch: int, logs: Mapping[str, Any]) -> str | None:
        """Takes in how far a running trial is; answers why it is to end early, if it is.

        Args:
            trial_id: The trial.
            epoch: Epoch, from 0.
            logs: Metrics of that epoch.
        """
        with self.together():
            if self._curves is None:
                return None
            return self._curves.report(self.history.trials[trial_id], epoch, logs, self.ledger)

    def judge_by(self, curves: Curves | None) -> None:
        """Has running trials judged from now on, None for none of them."""
        self._curves = curves

    def tell(self, trial: Trial) -> None:
        """Records how a trial ended, or puts it back into the queue to be tried again.

        Raises:
            RuntimeError: `max_consecutive_failed_trials` trials in a row have failed. The trial
                is recorded first. Or the search was stopped before.
        """
        with self.together():
            self.check_not_stopped(trial)
            self.start()
            if trial.trial_id not in self.history.trials:
                self._program_trials.record(trial, self.ledger, ended=False)
            again = trial.retries_lately < self.settings.max_retries_per_trial
            if trial.status == TrialStatus.INVALID and again:
                self.retry(trial, "invalid", trial.message)
                return
            if trial.status != TrialStatus.COMPLETED:
                trial.status, trial.score = TrialStatus.FAILED, None
            if trial.status == TrialStatus.COMPLETED and self.project and not trial.kept:
                # A loop of the program's own; another trial may go on from what it left.
                self.project.save_result(trial.trial_id, trial.get_state())
            self.assignments.release(trial.trial_id)
            grown = self.declared.grown_by(self.history.given.met_by(trial))
            ended = trial_ended(trial, self.history, self._clock.time())
            self.ledger.record(*grown, ended)
            if self.project is not None and trial.interruptions + trial.losses > 0:
                self.project.sweep_trial(trial.trial_id)  # by now its killed processes are gone
            check_consecutive_failures(self.history, self.settings.max_consecutive_failed_trials)

    def check_not_stopped(self, trial: Trial) -> None:
        """Raises RuntimeError where a trial ends after the search was stopped."""
        if self._stopped:
            msg = "Expected a search that goes on."
            raise RuntimeError(f"{msg} Received: the end of trial {trial.trial_id} after `stop`.")

    def lose(self, trial: Trial, message: str, outcome: Outcome, *, hopeless: bool) -> None:
        """Records that the process of a trial is gone; see `Oracle.lose_trial`."""
        with self.together():
            if not hopeless and self._progress.got_on(self.project, trial):
                self.retry(trial, "interrupted", message)
            elif not hopeless and trial.losses + 1 < MAX_LOSSES:
                self.retry(trial, "lost", message)
            else:
                trial.record = {}
                trial.fail(outcome, message)
                trial.status = TrialStatus.FAILED  # it has been tried often enough
                self._end(trial)

    def keep(self, trial: Trial, slot: str) -> bool:
        """Gives a trial that is due another try to the slot that ran it; whether it is due one."""
        with self.together():
            return self.assignments.keep(trial, slot)

    def retry(self, trial: Trial, reason: str, message: str | None) -> None:
        """Puts a trial into the queue to be tried again; see `TrialRetried` for the reasons."""
        if self._curves is not None:
            self._curves.forget(trial.trial_id)
        kept = None if message is None else kept_message(message)
        self.ledger.record(TrialRetried(trial.trial_id, reason, kept, self._clock.time()))
        if reason == "invalid":  # for those who hold it, until it begins again
            trial.status, trial.message = TrialStatus.INVALID, kept
        self.assignments.put_back(trial.trial_id)

    # The study, as it is now.

    def declare(self, declaration: Declaration | None) -> list[str]:
        """Takes over what the study declares at the start of a search.

        Args:
            declaration: What it declares; None if it was not asked.

        Returns:
            What has changed, and what that does, one line each.
        """
        with self.together():
            queue, now = self.assignments.queue, self._clock.time()
            taking = TakingOver(self.ledger, self.settings, queue, self._before, now)
            return taking.take(declaration)

    @property
    def may_have_changed(self) -> bool:
        """Whether the study is to be asked what it declares; see `may_have_changed`."""
        return may_have_changed(self.settings, self.history, self._before.study)

    def commit(self) -> None:
        """Writes what a subclass has changed; all else is written when it happens."""
        with self.together():
            self._state_is_due = True

    @contextmanager
    def together(self) -> Iterator[None]:
        """Holds the lock; what happens inside, and a subclass's state after it, is one entry."""
        with self.lock:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                outermost = self._depth == 0
                if outermost and self.ledger.writing and self.ledger.joining:
                    self._commit()
        kept = self.settings.checkpoints_kept
        if outermost and kept is not None:  # outside of the lock, since it takes time
            self._retention.enforce(self.ledger, kept, self.settings.weights_needed)

    # How it is done.

    def _open(self) -> None:
        settings = self.settings
        info = ProjectInfo(settings.objective.to_json(), settings.seed, self._name)
        stored = in_place_of_idle(
            self, lambda: self.ledger.open(info, partial(new_history, settings))
        )
        settings.adopt_seed(self.history.settings.get("seed", stored))
        arguments = settings.arguments()
        self.changed_settings = describe_changes(self.history.settings, arguments)
        if self.changed_settings:
            logger.info("Going on with %s", self.changed_settings)
        changed = self._objective_changed()
        earlier = earlier_trials_read(settings.warm_start_from, self.history, settings.objective)
        now, total = self._clock.time(), settings.planned_trials
        self._before = Before.of(self.history)
        started = SearchStarted(self.ledger.owner, now, total, arguments, settings.study)
        self.ledger.record(started, *changed, *earlier)
        self.declared.record()
        settings.restore(self.history.oracle_state)

    def _take_up(self) -> None:
        self._program_trials.join(self.ledger, self.take_in)
        self.declared.record_wanted()
        for trial in list(self.history.running.values()):
            if self.project is not None:
                self.project.sweep_trial(trial.trial_id)
            if not self._take_result(trial):
                self.assignments.put_back(trial.trial_id)

    def _take_result(self, trial: Trial) -> bool:
        """Ends a trial as its process has left it, if it has left that."""
        state = self.ledger.read_result(trial.trial_id)
        if state is None:
            return False
        trial.take_result(state)
        if self.history.rescored and not measured_by(trial, self.settings.objective):
            self.ledger.forget_result(trial.trial_id)
            return False
        self._end(trial)
        return True

    def _objective_changed(self) -> list[ObjectiveChanged]:
        objective, set_score = self.settings.objective, self.settings.set_score
        return objective_changed(self.history, objective, self.project, set_score)

    def _new_trial(self) -> Trial | Wait | Done:
        self._state_is_due = True
        answer = next_proposal(self.settings, self.history, self._propose)
        if isinstance(answer, Wait | Done):
            return answer
        proposal, enqueued = answer
        values, budget, seed = proposal.values, proposal.budget, self.settings.seed
        now = self._clock.time()
        created = trial_created(self.history, values, budget, seed, now, enqueued=enqueued)
        self.ledger.record(created)
        return self.history.trials[created.trial_id]

    def _commit(self) -> None:
        if self._state_is_due or self.settings.learns_when_told:
            self._state_is_due = False
            state = self.settings.own_state()
            if state != self.history.oracle_state:
                self.ledger.record(OracleChanged(state))
        self.ledger.commit()
