"""Runs the flow for a command, and tells how the search ended."""

from __future__ import annotations

import sys
from typing import Any

import typer

from flows.commands import tables
from flows.commands.answers import answered, print_json
from flows.result import without_leaderboard
from flows.running.stopping import (
    INTERRUPTED,
    TerminatedError,
    raise_when_asked_to_stop,
    resume_command,
    status_of,
)
from flows.server import hush_prefect, prefect_server
from tuner.study import locate_study


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
        typer.echo(f"Stopped. To go on: {resume_command(_words())}", err=True)
        raise typer.Exit(status_of(stop)) from None
    if as_json:
        print_json(without_leaderboard(result))
    else:
        typer.echo(tables.leaderboard(result))


def _run_flow(parameters: dict[str, Any], *, to_stderr: bool) -> dict[str, Any]:
    locate_study(parameters["study"])  # before a server starts for nothing
    hush_prefect()
    with prefect_server(lambda text: typer.echo(text, err=to_stderr)) as ui:
        from prefect.exceptions import CancelledRun

        from flows.running.watching import progress_on
        from flows.search import search

        if ui is not None:
            typer.echo(f"Prefect UI while this runs: {ui}", err=to_stderr)
        with progress_on(sys.stderr if to_stderr else sys.stdout):
            try:
                result: dict[str, Any] = search(**parameters)
            except CancelledRun:
                typer.echo(f"Cancelled. To go on: {resume_command(_words())}", err=True)
                raise typer.Exit(INTERRUPTED) from None
    return result


def _words() -> list[str]:
    """The command as it was typed, but for what would begin anew."""
    return [word for word in sys.argv[1:] if word != "--overwrite"]
