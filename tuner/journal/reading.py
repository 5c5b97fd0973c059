"""Reads what a project has recorded, without becoming its writer."""

from __future__ import annotations

import os
from collections.abc import Iterable
from typing import Any

from tuner.core.jsonable import to_json
from tuner.core.objective import Objective
from tuner.journal.events import EarlierTrialsRead, Event
from tuner.journal.folding import replay, replay_entries
from tuner.journal.history import History
from tuner.journal.ledger import no_collections
from tuner.journal.project import Project
from tuner.journal.rescoring import objective_changed

LARGEST = 400
"""Trials taken over from one project at most: half the best, half the last of the others."""


def read_project(
    project_url: str | os.PathLike[str], **storage_options: Any
) -> tuple[Project, History]:
    """The project at a path or URL, and all that has happened in it.

    Raises:
        FileNotFoundError: There is none.
    """
    project = Project.at(project_url, **storage_options)
    return project, read_history(project)[0]


def read_history(project: Project) -> tuple[History, list[Event]]:
    """All that has happened in a project, and the events that tell it.

    Args:
        project: One that was not read from before: it is read from where it was left.

    Raises:
        FileNotFoundError: There is none.
    """
    info = project.info()
    if info is None:
        msg = "Expected a project."
        received = f"project_url={str(project.store)!r}, where there is no project.json"
        raise FileNotFoundError(f"{msg} Received: {received}.")
    history = History.of_project(info)
    with no_collections():
        entries = project.entries()
        replay_entries(history, entries)
    return history, [event for entry in entries for event in entry.events]


def earlier_trials_read(
    urls: Iterable[str], history: History, objective: Objective
) -> list[EarlierTrialsRead]:
    """The events that tell a search of trials of earlier ones, those it knows left out.

    Args:
        urls: Paths or URLs of projects, as `warm_start_from` has them.
        history: Of the search.
        objective: What it is to improve from now on.

    Raises:
        ValueError: There is no project, or its trials did not record the objective.
    """
    known = history.earlier if history.objective == objective else {}
    new = [url for url in urls if url not in known]
    return [EarlierTrialsRead(url, to_json(read_earlier(url, objective))) for url in new]


def read_earlier(url: str, objective: Objective) -> list[dict[str, Any]]:
    """The completed trials of another project: `values` and `score` of each, in their order.

    Args:
        url: Path or fsspec URL of the project.
        objective: Of the new search; by another one they are scored anew.

    Raises:
        ValueError: There is no project, or its trials did not record the objective.
    """
    project = Project.at(url)
    if project.info() is None:
        msg = "Expected `warm_start_from` to be paths or URLs of projects."
        raise ValueError(f"{msg} Received: {url!r}, where there is no project.json.")
    history, _ = read_history(project)
    replay(history, objective_changed(history, objective, project))
    ranked = history.ranked()
    best, others = ranked[: LARGEST // 2], {t.trial_id for t in ranked[LARGEST // 2 :]}
    kept = {t.trial_id for t in best}
    kept |= set([i for i in history.end_order if i in others][-LARGEST // 2 :])
    return [
        {"values": trial.values, "score": trial.score, "metrics": trial.metrics.best_values()}
        for trial in history.trials.values()
        if trial.trial_id in kept
    ]
