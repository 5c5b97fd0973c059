"""The best trials of a search as HTML."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from typing import Any

from tuner.results.findings import Findings, Row
from tuner.results.summary import duration
from tuner.search.progress import number


def leaderboard(findings: Findings, rows: int = 10) -> str:
    """The best trials as an HTML table."""
    found = findings.leaderboard(rows)
    if not found:
        return "<p>No trial has completed yet.</p>"
    names = [p.name for p in findings.parameters if any(p.name in row["values"] for row in found)]
    head = ["", "trial", findings.metric, "best epoch", "time", *names]
    body = [[str(place), *_cells(row, names)] for place, row in enumerate(found, start=1)]
    return table(head, body)


def _cells(row: Row, names: Sequence[str]) -> list[str]:
    score = number(row["score"])
    if row["spread"] is not None:
        score += f" \N{PLUS-MINUS SIGN} {row['spread']:.2g}"
    values = [_value(row["values"].get(name)) for name in names]
    return [row["trial"], score, _value(row["best epoch"]), _time(row["seconds"]), *values]


def table(head: Iterable[str], body: Iterable[Iterable[str]]) -> str:
    def line(cells: Iterable[str], tag: str) -> str:
        return "<tr>" + "".join(f"<{tag}>{html.escape(c)}</{tag}>" for c in cells) + "</tr>"

    rows = "".join(line(cells, "td") for cells in body)
    return f'<div class="wide"><table><thead>{line(head, "th")}</thead>{rows}</table></div>'


def _value(value: Any) -> str:
    return "" if value is None else number(value) if isinstance(value, float) else str(value)


def _time(seconds: float | None) -> str:
    return "" if seconds is None else duration(seconds)
