"""What a trial's record says of its last attempt: where and when it ran, and what came of it."""

from __future__ import annotations

import os
import socket
import time
import traceback
from typing import Any

from tuner import errors
from tuner.objective import Objective
from tuner.training.device import device_of_this_process
from tuner.training.out_of_memory import HINT, is_out_of_memory
from tuner.training.returned_metrics import describe_execution
from tuner.trial import Trial, TrialStatus


def begun() -> dict[str, Any]:
    """When and where the attempt begins; `slot` if it runs in one."""
    slot = os.environ.get("TRIALFLOW_SLOT")
    record = {"started": time.time(), "host": socket.gethostname(), "pid": os.getpid()}
    return record if slot is None else {**record, "slot": slot}


def of_results(results: Any, objective: Objective) -> dict[str, Any]:
    """The executions with their curves, their scores, and the epochs they have trained together.

    Args:
        results: What `run_trial` returned.
        objective: What a score is.
    """
    executions = results if isinstance(results, list) else [results]
    described = [describe_execution(result, objective) for result in executions]
    record: dict[str, Any] = {
        "executions": described,
        "scores": [execution["metrics"][objective.name] for execution in described],
    }
    trained = [len(execution["epochs"]) for execution in described if "epochs" in execution]
    return {**record, "epochs": sum(trained)} if trained else record


def fail(trial: Trial, error: Exception) -> None:
    """Has the trial end with the error that is being handled: failed, or invalid and tried again.

    A configuration that is too large is no failure of the search, and trying it again is no use.
    """
    too_large = is_out_of_memory(error)
    trial.message = traceback.format_exc()
    if too_large:
        trial.record["outcome"] = "out of memory"
        trial.message += HINT
    failed = isinstance(error, errors.FailedTrialError) or too_large
    trial.status = TrialStatus.FAILED if failed else TrialStatus.INVALID
    if isinstance(error, errors.OversizedModelError) or too_large:
        trial.record["infeasible"] = True


def ended() -> dict[str, Any]:
    """When the attempt has ended, and what it has computed on."""
    return {"ended": time.time(), "device": device_of_this_process()}
