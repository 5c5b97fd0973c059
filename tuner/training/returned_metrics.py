"""What `run_trial` may return, and how it becomes metrics.

A result is a number, a dict of metrics, a Keras History, or a list of these, one an execution.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from statistics import fmean
from typing import Any

import numpy as np

from tuner import errors
from tuner.objective import DefaultObjective, Objective
from tuner.state.executions import measured_at

HELP = (
    "`Tuner.run_trial()` and `HyperModel.fit()` return a number to be minimised, a dict of "
    "metrics that holds the objective, a Keras History, or a list of these."
)


def metrics_of(results: Any, objective: Objective) -> dict[str, float]:
    """The metrics of a trial: of the best epoch of each execution, averaged over executions.

    Raises:
        FatalTypeError: The result is of no kind that is understood.
        FatalValueError: It does not hold the objective.
    """
    if isinstance(results, list):
        return _mean([metrics_of(result, objective) for result in results])
    if is_number(results):
        return {objective.name: float(results)}
    if isinstance(results, Mapping):
        return _checked({name: _plain(value) for name, value in results.items()}, objective)
    if is_history(results):
        return _of_history(results, objective)
    msg = f"{HELP} Received: {results!r} of type {type(results).__name__}."
    raise errors.FatalTypeError(msg)


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


def describe_execution(result: Any, objective: Objective) -> dict[str, Any]:
    """One execution's metrics and, where there is one, its whole learning curve; JSON."""
    record: dict[str, Any] = {"metrics": metrics_of(result, objective)}
    if is_history(result):
        record["best_step"] = best_epoch(result, objective)
        record["epochs"] = [int(epoch) for epoch in result.epoch]
        record["history"] = {k: [float(v) for v in vs] for k, vs in result.history.items()}
    return record


def best_epoch(history: Any, objective: Objective) -> int:
    """Index of the epoch with the best objective; the first of equals, never one that is NaN."""
    best, best_value = None, None
    for index, logs in _epochs(history).items():
        best = index if best is None else best
        value = objective.get_value(logs)
        if np.isnan(value):
            continue
        if best_value is None or objective.better_than(value, best_value):
            best, best_value = index, value
    return best or 0


def is_history(result: Any) -> bool:
    """Whether it is a Keras History, told without importing Keras."""
    return hasattr(result, "epoch") and isinstance(getattr(result, "history", None), dict)


def _plain(value: Any) -> Any:
    """A number of any library, a tensor for example, as a float; all else as it is."""
    if isinstance(value, str | int | float):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        return value


def is_number(result: Any) -> bool:
    if isinstance(result, np.ndarray):
        return result.ndim == 0
    return isinstance(result, int | float | np.integer | np.floating)


def _of_history(history: Any, objective: Objective) -> dict[str, float]:
    epochs = _epochs(history)
    if not epochs:
        msg = "Expected at least one epoch in the History. Received: none. Check `epochs`."
        raise errors.FatalValueError(msg)
    _checked(next(iter(epochs.values())), objective)
    logs = epochs[best_epoch(history, objective)]
    metrics = {name: float(value) for name, value in logs.items()}
    if objective.name not in metrics:
        metrics[objective.name] = float(objective.get_value(metrics))
    return metrics


def _epochs(history: Any) -> dict[int, dict[str, float]]:
    """The metrics of each epoch that has them all, by its index in the history.

    With `validation_freq` most epochs have no validation metrics, and cannot be the best.
    """
    longest = max((len(values) for values in history.history.values()), default=0)
    epochs = list(history.epoch) if len(history.epoch) == longest else list(range(longest))
    at = {
        name: dict(zip(measured_at(epochs, len(values)) or epochs, values, strict=False))
        for name, values in history.history.items()
    }
    return {
        index: {name: values[epoch] for name, values in at.items()}
        for index, epoch in enumerate(epochs)
        if all(epoch in values for values in at.values())
    }


def _checked(metrics: dict[str, Any], objective: Objective) -> dict[str, Any]:
    if objective.has_value(metrics):
        if objective.name not in metrics:
            metrics[objective.name] = float(objective.get_value(metrics))
        return metrics
    if isinstance(objective, DefaultObjective):
        wanted = "`objective` was not given, so one number to be minimised"
    else:
        wanted = f"the objective {objective}"
    msg = f"Expected {wanted}. Received: metrics={sorted(metrics)}. {HELP}"
    raise errors.FatalValueError(msg)


def _mean(executions: list[dict[str, float]]) -> dict[str, float]:
    if not executions:
        raise errors.FatalValueError(f"{HELP} Received: an empty list.")
    values = defaultdict(list)
    for metrics in executions:
        for name, value in metrics.items():
            values[name].append(float(value))
    return {name: fmean(of_name) for name, of_name in values.items()}
