"""The history of one search, and the project whose journal it is written to."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

from tuner.hyperparameters import HyperParameters, serialize
from tuner.jsonable import to_json
from tuner.state.events import Event, SearchEnded, SpaceGrown, TrialEnded
from tuner.state.history import History
from tuner.state.project import Project
from tuner.state.project_info import ProjectInfo
from tuner.trial import Trial


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

    @property
    def owner(self) -> str:
        return self.project.owner if self.project else "memory"

    def open(self, info: ProjectInfo, new_history: Callable[[int], History]) -> int:
        """Becomes the writer, and reads the journal from its start.

        From its start, since what this process believes may be wrong: an append whose outcome it
        never learnt may have landed, or another search may have begun anew.

        Args:
            info: The search, should the project not exist.
            new_history: Makes the history to fill, given the seed of the project.

        Returns:
            The seed of the project.

        Raises:
            LeaseHeldError: Another process is the writer.
            ValueError: The project has another objective.
        """
        seed = info.seed
        if self.project is not None:
            stored, events = self.project.open(info)
            seed = stored.seed
            self.history = new_history(seed)
            self.history.replay(events)
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
        self.history.replay(events)

    def note(self, event: Event) -> None:
        """Takes in what need not be written at once: it goes into the entry that comes next."""
        self.history.apply(event)
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


def space_grown(hyperparameters: HyperParameters, known: HyperParameters) -> list[SpaceGrown]:
    """The event that tells of parameters nobody knew; none when there are none."""
    new = [
        parameter
        for parameter in hyperparameters.difference(known)
        if not parameter.name.startswith("tuner/")
    ]
    return [SpaceGrown([serialize(parameter) for parameter in new])] if new else []


def trial_ended(trial: Trial, history: History) -> TrialEnded:
    """The event that tells how a trial ended.

    Learning curves stay in the trial's own result: the journal is read whole at every start.
    """
    record: dict[str, Any] = to_json(trial.record)
    record.pop("executions", None)
    return TrialEnded(
        trial_id=trial.trial_id,
        status=trial.status,
        score=to_json(trial.score),
        best_step=trial.best_step,
        metrics=trial.metrics.get_config(),
        message=trial.message,
        record=record,
        time=time.time(),
        hyperparameters=(
            trial.hyperparameters.get_config() if history.was_changed(trial) else None
        ),
    )
