"""`trialflow resume`: a search goes on as it was started."""

from __future__ import annotations

from flows.commands.answers import Debug, Json, ProjectUrl, answered
from flows.commands.searching import search_and_show
from flows.options.limits import (
    MaxDeviceHours,
    MaxTotalEpochs,
    Patience,
    Target,
    Timeout,
)
from flows.options.project import Moved, Wait
from flows.options.slots import SlotCountOption
from flows.projects import open_project
from flows.running.run_settings import RunSettings


def resume(
    project_url: ProjectUrl,
    study: Moved = None,
    slots: SlotCountOption = None,
    timeout: Timeout = None,
    target: Target = None,
    patience: Patience = None,
    max_total_epochs: MaxTotalEpochs = None,
    max_device_hours: MaxDeviceHours = None,
    wait: Wait = False,
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
