"""`trialflow deploy`: a study on the work pool of a Prefect server."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.answers import Debug, Json, answered, print_json
from flows.commands.automations import SET_UP, has_automation, replace_automation
from flows.commands.scheduling import CRON, Paused, Timezone, schedule_of
from flows.forms import with_options
from flows.parameters import SearchParameters, given
from flows.project_names import project_name_of
from flows.running.each_run import template_of
from flows.server import configured_server, hush_prefect
from tuner.core.own_packages import check_not_hidden
from tuner.tuners.study import load_study
from tuner.tuners.study_check import check_study

if TYPE_CHECKING:
    from prefect import Flow
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.objects import WorkPool
    from prefect.schedules import Schedule


PROCESS = "process"
"""The type of a pool whose runs are processes of the worker's machine."""


def place_of(study: str, directory: str, project_name: str | None) -> dict[str, Any]:
    """What is searched and where, as a process calls it that starts in the working directory.

    Raises:
        ValueError: The study lies outside of it.
        ImportError: The directory has a module that hides ours.
        FileNotFoundError: There is no such study.
        SyntaxError: It is no Python; see `check_study` for this and other mistakes.
    """
    check_study(study)
    path, here = load_study(study).path, Path.cwd().resolve()
    check_not_hidden(here, "flows")  # what its runs import first
    is_path = study.endswith(".py") or "/" in study
    if is_path and not path.is_relative_to(here):
        msg = (
            "Expected the study to lie in the working directory or below, where a worker starts "
            f"its runs. Received: study={study!r} with the working directory {here}. "
            "Change to a folder that holds it."
        )
        raise ValueError(msg)
    return {
        "study": path.relative_to(here).as_posix() if is_path else study,
        "directory": directory,
        "project_name": project_name_of(study, project_name),
    }


def pool_of(client: SyncPrefectClient, name: str) -> tuple[WorkPool, bool]:
    """A work pool, and whether it was made just now, for processes, since there was none."""
    from prefect.client.schemas.actions import WorkPoolCreate
    from prefect.exceptions import ObjectNotFound
    from prefect.workers.process import ProcessWorker

    try:
        return client.read_work_pool(name), False
    except ObjectNotFound:
        template = ProcessWorker.get_default_base_job_template()
        pool = WorkPoolCreate(name=name, type=PROCESS, base_job_template=template)
        return client.create_work_pool(pool), True


def check_reachable(pool: WorkPool, directory: str) -> None:
    """Raises ValueError for a directory that would be gone with a run of the pool."""
    scheme = directory.partition("://")[0] if "://" in directory else "file"
    if pool.type != PROCESS and scheme in ("file", "local", "memory"):
        msg = (
            f"Expected --directory to be an object store, since the runs of a pool of the type "
            f"{pool.type} have no disk that stays. Received: directory={directory!r}."
        )
        raise ValueError(msg)


def create_deployments(
    client: SyncPrefectClient,
    pool: WorkPool,
    place: Mapping[str, Any],
    options: Mapping[str, Any],
    schedule: Schedule | None,
) -> dict[str, str]:
    """Deploys the three flows for a project; those of the same name are replaced.

    What was paused stays so.

    Args:
        client: Of the server.
        pool: Runs them.
        place: What is searched and where.
        options: Further parameters of the search.
        schedule: When to search; None for never by itself.

    Returns:
        Name and id of each deployment.
    """
    from prefect.deployments.runner import RunnerDeployment
    from prefect.runner.storage import LocalStorage
    from prefect.types.entrypoint import EntrypointType

    from flows.reporting import report
    from flows.resuming import resume
    from flows.search import search
    from tasks.prefect.pool import job_variables

    template = template_of(SearchParameters(**{**options, **place}))
    of_project = {"project_url": f"{place['directory'].rstrip('/')}/{template.text}"}
    parameters: dict[Flow[..., Any], dict[str, Any]] = {
        search: {**options, **place},
        resume: of_project,
        report: of_project,
    }
    made = {}
    for flow, its in parameters.items():
        paused = Paused.read(client, f"{flow.name}/{template.stem}")
        times = [paused.applied_to(schedule)] if schedule is not None and flow is search else []
        deployment = RunnerDeployment.from_flow(
            flow,
            name=template.stem,
            parameters=its,
            schedules=times,
            paused=paused.deployment,
            tags=["trialflow"],
            description=(flow.fn.__doc__ or "").split("\n")[0],
            work_pool_name=pool.name,
            job_variables=job_variables(pool),
            # By its path Prefect would make a second copy of the module.
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        if pool.type == PROCESS:  # others start where their image says
            deployment.storage = LocalStorage(str(Path.cwd()))
        made[deployment.full_name] = str(deployment.apply())
    return made


def _deploy_agents(client: SyncPrefectClient, pool: WorkPool) -> dict[str, str]:
    """Deploys the agents of a pool, for searches whose engine it is; name and id."""
    from tasks.prefect.pool import FLOW, deploy_agents

    return {f"{FLOW}/{pool.name}": str(deploy_agents(client, pool))}


# Not --overwrite: each scheduled run would begin anew.
@with_options(SearchParameters, but=["overwrite"])
def deploy(
    cron: Annotated[
        str | None, typer.Option(help=CRON, show_default="when a run is started")
    ] = None,
    timezone: Timezone = "UTC",
    pool: Annotated[
        str, typer.Option(help="Work pool; made, for processes, where there is none.")
    ] = "trialflow",
    automation: Annotated[
        bool | None,
        typer.Option(
            "--automation/--no-automation",
            help="Have the server mark vanished searches as crashed, unless it does.",
            show_default="a terminal is asked",
        ),
    ] = None,
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
        made = _deploy(pool, cron, timezone, {**options, "timezone": timezone})
        made["automation"] = _offer_automation(automation, quiet=as_json)
    if as_json:
        print_json(made)
        return
    state = "made" if made["pool_created"] else "was there already"
    typer.echo(f"Work pool {pool} ({made['pool_type']}, {state}): {made['pool_url']}")
    for name, url in made["deployments"].items():
        typer.echo(f"Deployed {name}: {url}")
    when = "when a run is started" if cron is None else f"at {cron} {timezone}"
    when += ", once the schedule is no longer paused" if made["paused"] else ""
    first = next(iter(made["deployments"]))
    typer.echo(f"Searches {when}. To start one now: prefect deployment run {first}")
    typer.echo(f"A worker runs them, as long as it runs: {made['worker']}")
    if not made["automation"]:
        typer.echo(f"A search whose machine is gone stays Running, until you run: {SET_UP}")


def _offer_automation(wanted: bool | None, *, quiet: bool) -> bool:
    """Sets up what marks vanished searches, if that is wanted; whether it is there then.

    Args:
        wanted: None asks at the terminal.
        quiet: There is no terminal to ask at.
    """
    with configured_server() as client:
        if has_automation(client):
            return True
        if wanted is None and not quiet and sys.stdin.isatty():
            question = "Have the server mark searches whose process is gone as crashed?"
            wanted = typer.confirm(question, default=True)
        if wanted:
            replace_automation(client)
    return bool(wanted)


def _deploy(
    pool_name: str,
    cron: str | None,
    timezone: str,
    options: dict[str, Any],
) -> dict[str, Any]:
    place = place_of(options["study"], options["directory"], options["project_name"])
    name = template_of(SearchParameters(**{**options, **place})).stem
    schedule = None if cron is None else schedule_of(cron, timezone)
    with configured_server() as client:
        from prefect.utilities.urls import url_for

        pool, created = pool_of(client, pool_name)
        check_reachable(pool, place["directory"])
        paused = Paused.read(client, f"search/{name}")
        made = create_deployments(client, pool, place, given(options), schedule)
        made |= _deploy_agents(client, pool)
        return {
            "pool": pool.name,
            "pool_type": pool.type,
            "pool_created": created,
            "pool_url": url_for("work-pool", obj_id=pool.name),
            "deployments": {name: url_for("deployment", obj_id=i) for name, i in made.items()},
            "cron": cron,
            "timezone": timezone,
            "paused": cron is not None and (paused.deployment or paused.schedule),
            "worker": f"prefect worker start --pool {pool.name}",
        }
