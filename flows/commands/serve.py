"""`trialflow serve`: a search on a schedule, in one process and without a work pool."""

from __future__ import annotations

import contextlib
import sys
import warnings
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.answers import Debug, Json, answered, print_json
from flows.commands.scheduling import CRON, Paused, Timezone, schedule_of
from flows.forms import with_options
from flows.parameters import PREVIOUS, SearchParameters, given
from flows.project_names import project_name_of
from flows.running.each_run import template_of
from flows.running.stopping import TerminatedError, raise_when_asked_to_stop
from flows.server import hush_prefect, prefect_server
from tuner.core.own_packages import check_not_hidden
from tuner.tuners.study import load_study
from tuner.tuners.study_check import check_study


# Not --overwrite: each time it would begin anew.
@with_options(SearchParameters, but=["overwrite"])
def serve(
    cron: Annotated[str, typer.Option(help=CRON)],
    timezone: Timezone = "UTC",
    as_json: Json = False,
    debug: Debug = False,
    **options: Any,
) -> None:
    """Search at the times of a schedule, as long as this command runs.

    A search that was stopped goes on at the next time. While one is running no other begins.
    Further runs may be started in the Prefect UI, with other parameters.

    Exit status: 1 it failed, 0 it was stopped, by Ctrl-C or SIGTERM.
    """
    raise_when_asked_to_stop()
    # Prefect answers SIGTERM by an attempt to stop that its own end overtakes.
    warnings.filterwarnings("ignore", message="coroutine 'Runner.astop' was never awaited")
    with contextlib.suppress(KeyboardInterrupt, TerminatedError), answered(debug=debug):
        options["timezone"] = timezone
        _serve({**given(options), **_place(**options)}, cron, timezone, as_json=as_json)
    typer.echo("Stopped.", err=as_json)


def _place(study: str, directory: str, project_name: str | None, **rest: Any) -> dict[str, Any]:
    """What is searched and where, as it is called from everywhere: a run may start elsewhere."""
    check_not_hidden(Path.cwd(), "flows")  # what its runs import first
    named = {name: rest[name] for name in ("warm_start", "publish") if rest.get(name)}
    check_study(study)
    return {
        "study": str(load_study(study).path),
        "directory": _absolute(directory),
        "project_name": project_name_of(study, project_name),
        **{name: url if url == PREVIOUS else _absolute(url) for name, url in named.items()},
    }


def _absolute(path: str) -> str:
    return path if "://" in path else str(Path(path).absolute())


def _serve(parameters: dict[str, Any], cron: str, timezone: str, *, as_json: bool) -> None:
    hush_prefect()
    schedule = schedule_of(cron, timezone)
    name = template_of(SearchParameters(**parameters)).stem
    with prefect_server(lambda text: typer.echo(text, err=as_json)) as ui:
        from prefect import serve as serve_deployments
        from prefect.client.orchestration import get_client
        from prefect.deployments.runner import RunnerDeployment
        from prefect.types.entrypoint import EntrypointType

        from flows.confirmed_cancels import confirm_cancels
        from flows.search import search

        confirm_cancels()
        with get_client(sync_client=True) as client:
            paused = Paused.read(client, f"{search.name}/{name}")
        deployment = RunnerDeployment.from_flow(
            search,
            name=name,
            schedule=paused.applied_to(schedule),
            paused=paused.deployment,
            parameters=parameters,
            description=f"Searches {parameters['study']}; what was stopped goes on.",
            # By its path Prefect would make a second copy of the module.
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        if as_json:
            times = {"cron": cron, "timezone": timezone}
            print_json({"deployment": deployment.full_name, "ui": ui, **times, **parameters})
        else:
            typer.echo(f"Searching {parameters['study']} at {cron} {timezone}. Stop with Ctrl-C.")
            if ui is not None:
                typer.echo(f"Prefect UI while this runs: {ui}")
        # What runs print is no part of the answer.
        with contextlib.redirect_stdout(sys.stderr if as_json else sys.stdout):
            serve_deployments(
                deployment, pause_on_shutdown=False, limit=1, print_starting_message=False
            )
