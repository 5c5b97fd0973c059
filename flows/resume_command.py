"""`trialflow resume`: a search goes on as it was started."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.answers import Debug, Json, ProjectUrl, WaitOption, answered
from flows.limit_options import (
    MaxDeviceHoursOption,
    MaxTotalEpochsOption,
    PatienceOption,
    TargetOption,
    TimeoutOption,
)
from flows.projects import open_project
from flows.run_settings import RunSettings
from flows.searching import search_and_show
from flows.slot_options import SlotCountOption


def resume(
    project_url: ProjectUrl,
    study: Annotated[
        str | None,
        typer.Option(help="Study file, should it have moved.", show_default="the search's own"),
    ] = None,
    slots: SlotCountOption = None,
    timeout: TimeoutOption = None,
    target: TargetOption = None,
    patience: PatienceOption = None,
    max_total_epochs: MaxTotalEpochsOption = None,
    max_device_hours: MaxDeviceHoursOption = None,
    wait: WaitOption = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Go on with a search, with the study and the options it was started with, but for those given.

    A --timeout is not kept from one run to the next.

    Exit status: 0 the search ended, 1 it failed, 3 somebody else runs it, 130 Ctrl-C or
    cancelled, 143 SIGTERM.
    """
    with answered(debug=debug):
        found = open_project(project_url)
        saved = RunSettings.load(found.project, study)
    parameters = {**saved.again(found.project), "wait": wait}
    given = {
        "slots": slots,
        "timeout": timeout,
        "target": target,
        "patience": patience,
        "max_total_epochs": max_total_epochs,
        "max_device_hours": max_device_hours,
    }
    parameters |= {name: value for name, value in given.items() if value is not None}
    search_and_show(parameters, as_json=as_json, debug=debug)
