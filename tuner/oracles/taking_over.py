"""Takes over into a search what its study declares now, and says what that does."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from tuner.core.declaration import Declaration
from tuner.core.hyperparameters import HyperParameter, HyperParameters
from tuner.core.objective import Objective
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.events import TrialReopened
from tuner.journal.history import History
from tuner.journal.ledger import Ledger, space_grown, trial_ended
from tuner.journal.project import Project
from tuner.journal.reading import read_history
from tuner.oracles.changes import (
    ASKED_FOR,
    data_lines,
    objective_lines,
    reopened,
    reopened_lines,
    reopened_stale,
    space_changed,
    space_lines,
    study_declared,
    training_lines,
    trials_lines,
    withdrawn,
)
from tuner.oracles.settings import Settings


@dataclass(frozen=True, slots=True)
class Before:
    """A search as it was when it ended last."""

    space: Sequence[HyperParameter] = ()
    study: str | None = None
    """Digest of the study's code."""
    objective: Objective | None = None
    max_trials: int | None = None
    """As the oracle was told."""
    running: int = 0
    """How many trials were to run again."""

    @classmethod
    def of(cls, history: History) -> Self:
        """A search as it is now."""
        return cls(
            list(history.space.space),
            history.study,
            history.objective,
            history.settings.get("max_trials"),
            len(history.running),
        )


@dataclass(frozen=True, slots=True)
class TakingOver:
    """The changes of a study at the start of a search.

    Args:
        ledger: Of the search; this process writes it.
        settings: The oracle's.
        queue: Ids of the trials that are to run again.
        before: The search as it ended last.
        now: Unix time.
    """

    ledger: Ledger
    settings: Settings
    queue: deque[str]
    before: Before
    now: float

    @property
    def history(self) -> History:
        return self.ledger.history

    def take(self, declaration: Declaration | None) -> list[str]:
        """Takes over what the study declares, if it was asked; what that does, for people."""
        before, study = self.before, list[str]()
        if declaration is not None:
            self.change_space(declaration.space)
            study = self.change_study(declaration)
        return [
            *objective_lines(before.objective, before.running, self.history),
            *self.withdraw(),
            *study,
            *self.reopen_failed(),
            *trials_lines(before.max_trials, self.history),
        ]

    def change_study(self, declaration: Declaration) -> list[str]:
        """Takes over how long trials train, and which data they train on."""
        history = self.history
        training, counting = history.training, history.counting
        told = study_declared(history, declaration, self.settings.stale)
        known = (training, counting.data_version, counting.stale)
        if (told.training, told.data_version, told.stale) == known:
            return []
        if told.stale == "retry" and self.settings.grants_budgets:
            msg = "Expected stale='keep' or 'ignore' where trials go on from each other."
            raise ValueError(f"{msg} Received: stale='retry'.")
        version = counting.data_version
        self.ledger.record(told)
        again = reopened_stale(history, self.now) if told.stale == "retry" else []
        lines = [*training_lines(training, history), *data_lines(version, history)]
        for event in again:
            self.reopen(event)
        return [*lines, *reopened_lines(again)]

    def change_space(self, declared: HyperParameters) -> None:
        """Has the search go on in the space that is declared now."""
        if not self.history.trials:
            self.ledger.record(*space_grown(declared, self.history.space))
        self.ledger.record(*space_changed(self.history, declared, whole=True))

    def withdraw(self) -> list[str]:
        """Ends the trials that were to run again and lie outside of a space that has changed."""
        for trial in withdrawn(self.history):
            self.ledger.record(trial_ended(trial, self.history, self.now))
            self.queue.remove(trial.trial_id)
        return list(space_lines(self.before.space, self.history))

    def reopen_failed(self) -> list[str]:
        """Has failed trials tried again, where there is a reason to."""
        retry_failed = self.settings.retry_failed
        events = reopened(self.history, retry_failed=retry_failed, now=self.now)
        for event in events:
            self.reopen(event)
        return list(reopened_lines(events))

    def reopen(self, event: TrialReopened) -> None:
        """Puts a trial that had failed into the queue."""
        # First, since what it left would be taken for the end of its next attempt.
        self.ledger.forget_result(event.trial_id)
        self.ledger.record(event)
        self.queue.append(event.trial_id)


def reopen_trials(project: Project, trial_ids: Sequence[str], now: float) -> list[str]:
    """Has failed trials of a project tried again as soon as its search goes on.

    Args:
        project: One that no process is searching on.
        trial_ids: Ids of trials that have failed; all of them if empty.
        now: Unix time.

    Returns:
        The ids of the trials that are tried again.

    Raises:
        FileNotFoundError: There is no project.
        ValueError: There is no such trial, or it has not failed, or it does not count.
        LeaseHeldError: Another process is searching on the project.
    """
    history, _ = read_history(project)
    wanted = [_failed(history, trial_id).trial_id for trial_id in trial_ids] or [
        trial.trial_id
        for trial in history.trials.values()
        if trial.status == TrialStatus.FAILED and history.counts(trial)
    ]
    info = project.info()
    if not wanted or info is None:
        return []
    ledger = Ledger(history, project)
    ledger.open(info, History.of_project)
    try:
        for trial_id in wanted:
            project.forget_result(trial_id)
        ledger.record(*(TrialReopened(trial_id, ASKED_FOR, now) for trial_id in wanted))
    finally:
        ledger.close(None)
    return wanted


def _failed(history: History, trial_id: str) -> Trial:
    try:
        trial = history.trials[trial_id]
    except KeyError:
        last = next(reversed(history.trials), "none")
        msg = f"Expected a trial of the project, the last of which is {last}."
        raise ValueError(f"{msg} Received: {trial_id!r}.") from None
    if trial.status != TrialStatus.FAILED:
        msg = "Expected a trial that has failed; `trialflow rerun` repeats one that has completed."
        raise ValueError(f"{msg} Received: trial {trial.trial_id}, {trial.status.lower()}.")
    if not history.counts(trial):
        why = history.counting.aside[trial.trial_id]
        msg = "Expected a trial that counts in the search as its study is now."
        raise ValueError(f"{msg} Received: trial {trial.trial_id}, {why}.")
    return trial
