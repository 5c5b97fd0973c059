"""Makes a project of what was read: all of it or, for everybody who looks, nothing."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from storage import LocalStore, StorageError, Store
from tuner.state.events import Event
from tuner.state.project import Project
from tuner.state.project_info import ProjectInfo

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

    A project that bears the mark of being erased is none: what is cut off is deleted by whoever
    opens it next, a search as well as another import.

    Raises:
        FileExistsError: Somebody else made a project there meanwhile.
        LeaseHeldError: Somebody else is writing one.
    """
    if _was_cut_off(project, _names(project)):
        project.erase()
    stored, events = project.open(info)
    try:
        if events or stored.seed != info.seed:
            msg = f"Expected no project at {project.url}. Received: somebody has just made one."
            raise FileExistsError(msg)
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
    return {n for n in names if n != project.paths.lease and not n.startswith(".probe-")}


def _canonical(store: Store) -> str:
    path = os.path.realpath(store.url) if isinstance(store, LocalStore) else store.url
    return path.rstrip("/")
