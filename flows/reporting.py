"""The Prefect flow that shows how far a search is, while it runs or after its end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from prefect import flow

from flows.forms import takes, with_form
from flows.parameters import ReportParameters
from flows.present import open_project, result_of
from flows.running import artifacts
from flows.running.artifacts import publish_report
from flows.running.project_runs import run_name


@with_form
@flow(name="report", flow_run_name=run_name)
@takes(ReportParameters)
def report(told: ReportParameters) -> dict[str, Any]:
    """Publishes leaderboard and figures of a project, which is only read.

    Returns:
        See `flows.present.SearchResult`; all but its leaderboard is what
        `trialflow search --json` prints.
    """
    found = open_project(told.project_url)
    history = found.history
    result = result_of(history, found.project.url, 0.0, len(history.end_order))
    artifacts.publish_leaderboard(result)
    publish_report(found.project, result)
    if told.output is not None:
        found.write_report(Path(told.output))
    return result.to_json()
