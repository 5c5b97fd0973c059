"""How far the attempts at a trial have come, whose processes died."""

from __future__ import annotations

import json

from storage import KeyMissingError
from tuner.state.project import Project
from tuner.trial import Trial

Progress = tuple[int, int]
"""Executions of a trial that have ended, and epochs of the next one."""

NOTHING: Progress = (0, 0)


class Attempts:
    """Tells a trial that dies over and over again from one that gets on between its deaths."""

    def __init__(self) -> None:
        self._progress: dict[str, Progress] = {}

    def got_on(self, project: Project | None, trial: Trial) -> bool:
        """Whether the trial has left more on the store than when this was asked last."""
        before = self._progress.get(trial.trial_id, NOTHING)
        now = NOTHING if project is None else progress_of(project, trial)
        self._progress[trial.trial_id] = now
        return now > before


def progress_of(project: Project, trial: Trial) -> Progress:
    """What a trial has left on the store."""
    paths = project.paths.trial(trial.trial_id)
    if not project.store.list(paths.folder):
        return NOTHING
    ended = 0
    while project.store.exists(paths.execution(ended, trial.retries).result):
        ended += 1
    try:
        manifest = json.loads(project.store.read(paths.execution(ended, trial.retries).manifest))
        return ended, int(manifest["epoch"])
    except (KeyMissingError, ValueError, KeyError, TypeError):
        return ended, 0
