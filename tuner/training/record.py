"""Metrics, best epoch and record of an attempt, from what `run_trial` returned."""

from __future__ import annotations

import errno
import gc
import os
import socket
import sys
import time
import traceback
from collections import defaultdict
from collections.abc import Mapping
from statistics import fmean
from typing import Any

import numpy as np

from storage import StorageError, dump_json
from tuner import errors
from tuner.core.metrics import MetricsTracker, number_of
from tuner.core.objective import DefaultObjective, Objective
from tuner.core.outcome import ExecutionRecord, Outcome, TrialRecord
from tuner.core.text import kept_message, short_repr, text_of
from tuner.core.trial import Trial
from tuner.journal.executions import best_of, whole_epochs
from tuner.journal.project import Project

ERRORS = frozenset({"ResourceExhaustedError", "OutOfMemoryError", "MemoryError"})
"""TensorFlow's, PyTorch's, Python's and numpy's."""

SAID = ("resource_exhausted", "out of memory", "cuda_error_out_of_memory", "alloc_failed")
"""What JAX, cuDNN and CUDA say in errors that may be anything."""

RUNTIME_ERRORS = frozenset({"InternalError", "UnknownError", "XlaRuntimeError", "RuntimeError"})

HINT = (
    "The trial needs more memory than there is. Use smaller batches, fewer trials per GPU, or "
    "`max_model_size` to refuse such models before they are trained."
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the error, or one that led to it, is a lack of memory of the host or a device."""
    seen: BaseException | None = error
    while seen is not None:
        names = {cls.__name__ for cls in type(seen).__mro__}
        text = text_of(seen).lower()
        if names & ERRORS or (names & RUNTIME_ERRORS and any(word in text for word in SAID)):
            return True
        seen = seen.__cause__ or seen.__context__
    return False


def lack_of_process(error: BaseException) -> Outcome | None:
    """What a process lacks that another one would have, None if that is not why it failed."""
    if is_out_of_memory(error):
        return Outcome.OUT_OF_MEMORY
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.errno in (errno.EMFILE, errno.ENFILE):
            return Outcome.LOST
        seen = seen.__cause__ or seen.__context__
    return None


def keep_result(trial: Trial, project: Project, *, elsewhere: bool) -> bool:
    """Keeps the outcome of a trial, also if this process has no files left to open.

    Args:
        trial: It has ended.
        project: False comes back where it has an outcome of the trial already, which stays.
        elsewhere: Whether another process would keep it.

    Raises:
        TriesAnotherProcessError: Another process is to keep it.
    """
    try:
        return project.save_result(trial.trial_id, trial.get_state())
    except StorageError as error:
        spent = lack_of_process(error)
        if spent is None:
            raise
        if elsewhere:
            raise errors.TriesAnotherProcessError(spent) from error
    gc.collect()  # files that the trial has forgotten to close
    return project.save_result(trial.trial_id, trial.get_state())


def device_of_this_process() -> str | None:
    """Name of the GPU that Keras computes on, `"CPU"` without one, None where Keras is not used.

    Asks only libraries that are imported already, and is best asked after a training: asking
    starts a device.
    """
    keras = sys.modules.get("keras")
    if keras is None:
        return None
    try:
        return _ASK[keras.backend.backend()]()
    except Exception:  # noqa: BLE001 - a name for people is not worth a trial
        return None


def _tensorflow() -> str:
    config: Any = sys.modules["tensorflow"].config
    # The logical ones: physical ones may belong to other trials.
    count = len(config.list_logical_devices("GPU"))
    if not count:
        return "CPU"
    details = config.experimental.get_device_details(config.list_physical_devices("GPU")[0])
    return str(details.get("device_name", "GPU"))


def _jax() -> str:
    device: Any = sys.modules["jax"].devices()[0]
    return "CPU" if device.platform == "cpu" else str(device.device_kind)


def _torch() -> str:
    cuda: Any = sys.modules["torch"].cuda
    return str(cuda.get_device_name()) if cuda.is_available() else "CPU"


_ASK = {"tensorflow": _tensorflow, "jax": _jax, "torch": _torch}


RUN_TRIAL, FIT = "Tuner.run_trial()", "HyperModel.fit()"
"""What gives results, as messages call it."""


def metrics_of(results: Any, objective: Objective, source: str = RUN_TRIAL) -> dict[str, float]:
    """The metrics of a trial: of the best epoch of each execution, averaged over executions.

    Args:
        results: What was returned.
        objective: Its value must be there.
        source: By what it was returned, for messages.

    Raises:
        FatalTypeError: The result is of no kind that is understood, or holds several metrics
            though no objective was given.
        FatalValueError: It does not hold the objective.
    """
    if isinstance(results, list):
        return _mean([metrics_of(result, objective, source) for result in results], source)
    if is_number(results):
        return {objective.name: number_of(objective.name, results)}
    if isinstance(results, Mapping):
        named = {str(name): number_of(str(name), value) for name, value in results.items()}
        return _checked(named, objective, source)
    if is_history(results):
        return _of_history(results, objective, source)
    msg = (
        f"Expected the return value of {source} to be one of float (to be minimised), dict of "
        f"metrics, keras.callbacks.History, or a list of these. Received: {short_repr(results)} "
        f"of type {type(results).__name__}."
    )
    hint = " Did you forget to return the metrics?" if results is None else ""
    raise errors.FatalTypeError(msg + hint)


def best_step_of(results: Any, objective: Objective, otherwise: int = 0) -> int:
    """Index of the best epoch in the result's own history; the mean over executions.

    Args:
        results: What `run_trial` returned.
        objective: Tells which epoch is the best.
        otherwise: The step of a result that has no epochs.
    """
    if isinstance(results, list):
        return int(fmean(best_step_of(result, objective, otherwise) for result in results))
    return best_epoch(results, objective) if is_history(results) else otherwise


def describe_execution(result: Any, objective: Objective) -> ExecutionRecord:
    """One execution's metrics and, where there is one, its whole learning curve; JSON."""
    record: ExecutionRecord = {"metrics": metrics_of(result, objective)}
    if is_history(result):
        record["best_step"] = best_epoch(result, objective)
        record["epochs"] = _numbers(result)
        record["history"] = {
            str(name): [number_of(name, value) for value in values]
            for name, values in result.history.items()
        }
    return record


def best_epoch(history: Any, objective: Objective) -> int:
    """Index of the epoch with the best objective; the first of equals, never one that is NaN."""
    return best_of(_epochs(history), objective) or 0


def is_history(result: Any) -> bool:
    """Whether it is a Keras History, or like one, told without importing Keras."""
    return isinstance(getattr(result, "history", None), dict)


def is_number(result: Any) -> bool:
    """Whether it is a number, or an array of one."""
    if isinstance(result, np.ndarray):
        return result.size == 1 and result.dtype.kind in "biuf"
    return isinstance(result, int | float | np.integer | np.floating | np.bool_)


def _of_history(history: Any, objective: Objective, source: str) -> dict[str, float]:
    epochs = _epochs(history)
    if not epochs:
        msg = "Expected at least one epoch in the History. Received: none. Check `epochs`."
        raise errors.FatalValueError(msg)
    _checked(next(iter(epochs.values())), objective, source)
    logs = epochs[best_epoch(history, objective)]
    metrics = {name: number_of(name, value) for name, value in logs.items()}
    if objective.name not in metrics:
        metrics[objective.name] = float(objective.get_value(metrics))
    return metrics


def _epochs(history: Any) -> dict[int, dict[str, float]]:
    """The metrics of each epoch that has them all, by its index in the history."""
    return whole_epochs(_numbers(history), history.history)


def _numbers(history: Any) -> list[int]:
    """The numbers of the epochs that were trained; counted where the history does not tell."""
    longest = max((len(values) for values in history.history.values()), default=0)
    told = [int(epoch) for epoch in getattr(history, "epoch", ())]
    return told if len(told) == longest else list(range(longest))


def _checked(metrics: dict[str, Any], objective: Objective, source: str) -> dict[str, Any]:
    if objective.has_value(metrics):
        if objective.name not in metrics:
            metrics[objective.name] = float(objective.get_value(metrics))
        return metrics
    if isinstance(objective, DefaultObjective):
        msg = (
            f"Expected the return value of {source} to be a single float when `objective` is left "
            f"unspecified. Received: metrics={sorted(metrics)}. Name one of them as `objective`."
        )
        raise errors.FatalTypeError(msg)
    msg = (
        f"Expected the metrics that {source} returns to have the specified objective, "
        f"{objective.name}, among them. Received: metrics={sorted(metrics)}."
    )
    raise errors.ObjectiveMissingError(msg)


def _mean(executions: list[dict[str, float]], source: str) -> dict[str, float]:
    if not executions:
        msg = f"Expected the list that {source} returns to hold a result for each execution."
        raise errors.FatalValueError(f"{msg} Received: an empty list.")
    values = defaultdict(list)
    for metrics in executions:
        for name, value in metrics.items():
            values[name].append(value)
    return {name: fmean(of_name) for name, of_name in values.items()}


def begun() -> TrialRecord:
    """When and where the attempt begins; `slot` if it runs in one."""
    slot = os.environ.get("TRIALFLOW_SLOT")
    record: TrialRecord = {
        "started": time.time(),
        "host": socket.gethostname(),
        "pid": os.getpid(),
    }
    return record if slot is None else {**record, "slot": slot}


def of_results(results: Any, objective: Objective) -> TrialRecord:
    """The executions with their curves, their scores, and the epochs they have trained together.

    Args:
        results: What `run_trial` returned.
        objective: What a score is.
    """
    executions = results if isinstance(results, list) else [results]
    described = [describe_execution(result, objective) for result in executions]
    record: TrialRecord = {
        "executions": described,
        "scores": [execution["metrics"][objective.name] for execution in described],
    }
    trained = [len(execution["epochs"]) for execution in described if "epochs" in execution]
    return {**record, "epochs": sum(trained)} if trained else record


def fail(trial: Trial, error: Exception) -> None:
    """Has the trial end with an error."""
    outcome = _outcome_of(error)
    hint = HINT if outcome is Outcome.OUT_OF_MEMORY else ""
    trial.fail(outcome, kept_message("".join(traceback.format_exception(error))) + hint)


def _outcome_of(error: Exception) -> Outcome:
    if is_out_of_memory(error):
        return Outcome.OUT_OF_MEMORY
    match error:
        case errors.OversizedModelError():
            return Outcome.OVERSIZED
        case errors.FailedTrialError():
            return Outcome.REFUSED
        case _:
            return Outcome.RAISED


def check_json(trial: Trial) -> None:
    """Has the trial fail where its result could not be kept, or not be read again."""
    try:
        dump_json({"entry": {"events": [trial.get_state()]}})  # so deep it will stand there
    except (TypeError, ValueError, RecursionError) as error:
        record: TrialRecord = {**begun(), **ended()}
        record["started"] = trial.record.get("started", record["started"])
        trial.record, trial.metrics = record, MetricsTracker()
        msg = f"Expected what trial {trial.trial_id} has reported, or put into its record, to be "
        fail(trial, TypeError(f"{msg}JSON. Received: {text_of(error)}."))


def ended() -> TrialRecord:
    """When the attempt has ended, and what it has computed on."""
    return {"ended": time.time(), "device": device_of_this_process()}
