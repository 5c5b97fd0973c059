"""The Prefect flow that goes on with a search, whatever stopped it."""

from __future__ import annotations

from typing import Annotated, Any

from prefect import flow
from pydantic import Field

from flows.form import with_form
from flows.project_runs import ProjectUrl, run_name
from flows.projects import open_project
from flows.run_settings import RunSettings
from flows.search import search
from flows.slot_options import SlotCount


@with_form
@flow(name="resume", flow_run_name=run_name)
def resume(
    project_url: ProjectUrl,
    study: Annotated[
        str | None, Field(description="Path or module name of the study, should it have moved.")
    ] = None,
    slots: SlotCount = None,
    wait: Annotated[
        bool, Field(description="Wait until a search that runs on the project has ended.")
    ] = False,
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
