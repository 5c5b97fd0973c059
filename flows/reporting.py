"""The Prefect flow that shows how far a search is, while it runs or after its end."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

from prefect import flow
from pydantic import Field

from flows.projects import open_project
from flows.result import result_of
from flows.running import artifacts
from flows.running.form import with_form
from flows.running.project_runs import ProjectUrl, run_name
from flows.running.report_artifact import publish_report


@with_form
@flow(name="report", flow_run_name=run_name)
def report(
    project_url: ProjectUrl,
    output: Annotated[
        str | None, Field(description="HTML file to write as well, on the worker's machine.")
    ] = None,
) -> dict[str, Any]:
    """Publishes leaderboard and figures of a project, which is only read.

    Returns:
        See `flows.result.SearchResult`; all but its leaderboard is what
        `trialflow search --json` prints.
    """
    found = open_project(project_url)
    history = found.history
    result = result_of(history, found.project.url, 0.0, len(history.end_order))
    artifacts.publish_leaderboard(result)
    publish_report(found.project, result)
    if output is not None:
        found.write_report(Path(output))
    return result.to_json()
