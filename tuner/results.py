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
        return _checked(dict(results), objective)
    if is_history(results):
        return _of_history(results, objective)
    msg = f"{HELP} Received: {results!r} of type {type(results).__name__}."
    raise errors.FatalTypeError(msg)


def best_step_of(results: Any, objective: Objective) -> int:
    """Index of the best epoch in the result's own history; the mean over executions."""
    if isinstance(results, list):
        return int(fmean(best_step_of(result, objective) for result in results))
    return best_epoch(results, objective) if is_history(results) else 0


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
    best, best_value = 0, None
    for index, logs in enumerate(_epochs(history)):
        value = objective.get_value(logs)
        if np.isnan(value):
            continue
        if best_value is None or objective.better_than(value, best_value):
            best, best_value = index, value
    return best


def is_history(result: Any) -> bool:
    """Whether it is a Keras History, told without importing Keras."""
    return hasattr(result, "epoch") and isinstance(getattr(result, "history", None), dict)


def is_number(result: Any) -> bool:
    if isinstance(result, np.ndarray):
        return result.ndim == 0
    return isinstance(result, int | float | np.integer | np.floating)


def _of_history(history: Any, objective: Objective) -> dict[str, float]:
    epochs = _epochs(history)
    if not epochs:
        msg = "Expected at least one epoch in the History. Received: none. Check `epochs`."
        raise errors.FatalValueError(msg)
    _checked(epochs[0], objective)
    logs = epochs[best_epoch(history, objective)]
    metrics = {name: float(value) for name, value in logs.items()}
    if objective.name not in metrics:
        metrics[objective.name] = float(objective.get_value(metrics))
    return metrics


def _epochs(history: Any) -> list[dict[str, float]]:
    """The history turned from one list a metric to one dict an epoch.

    With `validation_freq` the validation metrics are shorter than the others; an epoch without
    them cannot be the best, so only those that have every metric count.
    """
    names = list(history.history)
    length = min((len(values) for values in history.history.values()), default=0)
    return [{name: history.history[name][index] for name in names} for index in range(length)]


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
