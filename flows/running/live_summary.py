"""The live page of a flow run: a summary of the search, rewritten while it goes on."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any
from uuid import UUID

from prefect.artifacts import create_markdown_artifact
from prefect.client.orchestration import get_client
from prefect.client.schemas.actions import ArtifactUpdate

from flows.running.artifacts import artifact_key, attempt
from tuner.core.trial import Trial
from tuner.results.markdown import RunningTrial, search_markdown
from tuner.search.progress import Display

INTERVAL, UNCHANGED = 3.0, 15.0
"""Least seconds between two updates, since each is a request; and where nothing has happened."""


class LiveSummary(Display):
    """Keeps an artifact up to date, and passes on what it is told to another display.

    Args:
        display: Shows the search on this machine.
        url: Path or URL of the project.
    """

    def __init__(self, display: Display, url: str) -> None:
        super().__init__(display.oracle)
        self._display = display
        self._url = url
        self._running: dict[str, RunningTrial] = {}
        self._artifact: UUID | None = None
        self._next = 0.0
        self._changed = True
        self._published = 0.0

    def publish(self, *, at_once: bool = False) -> None:
        """Rewrites the artifact; skipped when that was done just now."""
        now = time.monotonic()
        due = self._next if self._changed else self._published + UNCHANGED
        if now < due and not at_once:
            return
        self._next, self._published, self._changed = now + INTERVAL, now, False
        text = self._text()
        if self._artifact is None:
            self._artifact = attempt(lambda: self._create(text))
        else:
            artifact = self._artifact
            attempt(lambda: _update(artifact, text))

    def _create(self, text: str) -> UUID:
        key = artifact_key("summary", self._url)
        made: Any = create_markdown_artifact(text, key=key, description="The search, live")
        return UUID(str(made))

    def _text(self) -> str:
        with self.oracle.lock:  # trials begin and end in other threads
            running = sorted(self._running.values(), key=lambda each: each.trial.trial_id)
            return search_markdown(
                self.oracle.search_history, self._url, self._display.progress(), running
            )

    def note(self, text: str) -> None:
        self._display.note(text)

    def trial_began(self, trial: Trial) -> None:
        with self.oracle.lock:
            self._running[trial.trial_id] = RunningTrial(trial, time.time())
            self._changed = True
        self._display.trial_began(trial)

    def epoch_ended(self, trial: Trial, epoch: int, logs: Mapping[str, Any]) -> None:
        with self.oracle.lock:
            known = self._running.get(trial.trial_id)
            if known is not None:
                score = self._better(known.score, logs)
                self._running[trial.trial_id] = replace(known, epoch=epoch + 1, score=score)
                self._changed = True
        self._display.epoch_ended(trial, epoch, logs)

    def _better(self, known: float | None, logs: Mapping[str, Any]) -> float | None:
        objective = self.oracle.objective
        if not objective.has_value(logs):
            return known
        value = objective.get_value(logs)
        return value if known is None or objective.better_than(value, known) else known

    def trial_ended(self, trial: Trial) -> None:
        with self.oracle.lock:
            self._running.pop(trial.trial_id, None)
            self._changed = True
        self._display.trial_ended(trial)


def _update(artifact: UUID, text: str) -> None:
    with get_client(sync_client=True) as client:
        client.update_artifact(artifact_id=artifact, artifact=ArtifactUpdate(data=text))
