"""`trialflow deploy`: a study on the work pool of a Prefect server."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from flows.commands.answers import Debug, Json, answered, print_json
from flows.commands.scheduling import CRON, Timezone, given, schedule_of
from flows.commands.search import search
from flows.configured_server import configured_server
from flows.options.project import Directory, ProjectName, Study
from flows.options.shared import with_options_of
from flows.server import hush_prefect


# Not --overwrite: each scheduled run would begin anew.
@with_options_of(search, but=["overwrite"])
def deploy(
    study: Study,
    cron: Annotated[
        str | None, typer.Option(help=CRON, show_default="when a run is started")
    ] = None,
    timezone: Timezone = "UTC",
    pool: Annotated[
        str, typer.Option(help="Work pool; made, for processes, where there is none.")
    ] = "trialflow",
    directory: Directory = "results",
    project_name: ProjectName = None,
    as_json: Json = False,
    debug: Debug = False,
    **options: Any,
) -> None:
    """Put a study onto a Prefect server: deployments that search, resume and report.

    Their runs start in this working directory, on a machine with a worker of the pool. Run again,
    the deployments are replaced.
    """
    hush_prefect()
    with answered(debug=debug):
        made = _deploy(pool, cron, timezone, (study, directory, project_name), given(options))
    if as_json:
        print_json(made)
        return
    state = "made" if made["pool_created"] else "was there already"
    typer.echo(f"Work pool {pool} ({made['pool_type']}, {state}): {made['pool_url']}")
    for name, url in made["deployments"].items():
        typer.echo(f"Deployed {name}: {url}")
    when = "when a run is started" if cron is None else f"at {cron} {timezone}"
    first = next(iter(made["deployments"]))
    typer.echo(f"Searches {when}. To start one now: prefect deployment run {first}")
    typer.echo(f"A worker runs them, as long as it runs: {made['worker']}")


def _deploy(
    pool_name: str,
    cron: str | None,
    timezone: str,
    what: tuple[str, str, str | None],
    options: dict[str, Any],
) -> dict[str, Any]:
    from flows.commands import deploying

    place = deploying.place_of(*what)
    schedule = None if cron is None else schedule_of(cron, timezone)
    with configured_server() as client:
        from prefect.utilities.urls import url_for

        pool, created = deploying.pool_of(client, pool_name)
        deploying.check_reachable(pool, place["directory"])
        made = deploying.create_deployments(pool, place, options, schedule)
        return {
            "pool": pool.name,
            "pool_type": pool.type,
            "pool_created": created,
            "pool_url": url_for("work-pool", obj_id=pool.name),
            "deployments": {name: url_for("deployment", obj_id=i) for name, i in made.items()},
            "cron": cron,
            "timezone": timezone,
            "worker": f"prefect worker start --pool {pool.name}",
        }
