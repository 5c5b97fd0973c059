"""The command line."""

from __future__ import annotations

import json
import os
import shlex
import signal
import sys
from typing import Annotated, Any, NoReturn

import typer

from flows import tables
from flows.projects import Found, open_project
from storage import FencedError, LeaseHeldError, StorageError

app = typer.Typer(
    name="trialflow",
    help="Hyperparameter search for Keras, run as a Prefect flow.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

FAILED = 1
BUSY = 3
INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM
"""Exit statuses: the search failed; somebody else runs it; Ctrl-C; asked to end."""


class TerminatedError(BaseException):
    """The process was asked to end."""


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object and nothing else.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
ProjectUrl = Annotated[str, typer.Argument(help="Path or URL of the project.")]


@app.callback()
def trialflow() -> None:
    """Keeps the commands apart even while there are few."""


@app.command(
    epilog="Example: trialflow search examples/digits.py --slots 2 --max-trials 20",
)
def search(
    study: Annotated[str, typer.Argument(help="Path or module name of the study file.")],
    directory: Annotated[
        str, typer.Option(help="Path or fsspec URL under which projects lie.")
    ] = "results",
    project_name: Annotated[
        str | None, typer.Option(help="Name of the project.", show_default="the study's name")
    ] = None,
    slots: Annotated[int, typer.Option(min=1, help="Trials that run at the same time.")] = 1,
    max_trials: Annotated[
        int | None, typer.Option(min=1, help="Number of trials, instead of the study's.")
    ] = None,
    executions_per_trial: Annotated[
        int | None, typer.Option(min=1, help="Trainings per trial, instead of the study's.")
    ] = None,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Delete what the project holds, and begin anew.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Search hyperparameters; on a project that exists, go on where that stopped.

    Exit status: 0 the search ended, 1 it failed, 3 somebody else runs it, 130 Ctrl-C, 143 SIGTERM.
    """
    parameters = {
        "study": study,
        "directory": directory,
        "project_name": project_name,
        "slots": slots,
        "max_trials": max_trials,
        "executions_per_trial": executions_per_trial,
        "overwrite": overwrite,
    }
    signal.signal(signal.SIGTERM, _terminate)
    try:
        result = _run_flow(parameters, to_stderr=as_json)
    except (KeyboardInterrupt, TerminatedError) as stop:
        _say(f"Stopped. To go on: {_resume_command()}", to_stderr=True)
        status = INTERRUPTED if isinstance(stop, KeyboardInterrupt) else TERMINATED
        raise typer.Exit(status) from None
    except Exception as error:
        if debug:
            raise
        _fail(error)
    if as_json:
        _print_json({k: v for k, v in result.items() if k != "leaderboard"})
    else:
        typer.echo(tables.leaderboard(result))


@app.command()
def status(project_url: ProjectUrl, as_json: Json = False, debug: Debug = False) -> None:
    """Show how far a search is: its trials, their states and scores."""
    found = _find(project_url, debug=debug)
    if as_json:
        _print_json(found.status())
    else:
        typer.echo(tables.status(found))


@app.command()
def best(project_url: ProjectUrl, as_json: Json = False, debug: Debug = False) -> None:
    """Show the best trial and its hyperparameters."""
    found = _find(project_url, debug=debug)
    if as_json:
        _print_json({"project": found.project.url, "best": found.best()})
    else:
        typer.echo(tables.best(found))


def main() -> None:
    """Entry point of the console script."""
    app()


def _run_flow(parameters: dict[str, Any], *, to_stderr: bool) -> dict[str, Any]:
    # Prefect's own log lines would tear the display; all of them still reach its API.
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")  # a search sends nothing to anybody
    from flows.server import prefect_server

    stream = sys.stderr if to_stderr else sys.stdout
    with prefect_server(lambda text: _say(text, to_stderr=to_stderr)) as ui:
        from flows.search import search as flow
        from flows.watching import progress_on

        if ui is not None:
            _say(f"Prefect UI while this runs: {ui}", to_stderr=to_stderr)
        with progress_on(stream):
            result: dict[str, Any] = flow(**parameters)
    return result


def _find(project_url: str, *, debug: bool) -> Found:
    try:
        return open_project(project_url)
    except (StorageError, ValueError, OSError) as error:
        if debug:
            raise
        _fail(error)


def _terminate(*_: object) -> NoReturn:
    """Prefect has its own handler while the flow runs, and calls this one when it is through."""
    raise TerminatedError


def _fail(error: Exception) -> NoReturn:
    _say(f"Error: {error}", to_stderr=True)
    taken = isinstance(error, LeaseHeldError | FencedError)
    raise typer.Exit(BUSY if taken else FAILED) from None


def _say(text: str, *, to_stderr: bool) -> None:
    typer.echo(text, err=to_stderr)


def _print_json(state: dict[str, Any]) -> None:
    typer.echo(json.dumps(state, allow_nan=False))


def _resume_command() -> str:
    """The command as it was typed: run again, it resumes; without what would begin anew."""
    words = [word for word in sys.argv[1:] if word != "--overwrite"]
    return shlex.join(["trialflow", *words])
