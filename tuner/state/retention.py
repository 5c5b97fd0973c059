"""Whose weights are kept, and how the space of the others is given back during the search."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from tuner.state.history import History
from tuner.state.project import Project
from tuner.trial import Trial

WEIGHTS = ("checkpoint", "model", "ends")
"""Entries of a trial's record that name files of weights."""
_SUFFIXES = (".weights.h5", ".pickle", ".npz")


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
    """The ended trials whose weights nobody wants any more, and that were not dropped before.

    A trial once obsolete stays so: whatever ends later can only push it further down. So a process
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
