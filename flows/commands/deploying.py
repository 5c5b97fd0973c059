"""Puts a study onto the work pool of a Prefect server."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flows.opening import project_name_of
from storage import project_url
from tuner.study import load_study

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
        FileNotFoundError: There is no such study.
    """
    path, here = load_study(study).path, Path.cwd().resolve()
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
    pool: WorkPool, place: Mapping[str, Any], options: Mapping[str, Any], schedule: Schedule | None
) -> dict[str, str]:
    """Deploys the three flows for a project; those of the same name are replaced.

    Args:
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

    of_project = {"project_url": project_url(place["directory"], place["project_name"])}
    parameters: dict[Flow[..., Any], dict[str, Any]] = {
        search: {**place, **options},
        resume: of_project,
        report: of_project,
    }
    made = {}
    for flow, its in parameters.items():
        deployment = RunnerDeployment.from_flow(
            flow,
            name=place["project_name"],
            parameters=its,
            schedules=[schedule] if schedule is not None and flow is search else [],
            tags=["trialflow"],
            description=(flow.fn.__doc__ or "").split("\n")[0],
            work_pool_name=pool.name,
            # By its path Prefect would make a second copy of the module.
            entrypoint_type=EntrypointType.MODULE_PATH,
        )
        if pool.type == PROCESS:  # others start where their image says
            deployment.storage = LocalStorage(str(Path.cwd()))
        made[deployment.full_name] = str(deployment.apply())
    return made
