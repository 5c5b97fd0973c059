"""Writes the imported project: journal, results and weights."""

from __future__ import annotations

import contextlib
import os
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from storage import PROBE, LocalStore, StorageError, Store, scratch_folder
from tuner.core.outcome import TrialRecord
from tuner.core.trial import TrialStatus
from tuner.journal.events import Event
from tuner.journal.project import Project, ProjectInfo
from tuner.keras_tuner.importing.translating import NewTrial
from tuner.keras_tuner.importing.trials import WEIGHTS
from tuner.training import checkpoint

SHOWN = 5
"""Trials that a sentence names."""

TAKEN = ""
MISSING = "left no weights, so `get_best_models` cannot load them"
DAMAGED = f"have a {WEIGHTS} that is damaged; it was left out"
TENSORFLOW = "have weights in TensorFlow's checkpoint format, which Keras 3 cannot load"
PICKLED = "have a model.pickle, which may run anything when it is loaded; it was left out"


def take_weights(source: Store, project: Project, trial: NewTrial) -> tuple[str, TrialRecord]:
    """Copies the weights of one trial.

    Returns:
        `TAKEN` or why they were not, and what the trial's record says of them.
    """
    if trial.status != TrialStatus.COMPLETED:
        return TAKEN, {}
    if WEIGHTS not in trial.old.files:
        return _why_not(trial.old.files), {}
    with scratch_folder() as folder:
        path = Path(folder) / WEIGHTS
        source.download(f"{trial.old.folder}/{WEIGHTS}", path)
        if not _is_whole(path):
            return DAMAGED, {}
        return TAKEN, {"checkpoint": checkpoint.keep(project, trial.trial_id, path)}


def describe_weights(answers: Mapping[str, str]) -> list[str]:
    """Sentences on the weights that were not taken, of answers by trial id."""
    trials = defaultdict(list)
    for trial_id, answer in sorted(answers.items()):
        if answer != TAKEN:
            trials[answer].append(trial_id)
    return [f"{_named(ids)} {answer}." for answer, ids in sorted(trials.items())]


def _why_not(files: Iterable[str]) -> str:
    if any(name.startswith("checkpoint") for name in files):
        return TENSORFLOW
    return PICKLED if "model.pickle" in files else MISSING


def _is_whole(path: Path) -> bool:
    import h5py  # type: ignore[import-untyped]  # comes with Keras, without types

    try:
        with h5py.File(path):
            return True
    except OSError:
        return False


def _named(trial_ids: list[str]) -> str:
    more = len(trial_ids) - SHOWN
    text = ", ".join(trial_ids[:SHOWN]) + (f" and {more} more" if more > 0 else "")
    return f"{len(trial_ids)} of the completed trials ({text})"


EVENTS_PER_ENTRY = 500
"""Events that go into one entry of the journal."""


def check_destination(source: Store, project: Project) -> None:
    """Raises FileExistsError unless there is nothing, or only what a cut-off import left.

    Raises:
        ValueError: It is the old project, or inside it.
    """
    old, new = _canonical(source), _canonical(project.store)
    if f"{new}/".startswith(f"{old}/"):
        msg = "Expected the new project outside of the old one, which is never changed."
        raise ValueError(f"{msg} Received: {project.url}.")
    names = _names(project)
    if _was_cut_off(project, names):
        return
    if project.paths.project in names:
        msg = f"Expected no project at {project.url}. Received: there is one, and it stays."
        raise FileExistsError(f"{msg} Import into another place, or delete it first.")
    if names:
        msg = f"Expected an empty place for the project. Received: {project.url}, which holds "
        raise FileExistsError(f"{msg}{', '.join(sorted(names)[:5])}. Choose another.")


@contextmanager
def new_project(project: Project, info: ProjectInfo) -> Iterator[None]:
    """Inside, this process writes the project; only when it is left the project is there.

    A project that bears the mark of being erased is none: what is cut off is deleted by the next
    search or import that opens it.

    Raises:
        FileExistsError: Another process made a project there meanwhile.
        LeaseHeldError: Another process is writing one.
    """
    if _was_cut_off(project, _names(project)):
        project.erase()
    stored, events = project.open(info)
    try:
        if events or stored.seed != info.seed:
            msg = f"Expected no project at {project.url}."
            raise FileExistsError(f"{msg} Received: another process has just made one.")
        project.store.replace(project.paths.erasing, b"{}")
        try:
            yield
        except BaseException:
            # What stays of it bears the mark.
            with contextlib.suppress(StorageError):
                project.erase()
            raise
        project.store.delete([project.paths.erasing])
    finally:
        project.close()


def append_all(project: Project, events: Sequence[Event]) -> None:
    """Writes events to the journal in few entries."""
    for start in range(0, len(events), EVENTS_PER_ENTRY):
        project.append(events[start : start + EVENTS_PER_ENTRY])


def _was_cut_off(project: Project, names: set[str]) -> bool:
    """Whether what lies there is less than a project: marked, or not even begun to be filled."""
    return project.paths.erasing in names or names == {project.paths.project}


def _names(project: Project) -> set[str]:
    """What lies there, but for traces of processes that only had a look."""
    names = project.store.list("")
    return {n for n in names if n != project.paths.lease and not n.startswith(PROBE)}


def _canonical(store: Store) -> str:
    path = os.path.realpath(store.url) if isinstance(store, LocalStore) else store.url
    return path.rstrip("/")
