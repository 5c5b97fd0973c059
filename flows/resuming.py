"""The Prefect flow that goes on with a search, whatever stopped it."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow, runtime
from pydantic import Field

from flows.form import with_form
from flows.project_options import Moved, Wait
from flows.projects import open_project
from flows.run_settings import RunSettings
from flows.search import search
from flows.slot_options import SlotCount

ProjectUrl = Annotated[
    str, Field(title="Project URL", description="Path or URL of the project.", min_length=1)
]


def run_name() -> str:
    """A run on a project is named after it."""
    url: str = runtime.flow_run.parameters["project_url"]
    return url.rstrip("/").rsplit("/", 1)[-1]


@with_form
@flow(name="resume", flow_run_name=run_name)
def resume(
    project_url: ProjectUrl,
    study: Moved = None,
    slots: SlotCount = None,
    wait: Wait = False,
) -> Any:
    """Goes on with a search, with the study and the arguments it was started with.

    Returns:
        What `trialflow resume --json` prints; see `flows.result.SearchResult`.
    """
    project = open_project(project_url).project
    arguments = {**RunSettings.load(project, study).again(project), "wait": wait}
    if slots is not None:
        arguments["slots"] = slots
    return search.fn(**arguments)  # in this run: a retry has one run to retry
