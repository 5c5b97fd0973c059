"""Trials, executions and epochs as typed Arrow tables, and as files of these."""

from __future__ import annotations

import html
import logging
import math
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from statistics import pstdev
from typing import TYPE_CHECKING, Any, Literal, get_args

from storage import ProjectPaths, StorageError, Store, open_store, scratch_folder
from tuner.core.hyperparameters import Float, HyperParameter, Int
from tuner.core.text import encodable
from tuner.core.trial import Trial
from tuner.core.typed import is_float
from tuner.journal.executions import curve, executions, metrics_at_best
from tuner.journal.history import History
from tuner.journal.project import Project

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
    known = [score for score in scores if is_float(score) and math.isfinite(score)]
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
    named = [(encodable(name), types[kind]) for name, kind in columns.items()]
    return pa.table(arrays, schema=pa.schema(named))


def _cell(value: Any, kind: str) -> Any:
    match kind:
        case _ if value is None:
            return None
        case "string":
            return encodable(str(value))
        case "double":
            return float(value) if is_float(value) else None
        case "time":
            return _moment(value)
        case "int64":
            return value if abs(value) <= LARGEST else None
        case _:
            return value


def _moment(seconds: float) -> datetime | None:
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, ValueError, OSError):  # beyond all years
        return None


SHOWN = 50
"""Rows of a table that a notebook shows."""


def show_tables_in_notebooks() -> None:
    """From now on a notebook shows Arrow tables as tables; elsewhere nothing changes."""
    if "IPython" not in sys.modules:
        return
    import pyarrow as pa
    from IPython import get_ipython

    shell = get_ipython()
    if shell is not None:
        shell.display_formatter.formatters["text/html"].for_type(pa.Table, to_html)


def to_html(table: pa.Table) -> str:
    """The first rows of a table, without the columns that are empty."""
    shown = table.slice(0, SHOWN)
    names = [name for name in shown.column_names if shown[name].null_count < len(shown)]
    head = "".join(f"<th>{html.escape(name)}</th>" for name in names)
    rows = "".join(
        "<tr>" + "".join(f"<td>{html.escape(_text(row[name]))}</td>" for name in names) + "</tr>"
        for row in shown.to_pylist()
    )
    more = f"<p>{SHOWN} of {len(table)} rows</p>" if len(table) > SHOWN else ""
    return f"<table><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>{more}"


def _text(cell: Any) -> str:
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%d %H:%M:%S}"
    return "" if cell is None else f"{cell:.5g}" if isinstance(cell, float) else str(cell)


Format = Literal["parquet", "csv"]

logger = logging.getLogger(__name__)


def export(
    project: Project,
    history: History,
    *,
    to: str | None = None,
    file_format: Format = "parquet",
    **storage_options: Any,
) -> list[str]:
    """Writes one file for each of the `LEVELS`, over what an earlier export has left.

    Args:
        project: Where the results lie.
        history: What has happened there.
        to: Path or fsspec URL of a folder; `export` in the project if omitted.
        file_format: `"parquet"`, compressed by zstd, or `"csv"`.
        **storage_options: Passed to fsspec for `to`.

    Returns:
        Paths or URLs of the files.

    Raises:
        ValueError: There is no such format.
    """
    if file_format not in get_args(Format):
        msg = f"Expected `format` to be one of {get_args(Format)}."
        raise ValueError(f"{msg} Received: format={file_format!r}.")
    store, folder = _target(project, to, storage_options)
    written = []
    with scratch_folder() as scratch:
        for level in LEVELS:
            path = Path(scratch) / f"{level}.{file_format}"
            _write(table_of(level, project, history), path, file_format)
            store.upload(path, f"{folder}{path.name}")
            written.append(f"{store}/{folder}{path.name}")
    return written


def export_at_the_end(project: Project, history: History) -> None:
    """Exports what a search has come to; a table that cannot be written costs a log line."""
    try:
        export(project, history)
    except (StorageError, ImportError, OSError) as error:
        logger.warning("The tables of %s could not be written: %s", project.store, error)


def _target(project: Project, to: str | None, options: dict[str, Any]) -> tuple[Store, str]:
    if to is None:
        return project.store, f"{ProjectPaths.export}/"
    return open_store(to, **options), ""


def _write(table: pa.Table, path: Path, file_format: Format) -> None:
    match file_format:
        case "parquet":
            import pyarrow.parquet

            pyarrow.parquet.write_table(table, path, compression="zstd")
        case "csv":
            import pyarrow.csv

            pyarrow.csv.write_csv(_no_formulas(table), path)


def _no_formulas(table: pa.Table) -> pa.Table:
    """A table whose texts no spreadsheet takes for something to be calculated."""
    import pyarrow as pa

    plain = table.rename_columns([_no_formula(name) for name in table.column_names])
    for index, field in enumerate(plain.schema):
        if pa.types.is_string(field.type) or pa.types.is_large_string(field.type):
            cells = [_no_formula(cell) for cell in plain.column(index).to_pylist()]
            plain = plain.set_column(index, field, pa.chunked_array([cells], field.type))
    return plain


_FORMULA = re.compile(r"[=+\-@\t\r]")


def _no_formula(cell: str | None) -> str | None:
    if cell is None or not _FORMULA.match(cell) or _is_number(cell):
        return cell
    return f"'{cell}"


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
