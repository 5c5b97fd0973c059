"""Reads what earlier searches found, for one that begins."""

from __future__ import annotations

from typing import Any

from tuner.objective import Objective
from tuner.state.history import History
from tuner.state.project import Project

LARGEST = 400
"""Trials taken over from one project at most: half the best, half the last of the others."""


def read_earlier(url: str, objective: Objective) -> list[dict[str, Any]]:
    """The completed trials of another project: `values` and `score` of each, in their order.

    Args:
        url: Path or fsspec URL of the project.
        objective: Of the new search; it must be the earlier one's.

    Raises:
        ValueError: There is no project, or its objective is another.
    """
    project = Project.at(url)
    info = project.info()
    if info is None:
        msg = "Expected `warm_start_from` to be paths or URLs of projects."
        raise ValueError(f"{msg} Received: {url!r}, where there is no project.json.")
    info.check_objective(objective.to_json(), project.url)
    history = History.of_project(info)
    history.replay(project.events())
    ranked = history.ranked()
    best, others = ranked[: LARGEST // 2], {t.trial_id for t in ranked[LARGEST // 2 :]}
    kept = {t.trial_id for t in best}
    kept |= set([i for i in history.end_order if i in others][-LARGEST // 2 :])
    return [
        {"values": trial.values, "score": trial.score, "metrics": _metrics(trial.metrics)}
        for trial in history.trials.values()
        if trial.trial_id in kept
    ]


def _metrics(tracker: Any) -> dict[str, float]:
    found = {name: tracker.get_best_value(name) for name in tracker.metrics}
    return {name: value for name, value in found.items() if value is not None}
