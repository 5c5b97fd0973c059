"""Retention of weights: which trials keep theirs, and deleting those of the others."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection
from typing import Any

from storage import StorageError
from tuner.core.trial import Trial
from tuner.journal.events import CheckpointsDropped
from tuner.journal.history import History
from tuner.journal.ledger import Ledger
from tuner.journal.project import Project

logger = logging.getLogger(__name__)

WEIGHTS = ("checkpoint", "model", "ends")
"""Entries of a trial's record that name files of weights."""
_SUFFIXES = (".weights.h5", ".pickle", ".npz")


class Retention:
    """Deletes the weights that are not to be kept, whenever trials have ended.

    Args:
        lock: That of the ledger. It is not held while files are deleted.
    """

    def __init__(self, lock: threading.RLock) -> None:
        self._lock = lock
        self._ends_seen = 0
        self._dropping: set[str] = set()

    def enforce(self, ledger: Ledger, kept: int | None, needed: Callable[[], set[str]]) -> None:
        """Deletes what is due now, if this process is the writer.

        What the weights belonged to is in the journal by now. That they are gone is noted
        afterwards: cut off in between, they are deleted once more.

        Args:
            ledger: What has happened, and where the weights lie.
            kept: Number of the best trials that keep theirs; None for all.
            needed: Gives the ids of trials that another one may go on from.
        """
        if self._ends_seen == len(ledger.history.end_order):
            return
        with self._lock:
            if not ledger.writing:
                return
            self._ends_seen = len(ledger.history.end_order)
            if ledger.project is None or kept is None:
                return
            due = obsolete(ledger.history, kept, needed())
            due = [trial_id for trial_id in due if trial_id not in self._dropping]
            self._dropping.update(due)
        gone = []
        try:
            for trial_id in due:
                drop(ledger.project, trial_id)
                gone.append(trial_id)
        except StorageError as error:
            logger.warning("Weights that are not kept could not be deleted: %s", error)
        with self._lock:
            self._dropping.difference_update(due)
            if gone and ledger.writing:
                ledger.note(CheckpointsDropped(gone))


def checked_number_kept(keep: Any) -> int | None:
    """The number of trials whose weights are kept, None for all.

    Args:
        keep: `"all"`, `"best"` or a number.

    Raises:
        ValueError: It is none of these.
    """
    match keep:
        case "all":
            return None
        case "best":
            return 1
        case int() if not isinstance(keep, bool) and keep >= 1:
            return keep
        case _:
            msg = 'Expected `keep_checkpoints` to be "all", "best" or a number of trials from 1 on.'
            raise ValueError(f"{msg} Received: keep_checkpoints={keep!r}.")


def has_weights(trial: Trial) -> bool:
    """Whether the trial left weights that its record names."""
    return any(trial.record.get(name) for name in WEIGHTS)


def obsolete(history: History, kept: int, needed: Collection[str]) -> list[str]:
    """The ended trials whose weights are obsolete, and that were not dropped before.

    A trial once obsolete stays so: a later end can only push it further down. So a process
    that knows less than the whole history drops nothing that another one still wants.

    Args:
        history: What has happened.
        kept: Number of the best trials that keep theirs.
        needed: Ids of trials that another one may go on from.
    """
    best = {trial.trial_id for trial in history.ranked()[:kept]}
    if history.best is not None:
        best.add(history.best.trial_id)
    return [
        trial_id
        for trial_id in history.end_order
        if trial_id not in history.dropped
        and trial_id not in best
        and trial_id not in needed
        and has_weights(history.trials[trial_id])
    ]


def drop(project: Project, trial_id: str) -> None:
    """Deletes a trial's weights, those that a killed process has left included.

    What the trial was worth stays: its result, its curves and its log.
    """
    folder, store = project.paths.trial(trial_id).folder, project.store
    names = store.list(folder)
    keys = [f"{folder}/{name}" for name in names if name.endswith(_SUFFIXES)]
    for name in names:
        if name.startswith("execution-"):
            inside = store.list(f"{folder}/{name}")
            keys += [f"{folder}/{name}/{each}" for each in inside if each.endswith(_SUFFIXES)]
    store.delete(keys)
