"""Tables of a search as files that pandas, Polars, DuckDB and spreadsheets read.

Derived from the journal and the trials' results, never read back.
"""

from __future__ import annotations

import logging
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

from storage import ProjectPaths, StorageError, Store, open_store
from tuner.results.tables import LEVELS, table_of
from tuner.state.history import History
from tuner.state.project import Project

if TYPE_CHECKING:
    import pyarrow as pa

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
    with tempfile.TemporaryDirectory(prefix="trialflow-") as scratch:
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

            pyarrow.csv.write_csv(table, path)
