"""`trialflow setup-automations`: what the Prefect server does about searches that vanish."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

import typer

from flows.commands.answers import Debug, Json, answered, print_json
from flows.server import configured_server, hush_prefect
from tasks.prefect.runs import HEARTBEAT, HEARTBEAT_SETTING

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient
    from prefect.client.schemas.responses import DeploymentResponse

NAME = "Trialflow: mark vanished searches as crashed"
ENDED = ("Completed", "Failed", "Cancelled", "Crashed", "Suspended", "Paused")
FLOWS = ("search", "resume", "run", "agent")
"""Flows that are looked after: others on the server may send heartbeats more rarely."""

AFTER = 120
"""Seconds without a heartbeat: what a busy network or machine may swallow is not worth a crash."""

BEATS = 2
"""Heartbeats of which all must be missing before a run is taken for gone."""

SET_UP = "trialflow setup-automations"


def setup_automations(
    after: Annotated[
        int,
        typer.Option(
            min=BEATS * HEARTBEAT,
            help=f"Seconds without a heartbeat; one comes every {HEARTBEAT} seconds.",
        ),
    ] = AFTER,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Have the Prefect server mark searches whose process is gone as crashed.

    A flow run that was killed stays "Running" otherwise, unless a worker had started it. Run
    again, the automation is replaced.
    """
    hush_prefect()
    with answered(debug=debug), configured_server() as client:
        replace_automation(client, after)
    if as_json:
        print_json({"automation": NAME, "after": after})
        return
    typer.echo(f"Searches without a heartbeat for {after} s are marked as crashed from now on.")


def replace_automation(client: SyncPrefectClient, after: int = AFTER) -> None:
    """Sets the automation up, in place of an earlier one.

    Args:
        client: Of the server.
        after: Seconds without a heartbeat after which a run is marked.
    """
    for old in client.read_automations_by_name(NAME):
        client.delete_automation(old.id)
    client.create_automation(_automation(after))


def has_automation(client: SyncPrefectClient) -> bool:
    """Whether the server has the automation, be it as it should or not."""
    return bool(client.read_automations_by_name(NAME))


def misfits(client: SyncPrefectClient) -> list[str]:
    """What is wrong with an automation that is there: sentences, each with what to do."""
    (found, *_) = client.read_automations_by_name(NAME)
    within = getattr(found.trigger, "within", timedelta())
    told = []
    if not found.enabled:
        told.append(f"It is paused, and marks nothing. Resume it, or run: {SET_UP}")
    if not _is_ours(found.trigger, within):
        told.append(f"It is another one than this version sets up. Run: {SET_UP}")
    told += [
        f"The runs of {name} send a heartbeat every {seconds} s, and are marked as crashed after "
        f"{within.total_seconds():.0f} s without one, though they live. Deploy it again."
        for name, seconds in _heartbeats(client)
        if BEATS * seconds > within.total_seconds()
    ]
    return told


def _is_ours(trigger: Any, within: timedelta) -> bool:
    """Whether a trigger is the one that would be set up now, with the same seconds."""
    ours = _trigger(within)
    names = ("after", "expect", "match", "match_related", "for_each", "posture", "threshold")
    return all(getattr(trigger, name, None) == getattr(ours, name) for name in names)


def _heartbeats(client: SyncPrefectClient) -> list[tuple[str, int]]:
    """Deployments of our flows on work pools, each with the seconds between its heartbeats."""
    from prefect.client.schemas.filters import FlowFilter, FlowFilterName
    from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY

    flows = FlowFilter(name=FlowFilterName(any_=list(FLOWS)))
    usual = PREFECT_FLOWS_HEARTBEAT_FREQUENCY.default()
    deployed = client.read_deployments(flow_filter=flows)
    return [
        (each.name, int(_environment(client, each).get(HEARTBEAT_SETTING) or usual))
        for each in deployed
        # One without a pool is served, by a process that has set it for its own runs.
        if each.work_pool_name is not None and (each.entrypoint or "").startswith("flows")
    ]


def _environment(client: SyncPrefectClient, deployment: DeploymentResponse) -> dict[str, Any]:
    """What the environment of a deployment's runs is told by its pool and by itself."""
    pool = client.read_work_pool(str(deployment.work_pool_name))
    named = pool.base_job_template.get("variables", {}).get("properties", {})
    of_pool = named.get("env", {}).get("default") or {}
    return {**of_pool, **(deployment.job_variables.get("env") or {})}


def _trigger(within: timedelta) -> Any:
    from prefect.events import ResourceSpecification
    from prefect.events.schemas.automations import EventTrigger, Posture

    runs: dict[str, str | list[str]] = {"prefect.resource.id": ["prefect.flow-run.*"]}
    flows: dict[str, str | list[str]] = {
        "prefect.resource.role": "flow",
        "prefect.resource.name": list(FLOWS),
    }
    return EventTrigger(
        # The first heartbeat may not have left when the process is killed.
        after={"prefect.flow-run.Running", "prefect.flow-run.heartbeat"},
        expect={"prefect.flow-run.heartbeat", *(f"prefect.flow-run.{s}" for s in ENDED)},
        match=ResourceSpecification(runs),
        match_related=ResourceSpecification(flows),
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=within,
    )


def _automation(after: int) -> Any:
    from prefect.client.schemas.objects import StateType
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore

    crashed = ChangeFlowRunState(
        name="Crashed",
        state=StateType.CRASHED,
        force=False,
        message="Its process sends no heartbeat. The same command, or Retry, goes on.",
    )
    return AutomationCore(
        name=NAME,
        description="Marks searches whose process is gone; their projects lose nothing.",
        trigger=_trigger(timedelta(seconds=after)),
        actions=[crashed],
    )
