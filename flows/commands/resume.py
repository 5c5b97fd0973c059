"""`trialflow resume`: a search goes on as it was started."""

from __future__ import annotations

from typing import Any

from flows.commands.answers import Debug, Json, answered
from flows.commands.search import search_and_show
from flows.forms import with_options
from flows.parameters import ResumeParameters
from flows.present import open_project
from flows.running.run_settings import RunSettings


@with_options(ResumeParameters)
def resume(as_json: Json = False, debug: Debug = False, **options: Any) -> None:
    """Go on with a search, with the study and the options it was started with, but for those given.

    A --timeout is not kept from one run to the next.

    Exit status: 0 the search ended, 1 it failed, 3 another process runs it, 130 Ctrl-C or
    cancelled, 143 SIGTERM.
    """
    with answered(debug=debug):
        told = ResumeParameters(**options)
        found = open_project(told.project_url)
        saved = RunSettings.load(found.project, told.study)
    parameters = {**saved.again(found.project), **told.changes()}
    search_and_show(parameters, as_json=as_json, debug=debug)
