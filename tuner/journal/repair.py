"""Mends a project from what is left of it; what it replaces is kept."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from storage import (
    Aside,
    CorruptError,
    Damage,
    Journal,
    NewerFormatError,
    Owner,
    repair_journal,
    seal,
)
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.check import Findings, check
from tuner.journal.check_files import ASIDE
from tuner.journal.events import encode_all
from tuner.journal.project import Project


@dataclass(frozen=True, slots=True)
class Repaired:
    """What was done."""

    done: Sequence[str]
    """A line each."""
    aside: str
    """Key of the folder with all that was replaced; empty if nothing was."""
    left: Sequence[Damage]
    """What could not be mended."""


def repair(project: Project) -> Repaired:
    """Mends what can be mended.

    Raises:
        FileNotFoundError: There is nothing at all.
        LeaseHeldError: A search is running on the project.
        NewerFormatError: A newer Trialflow wrote it.
        CorruptError: There is no `project.json`, without which nothing else means anything.
    """
    if not project.store.list(""):
        check(project)
    with project.held():
        found = check(project, weights=False)
        _refuse(project, found)
        aside = Aside(project.store)
        done = [
            *_mend_journal(project, found, aside),
            *_mend_trials(project, found, aside),
            *_set_aside(found, aside),
            *_mend_tail(project, found, aside),
        ]
        swept = project.store.sweep(deep=True)
        done += [f"{path}: deleted, as a killed process has left it" for path in swept]
        kept = project.store.list(aside.folder)
        left = check(project).damages
    return Repaired(done, aside.folder if kept else "", left)


def _refuse(project: Project, found: Findings) -> None:
    if found.journal.newer:
        raise NewerFormatError(next(iter(found.journal.newer.values())))
    if found.history is None:
        damage = found.damages[0]
        msg = f"Expected {project.paths.project} at {project.store}, which cannot be made anew."
        raise CorruptError(f"{msg} Received: {damage.key}: {damage.problem}")


def _mend_journal(project: Project, found: Findings, aside: Aside) -> list[str]:
    rebuilt = found.reconstruction
    replacing = {number: encode_all(events) for number, events in rebuilt.replacing.items()}
    owner = str(Owner.of_this_process())
    done = repair_journal(project.store, found.journal, owner, replacing, aside)
    if rebuilt.appended:
        journal = Journal(project.store, owner=owner)
        journal.load()
        entry = journal.append(encode_all(rebuilt.appended))
        done.append(f"{project.paths.journal_entry(entry.number)}: written for trials unknown")
    for trial_id in rebuilt.brought_back:
        done.append(f"trial {trial_id}: brought back by its result.json")
    for trial_id in rebuilt.given_up:
        done.append(f"trial {trial_id}: nothing is left of it; it counts as failed")
    return done


def _mend_trials(project: Project, found: Findings, aside: Aside) -> Iterator[str]:
    history = found.history
    trials = {} if history is None else history.trials
    for trial_id, trial in trials.items():
        key = project.paths.trial(trial_id).result
        if key in found.broken:
            yield from _mend_result(project, key, trial, aside)
        elif trial.status == TrialStatus.COMPLETED and trial_id not in found.results:
            project.save_result(trial_id, trial.get_state())
            yield f"{key}: written anew from the journal, without learning curves"
    for trial_id in found.reconstruction.homeless:
        folder = project.paths.trial(trial_id).folder
        for key in _tree(project, folder):
            aside.move(key)
        project.store.delete_tree(folder)  # an empty one, of a repair that was killed just now
        yield f"{folder}: set aside, since the journal has no such trial"


def _mend_result(project: Project, key: str, trial: Trial, aside: Aside) -> Iterator[str]:
    aside.keep(key)
    if trial.ended:
        project.store.replace(key, seal(trial.get_state()))
        yield f"{key}: written anew from the journal, without learning curves"
    else:
        project.store.delete([key])
        yield f"{key}: set aside; trial {trial.trial_id} runs again"


def _set_aside(found: Findings, aside: Aside) -> Iterator[str]:
    others = set(found.broken)
    for damage in found.damages:
        is_file = "." in damage.key
        if is_file and damage.key not in others and damage.mending.startswith(ASIDE):
            aside.move(damage.key)
            yield f"{damage.key}: {damage.mending}"


def _mend_tail(project: Project, found: Findings, aside: Aside) -> Iterator[str]:
    key = project.paths.tail
    if key in [damage.key for damage in found.damages]:
        aside.keep(key)
        project.tail.note(found.journal.next_number)
        yield f"{key}: written anew"


def _tree(project: Project, folder: str) -> Iterator[str]:
    for name in project.store.list(folder):
        key = f"{folder}/{name}"
        if project.store.list(key):
            yield from _tree(project, key)
        else:
            yield key
