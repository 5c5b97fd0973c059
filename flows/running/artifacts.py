"""What a search leaves in the Prefect UI."""

from __future__ import annotations

import logging
import re
import shlex
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

from prefect import runtime
from prefect.artifacts import (
    create_link_artifact,
    create_progress_artifact,
    create_table_artifact,
    update_progress_artifact,
)
from prefect.client.orchestration import get_client

from flows.opening import project_name_of
from flows.result import SearchResult
from storage import split_url
from tuner.oracle import Oracle
from tuner.search.progress import number
from tuner.state.project import Project

logger = logging.getLogger(__name__)

INTERVAL = 2.0
"""Least seconds between two updates: each one is a request, and trials may take milliseconds."""


def introduce(project: Project, study: str, oracle: Oracle) -> None:
    """Says on the flow run what is searched, by what, and where it lies."""
    url = project.url if "://" in project.url else Path(project.url).as_uri()
    tags = {"trialflow", f"study: {project_name_of(study, None)}", type(oracle).__name__}
    attempt(lambda: _tag(tags))
    key = artifact_key("project", project.url)
    description = f"Where the search lies: `trialflow status {shlex.quote(project.url)}`"
    attempt(lambda: create_link_artifact(url, link_text=url, key=key, description=description))


def _tag(tags: set[str]) -> None:
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(UUID(str(runtime.flow_run.id)))
        client.update_flow_run(run.id, tags=[*run.tags, *sorted(tags.difference(run.tags))])


class Progress:
    """The live artifact: which share of the planned trials has ended."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self._artifact: UUID | None = None
        self._next = 0.0

    def update(self, *, at_once: bool = False) -> None:
        """Publishes how far the search is; skipped when that was done just now."""
        total = self.oracle.planned_trials
        if total is None or (time.monotonic() < self._next and not at_once):
            return
        self._next = time.monotonic() + INTERVAL
        percent = min(100.0, 100 * len(self.oracle.search_history.end_order) / max(1, total))
        if self._artifact is None:
            self._artifact = attempt(
                lambda: create_progress_artifact(percent, description="Share of trials ended")
            )
        else:
            artifact = self._artifact
            attempt(lambda: update_progress_artifact(artifact, percent))


def publish_leaderboard(result: SearchResult) -> None:
    """The best trials as a table, one column a hyperparameter."""
    rows = [_row(row) for row in result.leaderboard]
    if rows:
        key = artifact_key("leaderboard", result.project)
        description = f"Best trials of {result.project} by {result.objective}"
        attempt(lambda: create_table_artifact(rows, key=key, description=description))


def _row(row: Mapping[str, Any]) -> dict[str, Any]:
    """A trial as a row of the table; hyperparameters come last, whatever they are called."""
    spread = "" if row["spread"] is None else f" ± {number(row['spread'])}"
    shown = {
        "rank": row["rank"],
        "trial": row["trial_id"],
        "score": f"{number(row['score'])}{spread}",
        "epochs": row["epochs"],
        "seconds": row["seconds"],
    }
    return shown | {f"hp {k}" if k in shown else k: v for k, v in row["values"].items()}


def artifact_key(kind: str, project: str) -> str:
    """The key of a project's artifact: its versions line up over the runs."""
    name = re.sub(r"[^a-z0-9]+", "-", split_url(project)[1].lower()).strip("-")
    return f"{kind}-{name}"


def attempt(publish: Callable[[], Any]) -> Any:
    """A picture for the UI is not worth a search: a server that is away costs a log line."""
    try:
        return publish()
    except Exception as error:  # noqa: BLE001 - see above
        logger.warning("Prefect did not take an artifact: %s", error)
        return None
