"""`trialflow setup-automations`: what the Prefect server does about searches that vanish."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any

import typer

from flows.commands.answers import Debug, Json, answered, print_json
from flows.configured_server import configured_server
from flows.server import hush_prefect

NAME = "Trialflow: mark vanished searches as crashed"
ENDED = ("Completed", "Failed", "Cancelled", "Crashed", "Suspended", "Paused")


def setup_automations(
    after: Annotated[
        int,
        typer.Option(min=60, help="Seconds without a heartbeat; one comes every 30 seconds."),
    ] = 120,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Have the Prefect server mark searches whose process is gone as crashed.

    A flow run that was killed stays "Running" otherwise, unless a worker had started it. Run
    again, the automation is replaced.
    """
    hush_prefect()
    with answered(debug=debug):
        _replace(after)
    if as_json:
        print_json({"automation": NAME, "after": after})
        return
    typer.echo(f"Searches without a heartbeat for {after} s are marked as crashed from now on.")


def _replace(after: int) -> None:
    with configured_server() as client:
        for old in client.read_automations_by_name(NAME):
            client.delete_automation(old.id)
        client.create_automation(_automation(after))


def _automation(after: int) -> Any:
    from prefect.client.schemas.objects import StateType
    from prefect.events import ResourceSpecification
    from prefect.events.actions import ChangeFlowRunState
    from prefect.events.schemas.automations import AutomationCore, EventTrigger, Posture

    runs: dict[str, str | list[str]] = {"prefect.resource.id": ["prefect.flow-run.*"]}
    # Other flows on the server may send heartbeats more rarely.
    flows: dict[str, str | list[str]] = {
        "prefect.resource.role": "flow",
        "prefect.resource.name": ["search", "resume", "run"],
    }
    trigger = EventTrigger(
        # The first heartbeat may not have left when the process is killed.
        after={"prefect.flow-run.Running", "prefect.flow-run.heartbeat"},
        expect={"prefect.flow-run.heartbeat", *(f"prefect.flow-run.{s}" for s in ENDED)},
        match=ResourceSpecification(runs),
        match_related=ResourceSpecification(flows),
        for_each={"prefect.resource.id"},
        posture=Posture.Proactive,
        threshold=1,
        within=timedelta(seconds=after),
    )
    crashed = ChangeFlowRunState(
        name="Crashed",
        state=StateType.CRASHED,
        force=False,
        message="Its process sends no heartbeat. The same command, or Retry, goes on.",
    )
    return AutomationCore(
        name=NAME,
        description="Marks searches whose process is gone; their projects lose nothing.",
        trigger=trigger,
        actions=[crashed],
    )
