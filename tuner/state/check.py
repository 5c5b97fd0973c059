"""Finds all damage to a project, and says what repair can do about it."""

from __future__ import annotations

import hashlib
import json
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from storage import (
    CorruptError,
    Damage,
    JournalState,
    NewerFormatError,
    StorageError,
    check_journal,
)
from tuner.state.events import Event, decode
from tuner.state.history import History
from tuner.state.project import Project
from tuner.state.project_info import ProjectInfo
from tuner.state.reconstruction import Reconstruction, reconstruct
from tuner.state.retention import WEIGHTS
from tuner.trial import Trial, TrialStatus


@dataclass(frozen=True, slots=True)
class Findings:
    """What a project is like."""

    damages: Sequence[Damage]
    journal: JournalState
    reconstruction: Reconstruction
    history: History | None = None
    """The fold of what is there and what can be brought back; None without a `project.json`."""
    results: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """The intact results of trials, by id."""
    broken: Sequence[str] = ()
    """Keys of files of trials that are no JSON."""
    unfinished: Sequence[str] = ()
    """Files that killed processes have left."""


def check(project: Project, *, weights: bool = True) -> Findings:
    """Reads everything a project holds.

    Args:
        project: Nothing in it is changed.
        weights: Whether to read the weights of trials too, which may be large.

    Raises:
        FileNotFoundError: There is nothing at all.
        StorageError: The store itself cannot be read.
    """
    if not project.store.list(""):
        raise FileNotFoundError(f"Expected a project at {project.store}. Received: nothing.")
    info, damages = _check_info(project)
    # Before the journal: of a search that runs, it knows of everything that was there before.
    results, broken, folders = _results(project)
    journal = check_journal(project.store)
    damages += _of_journal(project, journal)
    events, unknown = _decoded(project, journal)
    damages += unknown
    rebuilt = reconstruct(events, journal.lost, results, folders, time.time())
    damages += _of_trials(project, journal, rebuilt)
    history = None if info is None else _fold(info, events, rebuilt)
    if history is not None:
        damages += _of_results(project, history, results, broken)
        damages += _of_weights(project, history, deep=weights)
    unfinished = project.store.abandoned(deep=True)
    damages += [Damage(path, "left by a killed process", "deleted") for path in unfinished]
    return Findings(damages, journal, rebuilt, history, results, broken, unfinished)


def _check_info(project: Project) -> tuple[ProjectInfo | None, list[Damage]]:
    key = project.paths.project
    if project.store.exists(project.paths.erasing):
        problem = "the project is half deleted; the next search begins anew"
        return None, [Damage(project.paths.erasing, problem)]
    try:
        info = project.info()
    except (StorageError, TypeError, KeyError) as error:
        return None, [Damage(key, f"{error} Restore it from a backup.")]
    return info, [] if info else [Damage(key, "missing. Restore it from a backup.")]


def _of_journal(project: Project, journal: JournalState) -> list[Damage]:
    entry, segment = project.paths.journal_entry, project.paths.segment
    again = "written anew from its segment"
    said = "replaced by what the trials' results tell; the rest of what it said is lost"
    return [
        *(Damage(entry(n), problem, again) for n, problem in journal.restorable.items()),
        *(Damage(entry(n), problem, said) for n, problem in journal.lost.items()),
        *(Damage(entry(n), problem) for n, problem in journal.newer.items()),
        *(
            Damage(segment(n), problem, "written anew from its entries")
            for n, problem in journal.segments.items()
            if problem != "missing"  # it only makes loading slower
        ),
    ]


def _decoded(
    project: Project, journal: JournalState
) -> tuple[dict[int, list[Event]], list[Damage]]:
    events: dict[int, list[Event]] = {}
    unknown = []
    for number, entry in journal.entries.items():
        try:
            events[number] = [decode(body) for body in entry.events]
        except (NewerFormatError, TypeError) as error:
            unknown.append(Damage(project.paths.journal_entry(number), str(error)))
    return events, unknown


def _results(project: Project) -> tuple[dict[str, dict[str, Any]], list[str], list[str]]:
    """The intact results by trial, keys of broken ones, and the ids of all trials with a folder."""
    folders = [name for name in project.store.list(project.paths.trials) if _is_id(project, name)]
    keys = {trial_id: project.paths.trial(trial_id).result for trial_id in folders}
    found = project.store.read_many(keys.values())
    results, broken = {}, []
    for trial_id, key in keys.items():
        if key not in found:
            continue
        try:
            state = json.loads(found[key])
            Trial.from_state(state)
            results[trial_id] = state
        except (ValueError, KeyError, TypeError, AttributeError):
            broken.append(key)
    return results, broken, folders


def _is_id(project: Project, name: str) -> bool:
    try:
        project.paths.trial(name)
    except ValueError:
        return False
    return True


def _of_trials(
    project: Project, journal: JournalState, rebuilt: Reconstruction
) -> Iterator[Damage]:
    for trial_id in rebuilt.brought_back:
        yield Damage(
            project.paths.trial(trial_id).folder,
            "not in the journal",
            "written into the journal from its result.json",
        )
    for trial_id in rebuilt.given_up:
        yield Damage(
            project.paths.trial(trial_id).folder,
            "not in the journal, and left no result",
            "counted as failed",
        )
    # A journal that is newer than this version may know them.
    for trial_id in () if journal.newer else rebuilt.homeless:
        folder = project.paths.trial(trial_id).folder
        yield Damage(folder, "of no trial in the journal", "set aside")


def _fold(
    info: ProjectInfo, events: Mapping[int, Sequence[Event]], rebuilt: Reconstruction
) -> History:
    history = History.of_project(info)
    for _, of_entry in sorted({**events, **rebuilt.replacing}.items()):
        history.replay(of_entry)
    history.replay(rebuilt.appended)
    return history


def _of_results(
    project: Project,
    history: History,
    results: Mapping[str, Any],
    broken: Sequence[str],
) -> Iterator[Damage]:
    keys = {project.paths.trial(trial_id).result: t for trial_id, t in history.trials.items()}
    for key in broken:
        trial = keys.get(key)
        told = trial is not None and trial.ended
        again = "written anew from the journal, without learning curves"
        yield Damage(key, "damaged", again if told else "set aside; the trial runs again")
    for key, trial in keys.items():
        left = trial.trial_id in results or key in broken
        # Asked again, since it may have ended just now.
        if trial.status == TrialStatus.COMPLETED and not left and not project.store.exists(key):
            again = "written anew from the journal, without learning curves"
            yield Damage(key, "missing", again)


def _of_weights(project: Project, history: History, *, deep: bool) -> Iterator[Damage]:
    for trial in history.trials.values():
        if trial.trial_id in history.dropped:
            continue
        for name in WEIGHTS:
            saved = trial.record.get(name)
            if isinstance(saved, Mapping):
                problem = _problem_of(project, saved, deep=deep)
                if problem:
                    yield Damage(saved["key"], f"{problem}: the weights of {trial.trial_id}")


def _problem_of(project: Project, saved: Mapping[str, Any], *, deep: bool) -> str:
    if not deep:
        return "" if project.store.exists(saved["key"]) else "missing"
    with tempfile.TemporaryDirectory(prefix="trialflow-") as folder:
        path = Path(folder) / "weights"
        try:
            project.store.download(saved["key"], path)
        except FileNotFoundError:
            return "missing"
        except CorruptError as error:
            return str(error)
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    return "" if digest == saved["sha256"] else "damaged"
