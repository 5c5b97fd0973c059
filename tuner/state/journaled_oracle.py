"""What an oracle knows stands in a journal: who may write it, and how it is read again."""

from __future__ import annotations

import logging
import secrets
import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np

from tuner.constraints import create_constraints
from tuner.garbage import no_collections
from tuner.hyperparameters import HyperParameters
from tuner.jsonable import to_json
from tuner.seeds import question_rng
from tuner.state.entries import complete_values, initial_space, refuse_new_entries
from tuner.state.events import (
    EarlierTrialsRead,
    Event,
    OracleChanged,
    SearchStarted,
    ValuesEnqueued,
)
from tuner.state.history import History
from tuner.state.ledger import Ledger, space_grown
from tuner.state.project import Project
from tuner.state.project_info import ProjectInfo
from tuner.state.retention import Retention
from tuner.state.settings import describe_changes, settings_of
from tuner.state.synchronizing import synchronized
from tuner.state.warm_start import read_earlier
from tuner.stateful import Stateful
from tuner.subclassing import OracleSubclassing
from tuner.trial import Trial

logger = logging.getLogger(__name__)


class JournaledOracle(OracleSubclassing, Stateful):
    """The part of an oracle that keeps the journal: the project, its one writer, the history."""

    allow_new_entries: bool
    tune_new_entries: bool
    constraints: list[list[Any]]
    warm_start_from: list[str]

    def __init__(self, hyperparameters: object, seed: int | None) -> None:
        self.seed = secrets.randbelow(2**31) if seed is None else seed
        self.lock = threading.RLock()
        self.deadline: float | None = None
        """When no more trials begin, on the clock of `time.monotonic`."""
        self.ongoing_trials: dict[str, Trial] = {}
        """Trials that are under way in this process, by the id of the tuner that runs them."""
        self.tuner_ids: set[str] = set()
        self.checkpoints_kept: int | None = None
        """Number of the best trials that keep their weights; None for all."""
        self.changed_settings = ""
        """Which arguments differ from those of the last start, for people."""
        self._seed_given = seed is not None
        self._seed_state = self.seed
        self._asking: np.random.Generator | None = None
        self._initial_space = initial_space(
            hyperparameters, self.allow_new_entries, self.tune_new_entries
        )
        self._retry_queue: deque[str] = deque()
        self._enqueued: list[dict[str, Any]] = []
        self._depth = 0
        self._retention = Retention(self.lock)
        self._stopped = False
        self._ledger = Ledger(self._new_history())

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
        self._ledger.joining = self.keeps_state
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def _start(self) -> None:
        info = ProjectInfo(self.objective.to_json(), self.seed, type(self).__name__)
        with no_collections():
            stored = self._ledger.open(info, self._new_history)
        self._adopt_seed(self.search_history.settings.get("seed", stored))
        settings = settings_of(self)
        self.changed_settings = describe_changes(self.search_history.settings, settings)
        if self.changed_settings:
            logger.info("Going on with %s", self.changed_settings)
        earlier = [
            EarlierTrialsRead(url, to_json(read_earlier(url, self.objective)))
            for url in self.warm_start_from
            if url not in self.search_history.earlier
        ]
        now, total = time.time(), self.planned_trials
        started = SearchStarted(self._ledger.owner, now, total, settings)
        grown = space_grown(self._initial_space, self.search_history.space)
        self._ledger.record(started, *earlier, *grown)
        self.restore(self.search_history.oracle_state)
        for values in self._enqueued:
            self._enqueue(values)
        for trial_id in list(self.search_history.running):
            state = self._ledger.read_result(trial_id)
            if state is None:
                self._tidy_up(trial_id)
                self._retry_queue.append(trial_id)
            else:
                self.tell(trial_id, state)

    def tell(self, trial_id: str, state: Mapping[str, Any]) -> None:
        raise NotImplementedError

    @synchronized
    def stop(self, reason: str | None = None) -> None:
        """Gives the project back; with a reason the search is recorded as ended."""
        self._stopped = True
        self.deadline = None
        self.ongoing_trials.clear()
        self._retry_queue.clear()
        self._ledger.close(reason)

    def _tidy_up(self, trial_id: str) -> None:
        if self._project is not None:
            self._project.sweep_trial(trial_id)

    def _set_project_dir(self, directory: object, project_name: str) -> None:
        self.attach(Project(directory, project_name))

    @synchronized
    def attach(self, project: Project) -> None:
        """Takes the history of a project; writes nothing.

        Raises:
            ValueError: The project has another objective.
        """
        info = project.info()
        if info is None:
            self._ledger = Ledger(self._new_history(), project)
            return
        info.check_objective(self.objective.to_json(), project.url)
        history = self._new_history(info.seed)
        with no_collections():
            history.replay(project.events())
        self._ledger = Ledger(history, project)
        self._adopt_seed(history.settings.get("seed", info.seed))
        self.restore(history.oracle_state)

    # What the oracle knows; more of it in `HistoryViews`.

    @property
    def search_history(self) -> History:
        """Everything that has happened."""
        return self._ledger.history

    @property
    def hyperparameters(self) -> HyperParameters:
        """The space; before the search starts, with what only this process knows of it."""
        if self._ledger.writing:
            return self.search_history.space
        space = self.search_history.space.copy()
        space.merge(self._initial_space.space)
        return space

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

    @synchronized
    def enqueue(self, values: Mapping[str, Any]) -> None:
        """Asks for a trial of these values before any of the oracle's own.

        Values that were asked for before, or have had a trial, are not tried again.

        Args:
            values: By hyperparameter; the others take their defaults.

        Raises:
            ValueError: There is no such hyperparameter, or it cannot have that value.
        """
        checked = to_json(dict(values))
        if self.hyperparameters.space:
            complete_values(self.hyperparameters, checked)
        if self._ledger.writing:
            self._enqueue(checked)
        else:
            self._enqueued.append(checked)

    @synchronized
    def save(self) -> None:  # type: ignore[override]  # Keras Tuner's takes no file
        """Writes what a subclass has changed; all else is written when it happens."""

    @synchronized
    def reload(self) -> None:  # type: ignore[override]  # Keras Tuner's takes no file
        """Takes in what has been added to the project."""
        if self._project is not None and not self._ledger.writing:
            self.search_history.replay(self._project.events())
            self.restore(self.search_history.oracle_state)

    # Our own.

    def _new_history(self, seed: int | None = None) -> History:
        history = History(self.objective, self.seed if seed is None else seed)
        history.constraints = create_constraints(self.constraints)
        return history

    def _rng(self) -> np.random.Generator:
        """The generator of the next question: a function of position, so it needs no state."""
        return question_rng(self.seed, len(self.trials))

    def _enqueue(self, values: dict[str, Any]) -> None:
        if not self.search_history.was_asked_for(values):
            self._ledger.record(ValuesEnqueued(values))

    @contextmanager
    def _together(self) -> Iterator[None]:
        """Holds the lock; what happens inside, and a subclass's state after it, is one entry."""
        with self.lock:
            self._depth += 1
            try:
                yield
            finally:
                self._depth -= 1
                outermost = self._depth == 0
                if outermost and self._ledger.writing and self._ledger.joining:
                    self._commit()
        if outermost:  # outside of the lock, since it takes time
            self._retention.enforce(self._ledger, self.checkpoints_kept, self.weights_needed)

    def weights_needed(self) -> set[str]:
        """Ids of ended trials whose weights a running or a later trial goes on from.

        A subclass that lets trials go on from others (`tuner/trial_id` among the values of a
        trial) adds those that it may still choose.
        """
        running = self.search_history.running.values()
        parents = (trial.hyperparameters.values.get("tuner/trial_id") for trial in running)
        return {parent for parent in parents if parent is not None}

    def _commit(self) -> None:
        state = self.own_state()
        if state != self.search_history.oracle_state:
            self._ledger.record(OracleChanged(state))
        self._ledger.commit()

    def _know_initial_space(self) -> None:
        """For those who ask an oracle by hand; `start` records the space, and reads all anew."""
        if not self._ledger.writing:
            space = self.search_history.space
            space.merge(self._initial_space.difference(space))

    def _adopt_seed(self, seed: int) -> None:
        """Takes the project's seed, unless the caller gave one."""
        if not self._seed_given:
            self.seed = self._seed_state = seed

    @property
    def _project(self) -> Project | None:
        return self._ledger.project

    def _grown_by(self, hyperparameters: HyperParameters) -> list[Event]:
        grown = space_grown(hyperparameters, self.hyperparameters)
        if grown and not self.allow_new_entries:
            refuse_new_entries(grown[0])
        return list(grown) if self.tune_new_entries else []
