"""What a search has found, as typed Arrow tables: a row a trial, an execution, or an epoch."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from statistics import pstdev
from typing import TYPE_CHECKING, Any

from tuner.hyperparameters import Float, HyperParameter, Int
from tuner.state.executions import curve, executions, metrics_at_best
from tuner.state.history import History
from tuner.state.project import Project
from tuner.trial import Trial

if TYPE_CHECKING:
    import pyarrow as pa

Row = Mapping[str, Any]
Kinds = dict[str, str]
"""Type by column: `string`, `int64`, `double`, `bool` or `time`."""

LEVELS = ("trials", "executions", "epochs")
LARGEST = 2**63 - 1
"""Of a whole number in a column."""
_KIND_OF: Mapping[type, str] = {int: "int64", float: "double", bool: "bool", str: "string"}

_TRIALS: Mapping[str, tuple[str, Callable[[Trial], Any]]] = {
    "trial_id": ("string", lambda trial: trial.trial_id),
    "status": ("string", lambda trial: trial.status),
    "score": ("double", lambda trial: trial.score),
    "best_step": ("int64", lambda trial: trial.best_step if trial.score is not None else None),
    "spread": ("double", lambda trial: spread(trial.record.get("scores") or [])),
    "started": ("time", lambda trial: trial.record.get("started")),
    "ended": ("time", lambda trial: trial.record.get("ended")),
    "seconds": ("double", lambda trial: trial.seconds),
    "host": ("string", lambda trial: trial.record.get("host")),
    "device": ("string", lambda trial: trial.record.get("device")),
    "slot": ("string", lambda trial: trial.record.get("slot")),
    "seed": ("int64", lambda trial: trial.seed),
    "tries": ("int64", lambda trial: trial.tries),
    "epochs": ("int64", lambda trial: trial.budget and trial.budget.epochs),
    "initial_epoch": ("int64", lambda trial: trial.budget and trial.budget.initial_epoch),
    "sweep": ("int64", lambda trial: trial.budget and trial.budget.sweep),
    "bracket": ("int64", lambda trial: trial.budget and trial.budget.bracket),
    "rung": ("int64", lambda trial: trial.budget and trial.budget.rung),
    "parent": ("string", lambda trial: trial.budget and trial.budget.parent),
    "message": ("string", lambda trial: trial.message),
}
_EXECUTIONS: Kinds = {
    "trial_id": "string",
    "execution": "int64",
    "best_step": "int64",
    "host": "string",
    "device": "string",
    "seed": "int64",
}
_EPOCHS: Kinds = {"trial_id": "string", "execution": "int64", "epoch": "int64"}


def table_of(level: str, project: Project, history: History) -> pa.Table:
    """The table of one of the `LEVELS`.

    Raises:
        ValueError: There is no such level.
    """
    match level:
        case "trials":
            return trials_table(history)
        case "executions":
            return executions_table(project, history)
        case "epochs":
            return epochs_table(project, history)
        case _:
            msg = f"Expected `level` to be one of {LEVELS}. Received: level={level!r}."
            raise ValueError(msg)


def trials_table(history: History) -> pa.Table:
    """One row a trial, in the order of creation.

    `spread` is the standard deviation of the score over executions (or folds), null for a single
    one; times are UTC. The budget's columns are null where the oracle grants none. Beside the
    fixed columns there is `hp.<name>` for each hyperparameter, null while it is not active, and
    `metric.<name>` for each metric, its value at the best step.
    """
    trials = list(history.trials.values())
    kinds = {name: kind for name, (kind, _) in _TRIALS.items()}
    rows = [{name: read(trial) for name, (_, read) in _TRIALS.items()} for trial in trials]
    for row, trial in zip(rows, trials, strict=True):
        row.update(_hyperparameters(trial))
        row.update(_prefixed(metrics_at_best(trial)))
    return _table(rows, {**kinds, **_kinds_of_values(history)})


def executions_table(project: Project, history: History) -> pa.Table:
    """One row an execution, with where it ran, its seed, its hyperparameters and its metrics.

    The metrics are those of the best epoch; `best_step` is its place in the learning curve, null
    without one.
    """
    rows = []
    for trial_id, number, execution in executions(project, history):
        trial = history.trials[trial_id]
        row = {
            "trial_id": trial_id,
            "execution": number,
            "best_step": execution.get("best_step"),
            "host": trial.record.get("host"),
            "device": trial.record.get("device"),
            "seed": trial.seed_of(number),
        }
        rows.append(row | _hyperparameters(trial) | _prefixed(execution["metrics"]))
    return _table(rows, {**_EXECUTIONS, **_kinds_of_values(history)})


def epochs_table(project: Project, history: History) -> pa.Table:
    """One row an epoch of an execution, with its hyperparameters and its metrics.

    Epochs count from 0, in a promoted trial from its parent's last one on. With `validation_freq`
    the epochs without validation have nulls.
    """
    rows = []
    for trial_id, number, execution in executions(project, history):
        values = _hyperparameters(history.trials[trial_id])
        for epoch, metrics in curve(execution):
            row = {"trial_id": trial_id, "execution": number, "epoch": epoch}
            rows.append(row | values | _prefixed(metrics))
    return _table(rows, {**_EPOCHS, **_kinds_of_values(history)})


def spread(scores: Sequence[float]) -> float | None:
    """Standard deviation (of the scores as a whole population); None for fewer than two."""
    known = [score for score in scores if score is not None and math.isfinite(score)]
    return pstdev(known) if len(known) > 1 else None


# Trials.


def _hyperparameters(trial: Trial) -> dict[str, Any]:
    return {f"hp.{name}": value for name, value in trial.values.items()}


def _kinds_of_values(history: History) -> Kinds:
    """The types of the hyperparameters' columns, in the order in which they were declared."""
    types: dict[str, set[str]] = {}
    for parameter in history.space.space:
        types.setdefault(f"hp.{parameter.name}", set()).update(_kinds_of(parameter))
    for trial in history.trials.values():
        for name, value in trial.values.items():
            types.setdefault(f"hp.{name}", set()).add(_kind_of(value))
    return {name: _common(kinds) for name, kinds in types.items()}


def _kinds_of(parameter: HyperParameter) -> set[str]:
    match parameter:
        case Int() | Float():
            return {_kind_of(parameter.min_value), _kind_of(parameter.max_value)}
        case _:
            return {_kind_of(value) for value in parameter.values}


def _kind_of(value: Any) -> str:
    too_large = isinstance(value, int) and abs(value) > LARGEST
    return "string" if too_large else _KIND_OF.get(type(value), "string")


def _common(kinds: set[str]) -> str:
    if kinds == {"int64", "double"}:
        return "double"
    return kinds.pop() if len(kinds) == 1 else "string"


# Columns.


def _prefixed(metrics: Mapping[str, Any]) -> dict[str, Any]:
    return {f"metric.{name}": value for name, value in metrics.items()}


def _table(rows: Sequence[Row], kinds: Mapping[str, str]) -> pa.Table:
    """A table of rows: the columns of `kinds`, then those of the metrics in order of appearance."""
    import pyarrow as pa

    types = {
        "string": pa.string(),
        "int64": pa.int64(),
        "double": pa.float64(),
        "bool": pa.bool_(),
        "time": pa.timestamp("us", tz="UTC"),
    }
    metrics = dict.fromkeys(name for row in rows for name in row if name not in kinds)
    columns = {**kinds, **dict.fromkeys(metrics, "double")}
    arrays = [
        pa.array([_cell(row.get(name), kind) for row in rows], types[kind])
        for name, kind in columns.items()
    ]
    return pa.table(arrays, schema=pa.schema([(n, types[kind]) for n, kind in columns.items()]))


def _cell(value: Any, kind: str) -> Any:
    match kind:
        case _ if value is None:
            return None
        case "string":
            return str(value)
        case "double":
            return float(value) if isinstance(value, int | float) else None
        case "time":
            return datetime.fromtimestamp(value, UTC)
        case _:
            return value
