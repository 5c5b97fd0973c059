"""`trialflow search`: the flow `flows.search.search`, from the command line."""

from __future__ import annotations

import sys
from typing import Any

import typer

from flows.commands import tables
from flows.commands.answers import Debug, Json, answered, print_json
from flows.forms import with_options
from flows.parameters import SearchParameters
from flows.present import without_leaderboard
from flows.running.each_run import template_of
from flows.running.stopping import (
    INTERRUPTED,
    TerminatedError,
    raise_when_asked_to_stop,
    resume_command,
    status_of,
)
from flows.server import hush_prefect, prefect_server
from storage import project_url
from tuner.core.runtime import within
from tuner.tuners.study_check import check_study


def search_and_show(parameters: dict[str, Any], *, as_json: bool, debug: bool) -> None:
    """Runs a search as a flow; ends the command with the exit status that tells how it went.

    Args:
        parameters: Of the flow.
        as_json: Whether standard output gets one JSON object and nothing else.
        debug: Whether an error shows its traceback.
    """
    raise_when_asked_to_stop()
    try:
        with answered(debug=debug):
            result = _run_flow(parameters, to_stderr=as_json)
    except (KeyboardInterrupt, TerminatedError) as stop:
        typer.echo(f"Stopped. To go on: {_command_that_goes_on(parameters)}", err=True)
        raise typer.Exit(status_of(stop)) from None
    if as_json:
        print_json(without_leaderboard(result))
    else:
        typer.echo(tables.leaderboard(result))


def _run_flow(parameters: dict[str, Any], *, to_stderr: bool) -> dict[str, Any]:
    check_study(parameters["study"])  # before a server starts for nothing
    hush_prefect()
    with prefect_server(lambda text: typer.echo(text, err=to_stderr)) as ui:
        from prefect.exceptions import CancelledRun

        from flows.search import search

        if ui is not None:
            typer.echo(f"Prefect UI while this runs: {ui}", err=to_stderr)
        with within(stream=sys.stderr if to_stderr else sys.stdout):
            try:
                result: dict[str, Any] = search(**parameters)
            except CancelledRun:
                go_on = _command_that_goes_on(parameters)
                typer.echo(f"Cancelled. To go on: {go_on}", err=True)
                raise typer.Exit(INTERRUPTED) from None
    return result


def _command_that_goes_on(parameters: dict[str, Any]) -> str:
    """The command as it was typed, but for what would begin anew."""
    told = SearchParameters(**parameters)
    template = template_of(told)
    projects = template.projects(told.directory) if template.changes else []
    if projects:
        return resume_command(["resume", project_url(told.directory, projects[-1])])
    return resume_command([word for word in sys.argv[1:] if word != "--overwrite"])


@with_options(SearchParameters)
def search(as_json: Json = False, debug: Debug = False, **parameters: Any) -> None:
    """Search hyperparameters; on a project that exists, go on where that stopped.

    Exit status: 0 the search ended, 1 it failed, 3 another process runs it, 130 Ctrl-C or
    cancelled, 143 SIGTERM.
    """
    search_and_show(parameters, as_json=as_json, debug=debug)
