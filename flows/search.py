"""The Prefect flow that searches; `flows.running.fan_out` is how its trials become tasks."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from prefect import flow, runtime
from prefect.states import Cancelled

from flows.opening import child_setup, open_tuner, preload, project_name_of
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
from flows.options.slot_choice import GRACE, LOCAL, SlotChoice, create_slots, gpus_hidden
from flows.options.slots import (
    Engine,
    Gpus,
    GpusPerTrial,
    Grace,
    MemoryLimit,
    SlotCount,
    StallTimeout,
    StopPolicyName,
    TrialsPerGpu,
    TrialTimeout,
)
from flows.running import artifacts
from flows.running.cancelling import CancelledError
from flows.running.failing import failed
from flows.running.form import with_form
from flows.running.run_settings import RunSettings
from flows.running.search_run import run_search
from flows.running.watching import say
from tuner.base_tuner import BaseTuner
from tuner.search.search_options import RULES, SearchOptions
from tuner.search.stop_policy import create_stop_policy
from tuner.state.project import waiting_for_others


def _run_name() -> str:
    parameters = runtime.flow_run.parameters
    return project_name_of(parameters["study"], parameters.get("project_name"))


@with_form
@flow(name="search", flow_run_name=_run_name)
def search(
    study: Study,
    directory: Directory = "results",
    project_name: ProjectName = None,
    slots: SlotCount = None,
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
) -> Any:
    """Searches hyperparameters; on a project that exists, it goes on where that stopped.

    Returns:
        See `flows.result.SearchResult`; all but its leaderboard is what
        `trialflow search --json` prints.
    """
    arguments = dict(locals())
    began = time.monotonic()
    name = project_name_of(study, project_name)
    try:
        with gpus_hidden(), waiting_for_others(say if wait else None):
            return _search(arguments, name, began)
    except CancelledError as error:
        return Cancelled(message=str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the state says what to do
        return failed(error, directory, name)


def _search(arguments: Mapping[str, Any], name: str, began: float) -> dict[str, Any]:
    choice, study, engine = SlotChoice.among(arguments), arguments["study"], arguments["engine"]
    places = choice.places() if engine == LOCAL else []  # before a project is begun for nothing
    executions = arguments["executions_per_trial"]
    tuner = open_tuner(
        study,
        arguments["directory"],
        name,
        max_trials=arguments["max_trials"],
        executions_per_trial=executions,
        # A run that Prefect retries goes on; what it began with was deleted the first time.
        overwrite=arguments["overwrite"] and runtime.flow_run.run_count == 1,
    )
    _limit(tuner, arguments)
    project, setup = tuner.search_project, child_setup(study, tuner, executions)
    if engine != LOCAL and not study.endswith(".py"):
        setup["study"] = study  # a module, which lies elsewhere on other machines
    RunSettings.of(setup, max(1, len(places)), arguments).save(project)
    slots = create_slots(engine, choice, setup, project, preload(tuner))
    artifacts.introduce(project, study, tuner.oracle)
    return run_search(tuner, slots, began).to_json()


def _limit(tuner: BaseTuner, arguments: Mapping[str, Any]) -> None:
    """Has the search end by what was said for this run."""
    limits = SearchOptions(**{name: arguments[name] for name in ("timeout", *RULES)})
    limits.apply(tuner.oracle)
    tuner.oracle.deadline = limits.deadline()
    if arguments["stop_policy"] is not None:
        tuner.oracle.judge_by(create_stop_policy(arguments["stop_policy"]))
