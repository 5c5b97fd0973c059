"""`trialflow search`: the flow `flows.search.search`, from the command line."""

from __future__ import annotations

from flows.commands.answers import Debug, Json
from flows.commands.searching import search_and_show
from flows.options.limits import MaxDeviceHours, MaxTotalEpochs, Patience, Target, Timeout
from flows.options.project import (
    Directory,
    ExecutionsPerTrial,
    MaxTrials,
    Overwrite,
    ProjectName,
    Study,
    Wait,
)
from flows.options.slot_choice import GRACE, LOCAL
from flows.options.slots import (
    Engine,
    Gpus,
    GpusPerTrial,
    Grace,
    MemoryLimit,
    SlotCountOption,
    StallTimeout,
    StopPolicyName,
    TrialsPerGpu,
    TrialTimeout,
)


# The flow's parameters once more: a command that looks at a project must not wait for Prefect.
def search(
    study: Study,
    directory: Directory = "results",
    project_name: ProjectName = None,
    slots: SlotCountOption = None,
    max_trials: MaxTrials = None,
    executions_per_trial: ExecutionsPerTrial = None,
    overwrite: Overwrite = False,
    timeout: Timeout = None,
    target: Target = None,
    patience: Patience = None,
    max_total_epochs: MaxTotalEpochs = None,
    max_device_hours: MaxDeviceHours = None,
    wait: Wait = False,
    gpus: Gpus = None,
    trials_per_gpu: TrialsPerGpu = None,
    gpus_per_trial: GpusPerTrial = 1,
    memory_limit: MemoryLimit = None,
    trial_timeout: TrialTimeout = None,
    stall_timeout: StallTimeout = None,
    grace: Grace = GRACE,
    stop_policy: StopPolicyName = None,
    engine: Engine = LOCAL,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Search hyperparameters; on a project that exists, go on where that stopped.

    Exit status: 0 the search ended, 1 it failed, 3 somebody else runs it, 130 Ctrl-C or
    cancelled, 143 SIGTERM.
    """
    parameters = dict(locals())
    del parameters["as_json"], parameters["debug"]
    search_and_show(parameters, as_json=as_json, debug=debug)
