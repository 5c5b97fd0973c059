"""Runs one trial in a slot and tells the oracle. Knows nothing of Prefect."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from storage import StorageError
from tasks.outcomes import ChildLostError
from tasks.slots import Message, Slots
from tuner import errors
from tuner.hyperparameters import HyperParameters
from tuner.oracle import Oracle
from tuner.search.display import Display
from tuner.state.project import Project
from tuner.trial import Trial, TrialStatus

logger = logging.getLogger(__name__)

LOG_LINES = 20_000
"""Lines kept of what one trial prints; the last ones, since the end tells what went wrong."""


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

    def abort(self, error: Exception) -> None:
        """Ends the search with this error; the first one stays."""
        with self._lock:
            self.error = self.error or error

    def discover_space(self, emit: Callable[[str], None]) -> None:
        """Has a child build the model until every hyperparameter is known."""
        with self.slots.lease() as slot:
            answer = slot.ask({"do": "discover"}, _ignore, emit)
        if answer["kind"] == "fatal":
            raise _error_of(answer)
        self.oracle.update_space(HyperParameters.from_config(answer["space"]))

    def run(self, trial_id: str, emit: Callable[[str], None]) -> Trial:
        """Runs a trial once and tells the oracle.

        Args:
            trial_id: A running trial.
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
        printed: list[str] = []

        def keep(line: str) -> None:
            printed.append(line)
            emit(line)

        with self.slots.lease() as slot:
            self.display.trial_began(trial)
            try:
                request = {"do": "run", "trial": trial.get_state()}
                answer = slot.ask(request, lambda m: self._heed(trial, m), keep)
            except ChildLostError as error:
                keep(str(error))
                outcome, hopeless = error.outcome, error.hopeless
                self.oracle.lose_trial(trial_id, str(error), outcome, hopeless=hopeless)
            else:
                self._tell(trial, answer)
            finally:
                self._save_log(trial_id, printed)
        self.display.trial_ended(trial)
        return trial

    def _heed(self, trial: Trial, message: Message) -> str | None:
        """Takes in what a running trial tells; why it is to end early, None when it goes on."""
        trial_id = trial.trial_id
        if message["kind"] == "epoch":
            self.display.epoch_ended(trial, message["epoch"], message["logs"])
            return self.oracle.report_epoch(trial_id, message["epoch"], message["logs"])
        told = self.oracle.update_trial(trial_id, message["metrics"], step=message["step"])
        return "the oracle said so" if told.status == TrialStatus.STOPPED else None

    def _tell(self, trial: Trial, answer: Message) -> None:
        if answer["kind"] == "fatal":
            raise _error_of(answer)
        self.oracle.tell(trial.trial_id, answer["trial"])

    def _save_log(self, trial_id: str, printed: list[str]) -> None:
        text = "\n".join([*printed[-LOG_LINES:], ""])
        try:
            self.project.store.replace(self.project.paths.trial(trial_id).log, text.encode())
        except StorageError as error:
            logger.warning("The log of trial %s could not be kept: %s", trial_id, error)


def wants_another_try(trial: Trial) -> bool:
    """Whether the oracle put the trial back into its queue."""
    return trial.status == TrialStatus.RUNNING


def _error_of(answer: Message) -> Exception:
    """The error a child tells of; a `FatalError` stays one, since scripts catch it."""
    kind: type[Exception] = getattr(errors, answer.get("error") or "", StudyError)
    return kind(answer["message"])


def _ignore(message: Message) -> None:
    del message
