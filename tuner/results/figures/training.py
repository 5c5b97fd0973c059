"""Figures of the trainings: their curves, their promotions, where and when they ran."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.core.trial import Trial
from tuner.results.figures.figure import (
    BLUE,
    GREY,
    HUES,
    STATUS,
    Figure,
    Panel,
    Spec,
    configuration,
    layered,
    left_out,
    name_of,
    number,
    picture,
    sampled,
    tips,
)
from tuner.results.findings import Findings, Row

DAY = 24 * 3600
"""Seconds."""
MOST_CURVES = 6
MOST_BARS = 600
MOST_PROMOTIONS = 400


def learning_curves(findings: Findings) -> Figure | None:
    """The learning curves of the best trials, a line for each execution."""
    best = [trial.trial_id for trial in findings.ranked[:MOST_CURVES]]
    rows = findings.curves(best)
    if len({row["epoch"] for row in rows}) < 2:  # noqa: PLR2004 - one point is no line
        return None
    spec = curves(rows, findings.metric, best)
    about = "A line is one training; a promoted trial begins where its parent ended."
    title = "Learning curves of the best trials"
    return Figure("learning_curves", title, about, (Panel(spec),))


def curves(rows: Sequence[Row], metric: str, order: Sequence[str]) -> Spec:
    """Learning curves of trials in an order."""
    encoding = {
        "x": number("epoch", "epoch", axis={"tickMinStep": 1}),
        "y": number("value", metric),
        "color": name_of("trial", "trial", sort=list(order),
                         scale={"domain": list(order), "range": HUES}),
        "detail": {"field": "execution"},
        "tooltip": tips("trial", "execution", "epoch", ("value", metric)),
    }  # fmt: skip
    return picture(rows, {"type": "line", "point": {"size": 14}}, encoding)


def rungs(findings: Findings) -> Figure | None:
    """Which trial was promoted when: its rung over the time, a line to where it came from."""
    history = findings.history
    laddered = [t for t in history.trials.values() if t.budget is not None]
    if not any(trial.budget is not None and trial.budget.parent for trial in laddered):
        return None
    rows = [_on_a_rung(findings, trial) for trial in laddered]
    drawn = sampled(rows, lambda row: row["parent"] != "", MOST_PROMOTIONS)
    by_id = {row["trial"]: row for row in rows}
    climbs = [
        {"step": row["trial"], **{name: end[name] for name in ("time", "epochs", "bracket")}}
        for row in drawn
        if row["parent"] in by_id
        for end in (by_id[row["parent"]], row)
    ]
    x, y = _time("time", rows), _rung_axis(sorted({row["epochs"] for row in rows}))
    scale = {"scheme": "viridis", "reverse": findings.direction == "min"}
    lines = {
        "data": {"values": climbs},
        "mark": {"type": "line", "color": GREY, "opacity": 0.5, "strokeWidth": 1},
        "encoding": {"detail": {"field": "step"}},
    }
    points = {
        "mark": {"type": "circle", "size": 45},
        "encoding": {
            "color": {"field": "score", "type": "quantitative", "title": findings.metric,
                      "scale": scale},
            "tooltip": tips("trial", "parent", ("score", findings.metric), "epochs", "bracket",
                            "status"),
        },
    }  # fmt: skip
    about = "A point is a trial when it began; a line leads from the trial it was promoted from."
    about += left_out(len(drawn), len(rows))
    spec = layered(drawn, lines, points, encoding={"x": x, "y": y})
    return Figure("rungs", "Promotions", about, (Panel(spec),), wide=True)


def _on_a_rung(findings: Findings, trial: Trial) -> Row:
    budget = trial.budget
    began = findings.created.get(trial.trial_id, trial.record.get("started"))
    return {
        "trial": trial.trial_id,
        "time": None if began is None else 1000 * began,
        "epochs": 0 if budget is None else budget.epochs,
        "bracket": 0 if budget is None else budget.bracket,
        "parent": "" if budget is None else budget.parent or "",
        "score": trial.score,
        "status": trial.status.lower(),
    }


def _rung_axis(epochs: Sequence[int]) -> Spec:
    if len(epochs) < 2 or epochs[0] < 1:  # noqa: PLR2004 - a logarithm needs a range
        return number("epochs", "epochs granted")
    scale = {"type": "log", "nice": False, "domain": [epochs[0] * 0.8, epochs[-1] * 1.25]}
    return number("epochs", "epochs granted", scale=scale, axis={"values": list(epochs)})


def slots(findings: Findings) -> Figure | None:
    """Which trial ran where and when: a bar for the last attempt of each, a mark for each retry."""
    rows = [row for row in findings.trials if row["seconds"] is not None]
    if not rows:
        return None
    plain = [_bar(row) for row in rows]
    drawn = sampled(plain, lambda row: row["status"] == "failed", MOST_BARS)
    bars = {
        "mark": {"type": "bar", "stroke": "white", "strokeWidth": 0.5},
        "encoding": {
            "x2": {"field": "to"},
            "color": name_of("status", scale=STATUS),
            "tooltip": tips("trial", ("score", findings.metric), "seconds", "status", "tries",
                            "why", "configuration"),
        },
    }  # fmt: skip
    encoding = {"x": _time("from", plain), "y": name_of("slot")}
    marks = _retry_marks(findings)
    layers = [bars] if marks is None else [bars, marks]
    spec = layered(drawn, *layers, encoding=encoding, height={"step": 34})
    about = "A bar is a trial's last attempt; a triangle marks where one was tried again."
    about += left_out(len(drawn), len(rows))
    return Figure("slots", "Which trial ran where", about, (Panel(spec),), wide=True)


def _bar(row: Row) -> Row:
    kept = {name: row[name] for name in ("trial", "status", "score", "tries", "why", "slot")}
    return {
        **kept,
        "seconds": round(row["seconds"], 1),
        "from": 1000 * row["started"],
        "to": 1000 * row["ended"],
        "configuration": configuration(row["values"]),
    }


def _time(name: str, rows: Sequence[Row]) -> Spec:
    """A channel of moments, in the reader's time zone."""
    moments = [row[name] for row in rows if row[name] is not None]
    long = bool(moments) and max(moments) - min(moments) > 1000 * DAY
    axis = {"format": "%d %b %H:%M" if long else "%H:%M:%S", "labelOverlap": True, "tickCount": 6}
    return {"field": name, "type": "temporal", "title": "time", "axis": axis}


def _retry_marks(findings: Findings) -> Spec | None:
    slot_of = {row["trial"]: row["slot"] for row in findings.trials}
    rows = [
        {"from": 1000 * retry.time, "slot": slot_of[retry.trial_id], "trial": retry.trial_id,
         "what": f"tried again: {retry.reason}"}
        for retry in findings.retries[-MOST_BARS:]
        if slot_of.get(retry.trial_id)
    ]  # fmt: skip
    if not rows:
        return None
    mark = {"type": "point", "shape": "triangle-down", "filled": True, "size": 70,
            "color": BLUE, "stroke": "white", "yOffset": -12}  # fmt: skip
    encoding = {"x": {"field": "from", "type": "temporal"}, "y": name_of("slot"),
                "tooltip": tips("trial", "what")}  # fmt: skip
    return {"data": {"values": rows}, "mark": mark, "encoding": encoding}
