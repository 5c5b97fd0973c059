"""`trialflow serve`: a search on a schedule, in one process and without a work pool."""

from __future__ import annotations

import contextlib
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.answers import Debug, answered
from flows.project import project_name_of
from flows.server import hush_prefect, prefect_server
from flows.stopping import TerminatedError, raise_on_sigterm
from tuner.study import load_study


def serve(
    study: Annotated[str, typer.Argument(help="Path or module name of the study file.")],
    cron: Annotated[
        str, typer.Option(help='When to search: minute, hour, day, month, weekday ("0 2 * * *").')
    ],
    timezone: Annotated[str, typer.Option(help="Of the schedule.")] = "UTC",
    directory: Annotated[
        str, typer.Option(help="Path or fsspec URL under which projects lie.")
    ] = "results",
    project_name: Annotated[
        str | None, typer.Option(help="Name of the project.", show_default="the study's name")
    ] = None,
    slots: Annotated[int, typer.Option(min=1, help="Trials that run at the same time.")] = 1,
    debug: Debug = False,
) -> None:
    """Search at the times of a schedule, as long as this command runs.

    A search that was stopped goes on at the next time. While one is running no other begins.
    Further runs may be started in the Prefect UI, with other parameters.

    Exit status: 1 it failed, 0 it was stopped, by Ctrl-C or SIGTERM.
    """
    raise_on_sigterm()
    # Prefect answers SIGTERM by an attempt to stop that its own end overtakes.
    warnings.filterwarnings("ignore", message="coroutine 'Runner.astop' was never awaited")
    with contextlib.suppress(KeyboardInterrupt, TerminatedError), answered(debug=debug):
        _serve(_parameters(study, directory, project_name, slots), cron, timezone)
    typer.echo("Stopped.")


def _parameters(study: str, directory: str, project_name: str | None, slots: int) -> dict[str, Any]:
    return {
        # A run may have another working directory.
        "study": str(load_study(study).path),
        "directory": _everywhere(directory),
        "project_name": project_name_of(study, project_name),
        "slots": slots,
    }


def _everywhere(directory: str) -> str:
    """A directory as it is called from everywhere."""
    return directory if "://" in directory else str(Path(directory).absolute())


def _serve(parameters: dict[str, Any], cron: str, timezone: str) -> None:
    hush_prefect()
    with prefect_server(typer.echo) as ui:
        from prefect import serve as serve_deployments
        from prefect.deployments.runner import RunnerDeployment
        from prefect.schedules import Cron
        from prefect.types.entrypoint import EntrypointType

        from flows.search import search

        deployment = RunnerDeployment.from_flow(
            search,
            name=parameters["project_name"],
            schedule=Cron(cron, timezone),
            parameters=parameters,
            description=f"Searches {parameters['study']}; what was stopped goes on.",
            # By its path Prefect would make a second copy of the module.
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        typer.echo(f"Searching {parameters['study']} at {cron} {timezone}. Stop with Ctrl-C.")
        if ui is not None:
            typer.echo(f"Prefect UI while this runs: {ui}")
        serve_deployments(
            deployment, pause_on_shutdown=False, limit=1, print_starting_message=False
        )
