"""The Prefect flow that goes on with a search, whatever stopped it."""

from __future__ import annotations

from typing import Any

from prefect import flow

from flows.forms import takes, with_form
from flows.parameters import ResumeParameters
from flows.present import open_project
from flows.running.project_runs import run_name
from flows.running.run_settings import RunSettings
from flows.search import search


@with_form
@flow(name="resume", flow_run_name=run_name)
@takes(ResumeParameters)
def resume(told: ResumeParameters) -> Any:
    """Goes on with a search, with the study and the arguments it was started with.

    Returns:
        What `trialflow resume --json` prints; see `flows.present.SearchResult`.
    """
    project = open_project(told.project_url).project
    arguments = RunSettings.load(project, told.study).again(project)
    return search.fn(**arguments, **told.changes())  # in this run: a retry has one run to retry
