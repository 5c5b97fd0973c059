"""Tables for people: 80 columns, less in a narrower terminal, and no control characters."""

from __future__ import annotations

import io
import re
import shlex
import shutil
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.control import strip_control_codes
from rich.table import Table

from flows.projects import Found, describe
from tuner.search.progress import clock, number, reason, values_line
from tuner.trial import Trial

WIDTH = 80
"""Columns where there is no terminal, and the most in one."""
_ESCAPES = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|\x1b")
"""What colours a terminal: messages of errors have it at times."""
USUAL = "every trial has ended"
"""Why a search ends, where there is nothing more to say."""


def leaderboard(result: Mapping[str, Any]) -> str:
    """How a search ended: the best trials, and where the results are."""
    lines = [_headline(result)]
    if result["leaderboard"]:
        rows = [
            [
                str(row["rank"]),
                row["trial_id"],
                number(row["score"]),
                duration(row["seconds"]),
                values_line(row["values"]),
            ]
            for row in result["leaderboard"]
        ]
        columns = ["rank", "trial", result["objective"], "time", "hyperparameters"]
        lines.append(table(columns, rows))
    lines.append(f"Results: {result['project']}")
    project = shlex.quote(result["project"])
    lines += [f"  trialflow {command} {project}" for command in ("status", "best", "report")]
    return "\n".join(lines)


def trials(found: Sequence[Trial], metric: str) -> str:
    """Trials with what became of them."""
    rows = []
    for trial in found:
        row = describe(trial)
        detail = reason(trial) if trial.status == "FAILED" else values_line(row["hyperparameters"])
        score, seconds = number(trial.score), duration(row["seconds"])
        rows.append([trial.trial_id, trial.status.lower(), score, seconds, detail])
    return table(["trial", "status", metric, "time", "hyperparameters"], rows)


def best(found: Found) -> str:
    """The best trial of a project."""
    trial = found.history.best
    if trial is None:
        return f"No trial of {found.project.url} has completed yet."
    name = found.history.objective.name
    lines = [f"Trial {trial.trial_id}: {name} {number(trial.score)}"]
    lines += [f"  {name} = {value}" for name, value in trial.hyperparameters.values.items()]
    return "\n".join(lines)


def width() -> int:
    """Columns to write."""
    return min(WIDTH, shutil.get_terminal_size((WIDTH, 24)).columns)


def table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A plain table; the last column is folded to what room there is."""
    grid = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1, 0, 0))
    for name in columns[:-1]:
        grid.add_column(name, no_wrap=True)
    grid.add_column(columns[-1], overflow="fold")
    for row in rows:
        grid.add_row(*(strip_control_codes(_ESCAPES.sub("", cell)) for cell in row))
    text = io.StringIO()
    console = Console(file=text, width=width(), color_system=None, highlight=False, emoji=False)
    console.print(grid, markup=False)
    return "\n".join(line.rstrip() for line in text.getvalue().splitlines() if line.strip())


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
