"""Finds all damage to a project, and says what repair can do about it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from storage import (
    CorruptError,
    Damage,
    JournalState,
    NewerFormatError,
    StorageError,
    check_journal,
)
from tuner.core.jsonable import to_json
from tuner.core.metrics import MetricsTracker
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.check_files import damages_of_settings, damages_of_trials, read_results
from tuner.journal.events import Event, decode
from tuner.journal.folding import replay, replay_entries
from tuner.journal.history import History
from tuner.journal.project import Project, ProjectInfo, Told
from tuner.journal.reconstruction import Reconstruction, reconstruct
from tuner.journal.rescoring import left_by, scored_anew


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
    damages += damages_of_settings(project)
    # Before the journal: of a search that runs, it knows of everything that was there before.
    folders = [name for name in project.store.list(project.paths.trials) if _is_id(project, name)]
    results, broken = read_results(project, folders)
    journal = check_journal(project.store, at_least=_noted_entries(project))
    damages += _of_journal(project, journal)
    events, unknown = _decoded(project, journal)
    damages += unknown
    rebuilt = reconstruct(events, journal.lost, results, folders, time.time())
    damages += _of_trials(project, journal, rebuilt)
    history = None
    if info is not None:
        history, nonsense = _fold(project, info, events, rebuilt)
        damages += nonsense
        damages += _of_results(project, history, results, broken)
        damages += damages_of_trials(project, history, deep=weights)
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
    except StorageError as error:
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
            key = project.paths.journal_entry(number)
            events[number] = [decode(body, key) for body in entry.events]
        except (NewerFormatError, CorruptError) as error:
            unknown.append(Damage(key, str(error)))
    return events, unknown


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
    project: Project,
    info: ProjectInfo,
    events: Mapping[int, Sequence[Event]],
    rebuilt: Reconstruction,
) -> tuple[History, list[Damage]]:
    """The history, as far as entries follow from each other, and those that do not."""
    history, damages = History.of_project(info), []
    for number, of_entry in sorted({**events, **rebuilt.replacing}.items()):
        key = project.paths.journal_entry(number)
        try:
            replay_entries(history, [Told(key, of_entry)])
        except CorruptError as error:
            damages.append(Damage(key, str(error)))
    replay(history, rebuilt.appended)
    return history, [*damages, *_of_metrics(project, history)]


def _of_metrics(project: Project, history: History) -> Iterator[Damage]:
    """Metrics are read lazily, otherwise."""
    for trial_id, trial in history.trials.items():
        try:
            _ = trial.metrics
        except CorruptError as error:
            trial.metrics = MetricsTracker()
            yield Damage(project.paths.trial(trial_id).folder, str(error))


def _noted_entries(project: Project) -> int:
    try:
        return project.tail.noted()
    except CorruptError:
        return 0  # which is said where settings are checked


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
        elif trial.trial_id in results and not _agree(trial, results[trial.trial_id], history):
            yield Damage(key, "says other metrics or values than the journal")


def _agree(trial: Trial, result: Mapping[str, Any], history: History) -> bool:
    """Whether a result and the journal tell the same; what came after the end does not count."""
    told = Trial.from_state(result)
    if not trial.status == told.status == TrialStatus.COMPLETED:
        return True
    if history.rescored:
        told = scored_anew(told, left_by(told), history.objective) or told
    same = trial.metrics.get_config() == told.metrics.get_config()
    return same and to_json(trial.values) == to_json(told.values)
