"""Finds damage to the files beside the journal: results, saved states, weights, settings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from storage import CorruptError, Damage, KeyMissingError, StoredFile, scratch_folder, unseal
from tuner.core.trial import Trial
from tuner.journal.executions import check_document
from tuner.journal.history import History
from tuner.journal.project import Project
from tuner.journal.trial_files import Manifest, parse_result

ASIDE = "set aside"
AGAIN = f"{ASIDE}; that execution of the trial runs again"
OVER = f"{ASIDE}; that execution of the trial starts over"


def read_results(
    project: Project, trial_ids: list[str]
) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """The intact results of trials by id, and the keys of the others that are there."""
    keys = {trial_id: project.paths.trial(trial_id).result for trial_id in trial_ids}
    found = project.store.read_many(keys.values())
    results, broken = {}, []
    for trial_id, key in keys.items():
        if key not in found:
            continue
        try:
            results[trial_id] = parse_result(found[key], trial_id, key)
        except CorruptError:
            broken.append(key)
    return results, broken


def damages_of_settings(project: Project) -> Iterator[Damage]:
    """Of what lies in the project's own folder."""
    for name in project.store.list(""):
        if name == project.paths.study:
            yield from _of_document(project, name, unseal, f"{ASIDE}; name the study with --study")
        elif name.startswith("tuner-") and name.endswith(".json"):
            yield from _of_document(project, name, unseal, "")
    try:
        project.tail.noted()
    except CorruptError:
        yield Damage(project.paths.tail, "damaged", "written anew")


def damages_of_trials(project: Project, history: History, *, deep: bool) -> Iterator[Damage]:
    """Of executions, saved states and weights.

    Args:
        project: Nothing in it is changed.
        history: What is known of the trials.
        deep: Whether to read weights, which may be large, or only to look for them.
    """
    for trial in history.trials.values():
        if trial.trial_id not in history.dropped:
            yield from _of_weights(project, trial, deep=deep)
        paths = project.paths.trial(trial.trial_id)
        for name in project.store.list(paths.folder):
            if name.startswith("execution-"):
                folder = f"{paths.folder}/{name}"
                yield from _of_execution(project, folder, trial, deep=deep)
            elif f"{paths.folder}/{name}" == paths.model:
                yield from _of_document(
                    project, paths.model, unseal, f"{ASIDE}; the model loads by its study"
                )


def _of_execution(project: Project, folder: str, trial: Trial, *, deep: bool) -> Iterator[Damage]:
    what = f"an execution of {trial.trial_id}"
    for name in project.store.list(folder):
        key = f"{folder}/{name}"
        if name == "result.json":
            mending = ASIDE if trial.ended else AGAIN
            yield from _of_document(project, key, check_document, mending)
            if not trial.ended:
                record = _read(project, key, check_document) or {}
                named = (record.get("record") or {}).get("checkpoint")
                yield from _of_file(project, named, f"the weights of {what}", deep=deep)
        elif name == "manifest.json":
            yield from _of_document(project, key, Manifest.parse, OVER)
            manifest = _read(project, key, Manifest.parse)
            for file in [] if manifest is None else manifest.files:
                for damage in _of_file(project, file.to_json(), f"the state of {what}", deep=deep):
                    # Of a search that runs, it may have been replaced meanwhile.
                    if _read(project, key, Manifest.parse) == manifest:
                        yield Damage(damage.key, damage.problem, OVER)


def _of_document(
    project: Project, key: str, parse: Callable[[bytes, str], Any], mending: str
) -> Iterator[Damage]:
    try:
        parse(project.store.read(key), key)
    except KeyMissingError:
        return  # deleted since it was listed
    except CorruptError:
        yield Damage(key, "damaged", mending)


def _read(project: Project, key: str, parse: Callable[[bytes, str], Any]) -> Any:
    """What a document says; None if it is not there, or damaged."""
    try:
        return parse(project.store.read(key), key)
    except (KeyMissingError, CorruptError):
        return None


def _of_weights(project: Project, trial: Trial, *, deep: bool) -> Iterator[Damage]:
    record: Mapping[str, Any] = trial.record
    named = [record.get("checkpoint"), record.get("model"), *(record.get("ends") or ())]
    for file in named:
        yield from _of_file(project, file, f"the weights of {trial.trial_id}", deep=deep)


def _of_file(project: Project, named: Any, what: str, *, deep: bool) -> Iterator[Damage]:
    """The damage to a file that a trial has named, if it has named one and there is any."""
    if named is None:
        return
    try:
        file = StoredFile.from_json(named, what)
    except CorruptError as error:
        yield Damage(project.paths.trials, str(error))
        return
    try:
        if deep:
            with scratch_folder() as folder:
                file.download(project.store, Path(folder) / "file")
        elif not project.store.exists(file.key):
            yield Damage(file.key, f"missing: {what}")
    except KeyMissingError:
        yield Damage(file.key, f"missing: {what}")
    except CorruptError:
        yield Damage(file.key, f"damaged: {what}")
