"""`trialflow retry`: trials that have failed are tried again."""

from __future__ import annotations

import time
from typing import Annotated, Any

import typer

from flows.commands.answers import Debug, Json, answered
from flows.commands.search import search_and_show
from flows.forms import with_options
from flows.parameters import ResumeParameters
from flows.present import open_project
from flows.running.run_settings import RunSettings
from tuner.oracles.taking_over import reopen_trials
from tuner.tuners.study_check import check_study

Trials = Annotated[
    list[str] | None,
    typer.Argument(help="Ids of trials that have failed.", show_default="all that have failed"),
]


@with_options(ResumeParameters, but=("retry_failed",))
def retry(
    project_url: Annotated[str, typer.Argument(help="Path or URL of the project.")],
    trials: Trials = None,
    as_json: Json = False,
    debug: Debug = False,
    **options: Any,
) -> None:
    """Try trials again that have failed, and go on with the search.

    They keep their numbers and values, and train from their first epoch. After a change of the
    study's code, `trialflow search` and `resume` do so by themselves.

    Exit status: 0 the search ended, 1 it failed, 3 another process runs it, 130 Ctrl-C or
    cancelled, 143 SIGTERM.
    """
    with answered(debug=debug):
        told = ResumeParameters(project_url=project_url, **options)
        project = open_project(project_url).project
        saved = RunSettings.load(project, told.study)
        check_study(saved.study)  # before its trials are opened again
        again = reopen_trials(project, trials or [], time.time())
        if not again:
            raise ValueError(f"Expected trials of {project.url} that have failed. Received: none.")
    typer.echo(f"Tried again: trials {', '.join(again)}.", err=True)
    parameters = {**saved.again(project), **told.changes()}
    search_and_show(parameters, as_json=as_json, debug=debug)
