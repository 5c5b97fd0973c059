"""Runs one trial in a slot and tells the oracle. Knows nothing of Prefect."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from storage import StorageError
from tasks.messages import Declared, Discover, Ended, EpochReport, Fatal, Report, Run
from tasks.process.output import Budget, Forwarding, LastLines
from tasks.slots import ChildLostError, SlotAnswer, Slots
from tuner import errors
from tuner.core.declaration import Declaration
from tuner.core.hyperparameters import HyperParameters
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.project import Project
from tuner.oracles.oracle import Oracle
from tuner.search.progress import Display

logger = logging.getLogger(__name__)


class StudyError(RuntimeError):
    """The study's own code cannot work, so no trial can."""


class TrialRunner:
    """Runs trials in slots.

    Args:
        oracle: Is told how trials end.
        project: Keeps what trials print.
        slots: Where trials run.
        display: Is told what goes on.
    """

    def __init__(self, oracle: Oracle, project: Project, slots: Slots, display: Display) -> None:
        self.oracle = oracle
        self.project = project
        self.slots = slots
        self.display = display
        self.error: Exception | None = None
        """What ends the search."""
        self._lock = threading.Lock()
        self._budget = Budget()

    def abort(self, error: Exception) -> None:
        """Ends the search with this error; the first one stays."""
        with self._lock:
            self.error = self.error or error

    def ask_study(self, emit: Callable[[str], None]) -> Declaration:
        """Has a child build the model until every hyperparameter is known; what is declared."""
        with self.slots.lease() as slot:
            forwarding = Forwarding(emit, self._budget)
            answer = slot.ask(Discover(), _ignore, forwarding.line)
            forwarding.end()
        match answer:
            case Fatal():
                raise _error_of(answer)
            case Declared(space, training, version):
                return Declaration(HyperParameters.from_config(space), training, version)
            case Ended():
                raise RuntimeError("Expected what the study declares. Received: a trial's end.")

    def run(self, trial_id: str, slot_name: str, emit: Callable[[str], None]) -> Trial:
        """Runs a trial once and tells the oracle.

        Args:
            trial_id: A running trial.
            slot_name: The slot that has the trial, as the oracle knows it.
            emit: Gets each line the trial prints.

        Returns:
            The trial; still `RUNNING` when the oracle wants it tried again.

        Raises:
            StudyError: The study's own code failed outside of the trial.
            FatalError: It says that no trial can work.
            SearchStoppedError: The search was stopped meanwhile.
            RuntimeError: Too many trials in a row have failed.
        """
        trial = self.oracle.get_trial(trial_id)
        printed, forwarding = LastLines(), Forwarding(emit, self._budget)

        def keep(line: str) -> None:
            printed.add(line)
            forwarding.line(line)

        with self.slots.lease() as slot:
            self.display.trial_began(trial)
            try:
                request = Run(trial.get_state())
                answer = slot.ask(request, lambda report: self._take_in(trial, report), keep)
            except ChildLostError as error:
                keep(str(error))
                outcome, hopeless = error.outcome, error.hopeless
                with self._keeping(trial, slot_name):
                    self.oracle.lose_trial(trial_id, str(error), outcome, hopeless=hopeless)
            else:
                with self._keeping(trial, slot_name):
                    self._tell(trial, answer)
            finally:
                forwarding.end()
                self._save_log(trial_id, printed)
        self.display.trial_ended(trial)
        return trial

    def _take_in(self, trial: Trial, report: Report) -> str | None:
        """Takes in what a running trial tells; why it is to end early, None when it goes on."""
        if isinstance(report, EpochReport):
            self.display.epoch_ended(trial, report.epoch, report.logs)
            return self.oracle.report_epoch(trial.trial_id, report.epoch, report.logs)
        told = self.oracle.update_trial(trial.trial_id, report.metrics, step=report.step)
        return "the oracle said so" if told.status == TrialStatus.STOPPED else None

    @contextmanager
    def _keeping(self, trial: Trial, slot_name: str) -> Iterator[None]:
        """A trial that is due another try stays with this slot: it is tried again as one task."""
        with self.oracle.together():
            yield
            self.oracle.session.keep(trial, slot_name)

    def _tell(self, trial: Trial, answer: SlotAnswer) -> None:
        match answer:
            case Fatal():
                raise _error_of(answer)
            case Ended(state):
                self.oracle.tell(trial.trial_id, state)

    def _save_log(self, trial_id: str, printed: LastLines) -> None:
        data = printed.text().encode("utf-8", "replace")
        try:
            self.project.store.replace(self.project.paths.trial(trial_id).log, data)
        except StorageError as error:
            logger.warning("The log of trial %s could not be kept: %s", trial_id, error)


def wants_another_try(trial: Trial) -> bool:
    """Whether the trial is due another try."""
    return trial.status == TrialStatus.RUNNING


def _error_of(answer: Fatal) -> Exception:
    """The error a child tells of; a `FatalError` stays one, since scripts catch it."""
    kind: type[Exception] = getattr(errors, answer.error or "", StudyError)
    return kind(answer.message)


def _ignore(report: Report) -> None:
    del report
