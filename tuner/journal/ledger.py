"""The history of one search, and the project whose journal it is written to."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from tuner.core.hyperparameters import HyperParameters, serialize
from tuner.core.jsonable import to_json
from tuner.core.proposal import Budget
from tuner.core.seeds import trial_seed
from tuner.core.text import kept_message
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.events import Event, SearchEnded, SpaceGrown, TrialCreated, TrialEnded
from tuner.journal.folding import apply, replay, replay_entries
from tuner.journal.history import History
from tuner.journal.project import Project, ProjectInfo


class Ledger:
    """Writes each fact to the journal first, and applies it to the history then.

    Without a project, facts are kept in memory only.

    Args:
        history: What is known so far.
        project: Where it is kept.
    """

    def __init__(self, history: History, project: Project | None = None) -> None:
        self.history = history
        self.project = project
        self.writing = False
        """Whether this process is the one writer."""
        self.joining = False
        """Whether events wait for `commit`, which writes them as one entry."""
        self._waiting: list[Event] = []
        self._notes: list[Event] = []

    @classmethod
    def reading(cls, history: History, project: Project) -> Ledger:
        """One that has read the journal of a project, and does not write it."""
        with no_collections():
            replay_entries(history, project.entries())
        return cls(history, project)

    @property
    def owner(self) -> str:
        return self.project.owner if self.project else "memory"

    def open(self, info: ProjectInfo, new_history: Callable[[ProjectInfo], History]) -> int:
        """Becomes the writer, and reads the journal from its start.

        From its start, since what this process believes may be wrong: an append whose outcome it
        never learnt may have landed, or another search may have begun anew.

        Args:
            info: The search, should the project not exist.
            new_history: Makes the history to fill, given what the project says of itself.

        Returns:
            The seed of the project.

        Raises:
            LeaseHeldError: Another process is the writer.
        """
        seed = info.seed
        if self.project is not None:
            with no_collections():
                stored, entries = self.project.open(info)
                try:
                    seed = stored.seed
                    self.history = new_history(stored)
                    replay_entries(self.history, entries)
                    self.project.check_knows_results(self.history.trials)
                except BaseException:
                    self.project.close()
                    raise
        self._waiting.clear()
        self._notes.clear()
        self.writing = True
        return seed

    def record(self, *events: Event) -> None:
        """The one way in which a search's state changes."""
        if self.joining:
            self._waiting += events
        elif events:
            self._append(events)
        replay(self.history, events)

    def note(self, event: Event) -> None:
        """Takes in what need not be written at once: it goes into the entry that comes next."""
        apply(self.history, event)
        self._notes.append(event)

    def _append(self, events: Sequence[Event]) -> None:
        if self.project is not None:
            self.project.append([*self._notes, *events])
        self._notes.clear()

    def commit(self) -> None:
        """Writes the events that wait, as one entry of the journal: all of them or none."""
        waiting, self._waiting = self._waiting, []
        if waiting:
            self._append(waiting)

    def close(self, reason: str | None) -> None:
        """Gives the project back; with a reason the search is recorded as ended."""
        if not self.writing:
            return
        try:
            if reason is not None and self.history.end_reason is None:
                self.record(SearchEnded(reason, time.time()))
            self.commit()
        finally:
            self._waiting.clear()
            self.writing = False
            if self.project is not None:
                self.project.close()

    def read_result(self, trial_id: str) -> dict[str, Any] | None:
        """The outcome that a trial's process left behind, None if it left none."""
        return self.project.read_result(trial_id) if self.project else None

    def forget_result(self, trial_id: str) -> None:
        """Deletes that outcome."""
        if self.project is not None:
            self.project.forget_result(trial_id)


def space_grown(hyperparameters: HyperParameters, known: HyperParameters) -> list[SpaceGrown]:
    """The event that tells of parameters not known before; None if there are none."""
    new = [
        parameter
        for parameter in hyperparameters.difference(known)
        if not parameter.name.startswith("tuner/")
    ]
    return [SpaceGrown([serialize(parameter) for parameter in new])] if new else []


def trial_created(
    history: History,
    values: Mapping[str, Any],
    budget: Budget | None,
    seed: int,
    now: float,
    *,
    enqueued: bool,
) -> TrialCreated:
    """The event that begins a trial, at a Unix time.

    Args:
        history: The trials there were before.
        values: By hyperparameter.
        budget: How long to train, None if not given.
        seed: Of the search.
        now: Unix time.
        enqueued: Whether the user asked for these values.
    """
    return TrialCreated(
        trial_id=history.trials.next_id(),
        values=to_json(values),
        time=now,
        seed=trial_seed(seed, len(history.trials)),
        budget=budget.to_json() if budget else None,
        enqueued=enqueued,
    )


def trial_ended(trial: Trial, history: History, now: float) -> TrialEnded:
    """The event that tells how a trial ended, at a Unix time.

    Learning curves stay in the trial's own result: the journal is read whole at every start.
    """
    changed = trial.hyperparameters.get_config() if history.given.differs(trial) else None
    return _ended(trial, now, changed)


def _ended(trial: Trial, now: float, hyperparameters: dict[str, Any] | None) -> TrialEnded:
    record: dict[str, Any] = to_json(trial.record)
    record.pop("executions", None)
    return TrialEnded(
        trial_id=trial.trial_id,
        status=trial.status,
        score=to_json(trial.score),
        best_step=trial.best_step,
        metrics=trial.metrics.get_config(),
        message=None if trial.message is None else kept_message(trial.message),
        record=record,
        time=now,
        hyperparameters=hyperparameters,
    )


def trial_taken_in(
    trial: Trial, history: History, seed: int, now: float, *, ended: bool
) -> list[Event]:
    """The events that tell of a trial that a program has made, as far as the history lacks them.

    Args:
        trial: The trial.
        history: What is known so far.
        seed: Of the search.
        now: Unix time.
        ended: Whether to tell how it ended, too.

    Raises:
        ValueError: It has completed without a score, or has ended and is changed now.
    """
    known = history.trials.get(trial.trial_id)
    told: list[Event] = []
    if known is None:
        values: dict[str, Any] = to_json(trial.hyperparameters.values)
        own_seed = trial_seed(seed, len(history.trials))
        told.append(TrialCreated(trial.trial_id, values, now, own_seed))
    elif known.ended and known is not trial and known.get_state() != trial.get_state():
        msg = f"Expected trial {trial.trial_id} as the journal has it. Received: another one."
        raise ValueError(f"{msg} Give it a `trial_id` of its own.")
    if not ended or (known is not None and trial.trial_id not in history.running):
        return told
    if trial.status == TrialStatus.COMPLETED and trial.score is None:
        msg = f"Expected a score of trial {trial.trial_id}, which has completed."
        raise ValueError(f"{msg} Received: score=None.")
    return [*told, _ended(trial, now, trial.hyperparameters.get_config())]


@contextmanager
def no_collections() -> Iterator[None]:
    """No garbage is collected meanwhile: for reading many objects that all stay."""
    enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if enabled:
            gc.enable()
