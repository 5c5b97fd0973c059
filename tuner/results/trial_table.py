"""The trials of a search as one table: the union of all columns, sorted, filtered, in pages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from tuner.core.trial import Trial
from tuner.journal.executions import best_epoch
from tuner.results.findings import Findings
from tuner.results.tables import spread
from tuner.search.progress import reason, value_text

Kind = Literal["text", "number", "seconds"]
Cells = list[Any]


@dataclass(frozen=True, slots=True)
class Column:
    """A column, and how its cells are shown."""

    name: str
    kind: Kind = "text"


@dataclass(frozen=True, slots=True)
class TrialTable:
    """All trials in the order of their creation, a list of cells each."""

    columns: list[Column]
    rows: list[Cells]

    def page(self, query: Query) -> tuple[list[Cells], int]:
        """The rows of a page, and how many there are on all pages."""
        place = self._place(query.sort)
        rows = [row for row in self.rows if query.admits(row)]
        known = [row for row in rows if row[place] is not None]
        known.sort(key=lambda row: _key(row[place]), reverse=query.descending)
        ordered = known + [row for row in rows if row[place] is None]
        first = query.page * query.size
        return ordered[first : first + query.size], len(rows)

    def _place(self, name: str) -> int:
        names = [column.name for column in self.columns]
        return names.index(name) if name in names else 0

    def to_json(self) -> list[dict[str, str]]:
        """The columns, for a page."""
        return [{"name": column.name, "kind": column.kind} for column in self.columns]


@dataclass(frozen=True, slots=True)
class Query:
    """Which rows, in which order."""

    sort: str = "trial"
    descending: bool = False
    status: str = ""
    """Only trials of this status; all if empty."""
    search: str = ""
    """Text that a row has somewhere, in any case."""
    page: int = 0
    size: int = 50

    def admits(self, row: Cells) -> bool:
        """Whether a row is among those asked for."""
        if self.status and row[1] != self.status:
            return False
        wanted = self.search.strip().lower()
        return not wanted or any(wanted in str(cell).lower() for cell in row if cell is not None)


def trial_table(findings: Findings) -> TrialTable:
    """The table of a search."""
    trials = list(findings.history.trials.values())
    names = list(dict.fromkeys(name for trial in trials for name in trial.values))
    columns = [
        Column("trial"),
        Column("status"),
        *(Column(each.name, "number") for each in findings.objectives),
        Column("±", "number"),
        Column("best epoch", "number"),
        Column("time", "seconds"),
        *(Column(name, _kind(name, trials)) for name in names),
        Column("why"),
    ]
    return TrialTable(columns, [_row(findings, trial, names) for trial in trials])


def _row(findings: Findings, trial: Trial, names: Sequence[str]) -> Cells:
    values = trial.values
    return [
        trial.trial_id,
        trial.status.lower(),
        *(findings.objective_value(trial, each) for each in findings.objectives),
        spread(trial.record.get("scores") or []),
        best_epoch(trial),
        None if trial.seconds is None else round(trial.seconds, 1),
        *(_cell(values.get(name)) for name in names),
        reason(trial) if trial.status == "FAILED" else None,
    ]


def _cell(value: Any) -> Any:
    """As it is, where a page can sort it."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return value if value is None or number else value_text(value)


def _kind(name: str, trials: Sequence[Trial]) -> Kind:
    values = [trial.values.get(name) for trial in trials]
    numbers = (
        isinstance(v, int | float) and not isinstance(v, bool) for v in values if v is not None
    )
    return "number" if all(numbers) else "text"


def _key(cell: Any) -> tuple[int, Any]:
    return (0, cell) if isinstance(cell, int | float) else (1, str(cell))
