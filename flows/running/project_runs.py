"""Flow runs of a project: their name, and those of killed processes, which seem to be running."""

from __future__ import annotations

from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterId,
    TaskRunFilter,
    TaskRunFilterState,
    TaskRunFilterStateType,
)
from prefect.client.schemas.objects import StateType
from prefect.states import Crashed

from storage import split_url
from tuner.journal.project import Project

KILLED = "Its process was killed; another run has gone on with the search."


def run_name() -> str:
    """A run on a project is named after it."""
    url: str = runtime.flow_run.parameters["project_url"]
    return split_url(url)[1]


def mark_crashed(project: Project) -> None:
    """Tells the server that the run whose project this one has taken is gone, with its tasks."""
    before = project.run_before
    if before in ("", project.run_id):  # a retry is the same run
        return
    with get_client(sync_client=True) as client:
        run = client.read_flow_run(UUID(before))
        if run.state is None or run.state.is_final():
            return
        _mark_tasks(client, run.id)
        client.set_flow_run_state(run.id, Crashed(message=KILLED), force=True)


def own_run_id() -> str:
    """The id of the flow run at hand; empty outside of one."""
    return str(runtime.flow_run.id or "")


def _mark_tasks(client: SyncPrefectClient, run_id: UUID) -> None:
    running = TaskRunFilterState(type=TaskRunFilterStateType(any_=[StateType.RUNNING]))
    for task in client.read_task_runs(
        flow_run_filter=FlowRunFilter(id=FlowRunFilterId(any_=[run_id])),
        task_run_filter=TaskRunFilter(state=running),
    ):
        client.set_task_run_state(task.id, Crashed(message=KILLED), force=True)
