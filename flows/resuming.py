"""The Prefect flow that goes on with a search, whatever stopped it."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.options.project import Moved, Wait
from flows.options.slots import SlotCount
from flows.projects import open_project
from flows.running.form import with_form
from flows.running.project_runs import ProjectUrl, run_name
from flows.running.run_settings import RunSettings
from flows.search import search


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
