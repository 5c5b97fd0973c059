"""Figures of several searches beside each other."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.results.figures.figure import (
    HUES,
    Figure,
    Panel,
    directed,
    name_of,
    number,
    picture,
    sampled,
    tips,
)
from tuner.results.figures.scores import distribution
from tuner.results.findings import Findings, Row

POINTS = 300
"""Of each search."""


def compare(searches: Sequence[Findings]) -> list[Figure]:
    """Figures of several searches of one metric, over each other.

    Raises:
        ValueError: There are searches with other objectives among them.
    """
    metrics = {directed(each.metric, each.direction) for each in searches}
    if len(metrics) > 1:
        msg = "Expected searches with the same objective."
        raise ValueError(f"{msg} Received: objectives={sorted(metrics)}.")
    drawn = [draw(searches) for draw in (best_by_trials, best_by_time, distributions)]
    return [figure for figure in drawn if figure is not None]


def best_by_trials(searches: Sequence[Findings]) -> Figure | None:
    """The best score so far, by the number of trials."""
    rows = [{"x": row["ended as"], **row} for row in _progress(searches)]
    about = "The best score after so many trials."
    return _lines("best_by_trials", "Best score by trials", about, rows, "trials ended", searches)


def best_by_time(searches: Sequence[Findings]) -> Figure | None:
    """The best score so far, by the hours a search has taken."""
    rows = [{"x": row["hours"], **row} for row in _progress(searches) if row["hours"] is not None]
    about = "The best score by the time since a search began, its breaks included."
    return _lines("best_by_time", "Best score by time", about, rows, "hours", searches)


def distributions(searches: Sequence[Findings]) -> Figure | None:
    """The distribution of the scores of each search."""
    rows = [
        {**row, "search": name}
        for name, search in zip(names(searches), searches, strict=True)
        for row in distribution([t.score for t in search.ranked if t.score is not None] or [])
    ]
    if not rows:
        return None
    encoding = {
        "x": number("score", searches[0].metric),
        "y": number("share", "share of trials at or below", axis={"format": "%"}),
        "color": _colour(searches),
        "tooltip": tips("search", ("score", searches[0].metric), "percent"),
    }
    mark = {"type": "line", "interpolate": "step-after"}
    about = "Which share of the trials of each search has at most this score."
    spec = picture(rows, mark, encoding)
    return Figure("distributions", "Distributions of the scores", about, (Panel(spec),))


def names(searches: Sequence[Findings]) -> list[str]:
    """The names of the projects; where two have the same, their paths or URLs."""
    known = [search.name for search in searches]
    urls = [search.project.url for search in searches]
    return [n if known.count(n) == 1 else url for n, url in zip(known, urls, strict=True)]


def _progress(searches: Sequence[Findings]) -> list[Row]:
    return [
        row
        for name, search in zip(names(searches), searches, strict=True)
        for row in sampled(_best_so_far(name, search), lambda row: row["improved"], POINTS)
    ]


def _best_so_far(name: str, search: Findings) -> list[Row]:
    rows: list[Row] = []
    began = search.history.started
    for row in search.trials:
        if row["best"] is None:
            continue
        timed = began is not None and row["ended"] is not None
        rows.append(
            {
                "search": name,
                "ended as": row["ended as"],
                "hours": (row["ended"] - (began or 0.0)) / 3600 if timed else None,
                "best": row["best"],
                "improved": row["score"] == row["best"],
            }
        )
    return rows


def _lines(
    name: str,
    title: str,
    about: str,
    rows: Sequence[Row],
    x: str,
    searches: Sequence[Findings],
) -> Figure | None:
    if not rows:
        return None
    encoding = {
        "x": number("x", x),
        "y": number("best", searches[0].metric),
        "color": _colour(searches),
        "tooltip": tips("search", ("x", x), ("best", searches[0].metric)),
    }
    spec = picture(rows, {"type": "line", "interpolate": "step-after"}, encoding)
    return Figure(name, title, about, (Panel(spec),))


def _colour(searches: Sequence[Findings]) -> Row:
    return name_of("search", scale={"domain": names(searches), "range": HUES})
