"""Tables for people: as wide as the terminal, with colours where it has them; plain in a pipe."""

from __future__ import annotations

import io
import os
import shlex
import shutil
import sys
import textwrap
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import typer

from flows.present import Found, describe, objectives_of
from tuner.core.objective import single_objectives
from tuner.core.text import clean
from tuner.core.trial import Trial
from tuner.journal.history import History
from tuner.search.progress import clock, number, reason, values_line

WIDTH = 80
"""Columns where there is no terminal."""
MANY = 100
"""Rows beyond which a table is laid out by counting characters: rich takes a millisecond a row."""
GAP, RULE = "  ", "\N{BOX DRAWINGS LIGHT HORIZONTAL}"
USUAL = "every trial has ended"
"""Why a search ends, where there is nothing more to say."""
COLOURS = {"completed": "green", "failed": "red", "running": "yellow"}
"""Of a cell that says nothing but this."""


def leaderboard(result: Mapping[str, Any]) -> str:
    """How a search ended: the best trials, and where the results are."""
    lines = [_headline(result)]
    if result["leaderboard"]:
        rows = [
            [
                str(row["rank"]),
                row["trial_id"],
                *(number(value) for value in row["objectives"].values()),
                duration(row["seconds"]),
                values_line(row["values"]),
            ]
            for row in result["leaderboard"]
        ]
        metrics = result["leaderboard"][0]["objectives"]
        lines.append(table(["rank", "trial", *metrics, "time", "hyperparameters"], rows))
    lines.append(f"Results: {result['project']}")
    project = shlex.quote(result["project"])
    lines += [f"  trialflow {command} {project}" for command in ("status", "best", "dashboard")]
    return "\n".join(lines)


def trials(found: Sequence[Trial], history: History) -> str:
    """Trials with what became of them; each objective has a column."""
    rows = []
    for trial in found:
        row = describe(trial)
        detail = reason(trial) if trial.status == "FAILED" else values_line(row["hyperparameters"])
        scores = [number(value) for value in objectives_of(trial, history).values()]
        time = duration(row["seconds"])
        rows.append([trial.trial_id, trial.status.lower(), *scores, time, detail])
    metrics = [each.name for each in single_objectives(history.objective)]
    return table(["trial", "status", *metrics, "time", "hyperparameters"], rows)


def best(found: Found) -> str:
    """The best trial of a project."""
    trial = found.history.best
    if trial is None:
        return f"No trial of {found.project.url} has completed yet."
    lines = [f"Trial {trial.trial_id}: {scores_of(trial, found.history)}"]
    lines += [f"  {clean(name)} = {clean(str(value))}" for name, value in trial.values.items()]
    return "\n".join(lines)


def scores_of(trial: Trial, history: History) -> str:
    """Its value of each objective."""
    scores = objectives_of(trial, history)
    return ", ".join(f"{name} {number(value)}" for name, value in scores.items())


def width() -> int:
    """Columns to write: those of the terminal."""
    known = "COLUMNS" in os.environ or sys.stdout.isatty()
    return shutil.get_terminal_size((WIDTH, 24)).columns if known else WIDTH


def coloured() -> bool:
    """Whether standard output shows colours, and the user wants them (https://no-color.org)."""
    return sys.stdout.isatty() and not os.environ.get("NO_COLOR")


def good(text: str) -> str:
    """Text that stands out where there are colours."""
    return typer.style(text, fg="green", bold=True) if coloured() else text


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A table; the last column is folded to what room there is."""
    if len(rows) > MANY and not coloured():
        plain = _plain_table(columns, rows)
        if plain is not None:
            return plain
    # Imported here: a command without a table does not wait for it.
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    grid = Table(
        box=SIMPLE_HEAD,
        pad_edge=False,
        show_edge=False,
        padding=(0, 1, 0, 0),
        header_style="bold" if coloured() else "",
    )
    for name in columns[:-1]:
        grid.add_column(clean(name), no_wrap=True)
    grid.add_column(clean(columns[-1]), overflow="fold")
    for row in rows:
        cells = [clean(cell) for cell in row]
        grid.add_row(*(Text(cell, style=COLOURS.get(cell, "")) for cell in cells))
    text = io.StringIO()
    console = Console(
        file=text,
        width=width(),
        force_terminal=coloured(),
        color_system="standard" if coloured() else None,
        highlight=False,
        emoji=False,
    )
    console.print(grid, markup=False)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines() if line.strip())


def _plain_table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str | None:
    """The table of thousands of rows; None where it needs more than to count characters."""
    cells = [[clean(cell) for cell in row] for row in (columns, *rows)]
    *widths, last = (max(map(len, column)) for column in zip(*cells, strict=True))
    start = sum(width + len(GAP) for width in widths)
    room = min(last, width() - start)
    if room < len(cells[0][-1]) or not all(cell.isascii() for row in cells for cell in row):
        return None
    lines = list(_plain_row(cells[0], widths, start, room))
    lines.append(RULE * (start + room))
    for row in cells[1:]:
        lines += _plain_row(row, widths, start, room)
    return "\n".join(lines)


def _plain_row(row: Sequence[str], widths: Sequence[int], start: int, room: int) -> Iterator[str]:
    *cells, last = row
    head = "".join(cell.ljust(width) + GAP for cell, width in zip(cells, widths, strict=True))
    if len(last) <= room and "\n" not in last:
        yield (head + last).rstrip()
        return
    for part in textwrap.wrap(last, room, break_on_hyphens=False) or [""]:
        yield (head + part).rstrip()
        head = " " * start


def duration(seconds: float | None) -> str:
    return "-" if seconds is None else clock(seconds)


def moment(seconds: float) -> str:
    """A Unix time in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%F %T} UTC"


def _headline(result: Mapping[str, Any]) -> str:
    counts = f"{result['completed']} completed, {result['failed']} failed"
    trained, spent = result["trained"], clock(result["seconds"])
    rest = f" ({trained} trained now, {spent})." if trained else ". Nothing was trained."
    why = "" if result["reason"] in ("", USUAL) else f"\nWhy it ended: {result['reason']}."
    return f"The search is complete: {counts}{rest}{why}"
