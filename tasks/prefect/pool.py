"""The flow runs of agents on a work pool: asked for, looked at and taken back by Prefect's API."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterTags
from prefect.client.schemas.objects import FlowRun, State, StateType, WorkPool
from prefect.client.schemas.sorting import FlowRunSort
from prefect.exceptions import ObjectNotFound, PrefectHTTPStatusError
from prefect.states import Cancelled

from tasks.prefect.runs import HEARTBEAT, HEARTBEAT_SETTING, AgentRun, ServerBusyError
from tuner.journal.project import Project

logger = logging.getLogger(__name__)

FLOW = "agent"
ENTRYPOINT = "flows.agents.agent"

SCHEMA: dict[str, Any] = {
    "title": "Parameters",
    "type": "object",
    "properties": {
        "project_url": {"title": "Project URL", "type": "string", "position": 0},
        "idle": {"title": "Idle", "type": "number", "default": 300, "position": 1},
        "gpus_per_trial": {
            "title": "GPUs per trial",
            "type": "integer",
            "default": 1,
            "position": 2,
        },
    },
    "required": ["project_url"],
}
"""Parameters of the flow, which cannot be imported here."""

MOST = 200
"""Flow runs that one answer of the API holds."""


def job_variables(pool: WorkPool) -> dict[str, Any]:
    """What the runs of a deployment need of a pool: their heartbeats, if its template takes them.

    Prefect's own are six times as rare, too rare for the automation that marks vanished runs.
    """
    template = pool.base_job_template
    # A pool that no worker has seen yet may have none; all of Prefect's take an environment.
    takes_env = not template or "env" in template.get("variables", {}).get("properties", {})
    return {"env": {HEARTBEAT_SETTING: str(HEARTBEAT)}} if takes_env else {}


def deploy_agents(client: SyncPrefectClient, pool: WorkPool) -> UUID:
    """Makes, or replaces, the deployment of a pool's agents.

    It names no folder, since searches of several folders share it: an agent goes to its search's.
    """
    return client.create_deployment(
        client.create_flow_from_name(FLOW),
        pool.name,
        entrypoint=ENTRYPOINT,
        work_pool_name=pool.name,
        job_variables=job_variables(pool),
        tags=["trialflow"],
        description="An agent: holds one slot, and runs trial after trial of one search.",
        parameter_openapi_schema=SCHEMA,
        pull_steps=[],
    )


@dataclass(frozen=True, slots=True)
class PoolRuns:
    """Agents of one project on one work pool; a `tasks.prefect.runs.AgentRuns`.

    Made inside of the search's flow run, to which the agents are linked.

    Args:
        pool: Name of the pool.
        project: What the agents work for.
        idle: Seconds without a trial after which an agent ends.
        gpus_per_trial: GPUs of one agent.
        search: Id of the flow run of the search, None outside of one.
    """

    pool: str
    project: Project
    idle: float
    gpus_per_trial: int = 1
    search: str | None = None

    @classmethod
    def of_this_run(cls, pool: str, project: Project, idle: float, gpus: int) -> PoolRuns:
        """Agents for the search whose flow run this is.

        Raises:
            ValueError: There is no such work pool.
        """
        runs = cls(pool, project, idle, gpus, runtime.flow_run.id)
        with runs.client() as client:
            try:
                client.read_work_pool(pool)
            except ObjectNotFound:
                msg = f"Expected a work pool after `prefect:`. Received: pool={pool!r}. Make it: "
                hint = f"prefect work-pool create {pool} --type process"
                raise ValueError(msg + hint) from None
        return runs

    @property
    def tag(self) -> str:
        """What the runs of this project's agents have in common."""
        return f"agents: {hashlib.sha256(self.project.url.encode()).hexdigest()[:16]}"

    def start(self, number: int) -> tuple[str, str]:
        name = f"{self.project.name} agent {number}"
        with self.client() as client:
            deployment = self._deployment(client)
            run = client.create_flow_run_from_deployment(
                deployment,
                name=name,
                parameters={
                    "project_url": self.project.url,
                    "idle": self.idle,
                    "gpus_per_trial": self.gpus_per_trial,
                },
                tags=["trialflow", self.tag, *([f"search: {self.search}"] if self.search else [])],
                job_variables=self._gpus(client),
                parent_task_run_id=self._link(client, name),
            )
        return str(run.id), name

    def known(self) -> Mapping[str, AgentRun]:
        wanted = FlowRunFilter(tags=FlowRunFilterTags(all_=[self.tag]))
        with self.client() as client:
            found = client.read_flow_runs(
                flow_run_filter=wanted, sort=FlowRunSort.EXPECTED_START_TIME_DESC, limit=MOST
            )
        return {str(run.id): _as_agent(run) for run in found}

    def cancel(self, agent_ids: Sequence[str]) -> list[str]:
        cancelled = []
        with self.client() as client:
            for each in agent_ids:
                try:
                    state = client.read_flow_run(UUID(each)).state
                    if state is not None and (state.is_scheduled() or state.is_pending()):
                        over: State[Any] = Cancelled(message="The search has ended.")
                        client.set_flow_run_state(UUID(each), over, force=True)
                        cancelled.append(each)
                except Exception as error:  # noqa: BLE001 - the order tells it to leave
                    logger.debug("Cancelling agent %s: %r", each, error)
        return cancelled

    def describe(self) -> str:
        start = f"Start a worker where the GPUs are: prefect worker start --pool {self.pool}"
        try:
            with self.client() as client:
                paused = client.read_work_pool(self.pool).is_paused
        except Exception:  # noqa: BLE001 - a server that is away
            return f"The Prefect server does not answer. {start}"
        if paused:
            resume = f"prefect work-pool resume {self.pool}"
            return f"The work pool {self.pool} is paused; to go on: {resume}"
        return start

    @contextmanager
    def client(self) -> Iterator[SyncPrefectClient]:
        try:
            with get_client(sync_client=True) as client:
                yield client
        except PrefectHTTPStatusError as error:
            if error.response.status_code != HTTPStatus.SERVICE_UNAVAILABLE:
                raise
            raise ServerBusyError(str(error)) from error  # its database is locked

    def _deployment(self, client: SyncPrefectClient) -> UUID:
        """The deployment of the pool's agents; made where there is none."""
        try:
            return client.read_deployment_by_name(f"{FLOW}/{self.pool}").id
        except ObjectNotFound:
            return deploy_agents(client, client.read_work_pool(self.pool))

    def _gpus(self, client: SyncPrefectClient) -> dict[str, Any] | None:
        """How many GPUs a run is to have, where the pool's template can be told."""
        template = client.read_work_pool(self.pool).base_job_template
        named = template.get("variables", {}).get("properties", {})
        return {"gpus": self.gpus_per_trial} if "gpus" in named else None

    def _link(self, client: SyncPrefectClient, name: str) -> UUID | None:
        """What makes a flow run of an agent a part of the search's, as `run_deployment` does it."""
        if self.search is None:
            return None
        from prefect import Task
        from prefect.states import Pending

        stands_for = Task(name=name, fn=lambda: None)
        run = client.create_task_run(
            stands_for, UUID(self.search), dynamic_key=name, state=Pending(), name=name
        )
        return run.id


def _as_agent(run: FlowRun) -> AgentRun:
    state = run.state
    return AgentRun(
        run.name,
        has_ended=state is not None and state.is_final(),
        is_cancelled=state is not None and state.is_cancelled(),
        has_begun=state is not None and state.type == StateType.RUNNING,
    )
