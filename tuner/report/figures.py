"""The pictures of a search, as Altair charts; None where there is nothing to draw yet.

Hues are those of Okabe and Ito, which most colour-blind people tell apart.
"""

from __future__ import annotations

from typing import Any

import altair as alt

from tuner.hyperparameters import Float, HyperParameter, Int
from tuner.objective import MultiObjective
from tuner.report.findings import Findings, Row
from tuner.report.importance import importance
from tuner.results.pareto import pareto_front

Chart = Any
"""Altair's charts have no common type that is public."""

BLUE, ORANGE, GREY = "#0072B2", "#D55E00", "#999999"
STATUS = alt.Scale(domain=["completed", "failed"], range=[BLUE, ORANGE])
HEIGHT = 260
MOST_SLICES = 8
MOST_CURVES = 5
MOST_LINES = 300
"""Trials that parallel coordinates still show apart."""


def optimization_history(findings: Findings) -> Chart | None:
    """The score of each trial in the order of their ends, and the best one so far."""
    rows = [row for row in findings.trials() if row["best"] is not None]
    if not rows:
        return None
    base = _chart(_plain(rows)).encode(
        x=alt.X("ended as:Q", title="trials ended", axis=alt.Axis(tickMinStep=1))
    )
    scale = alt.Scale(zero=False)
    points = base.mark_circle(size=45, color=BLUE, opacity=0.6).encode(
        y=alt.Y("score:Q", title=findings.metric, scale=scale), tooltip=_tooltip(findings)
    )
    best = base.mark_line(color=ORANGE, interpolate="step-after").encode(
        y=alt.Y("best:Q", scale=scale)
    )
    return _sized(best + points, "Score of each trial, and the best so far")


def parameter_importance(findings: Findings) -> Chart | None:
    """How much each hyperparameter matters to reach the best tenth of the scores (PED-ANOVA)."""
    found = importance(findings.history, findings.parameters())
    if not found:
        return None
    rows = [{"hyperparameter": name, "importance": value} for name, value in found.items()]
    bars = (
        _chart(rows)
        .mark_bar(color=BLUE)
        .encode(
            x=alt.X("importance:Q", title="share of importance", axis=alt.Axis(format="%")),
            y=alt.Y("hyperparameter:N", sort="-x", title=None),
            tooltip=["hyperparameter:N", alt.Tooltip("importance:Q", format=".1%")],
        )
    )
    return _sized(bars, "Which hyperparameters matter", height=alt.Step(22))


def parallel_coordinates(findings: Findings) -> Chart | None:
    """A line for each trial through its values, each axis from the lowest value to the highest."""
    parameters = findings.parameters()
    trials = findings.history.ranked()[:MOST_LINES]
    if len(parameters) < 2 or len(trials) < 2:  # noqa: PLR2004 - one point is no line
        return None
    rows = [
        {
            "trial": trial.trial_id,
            "score": trial.score,
            "hyperparameter": parameter.name,
            "place": parameter.value_to_prob(trial.values[parameter.name]),
            "value": _shown(trial.values[parameter.name]),
        }
        for trial in reversed(trials)
        for parameter in parameters
        if trial.values.get(parameter.name) is not None
    ]
    reverse = findings.history.objective.direction == "min"
    lines = (
        _chart(rows)
        .mark_line(opacity=0.55, point=alt.OverlayMarkDef(size=14))
        .encode(
            x=alt.X(
                "hyperparameter:N",
                sort=[parameter.name for parameter in parameters],
                title=None,
                axis=alt.Axis(grid=True, labelAngle=-20),
                scale=alt.Scale(padding=0.2),
            ),
            y=alt.Y(
                "place:Q",
                title="place in the range",
                scale=alt.Scale(domain=[0, 1]),
                axis=alt.Axis(values=[0, 1], labelExpr="datum.value ? 'highest' : 'lowest'"),
            ),
            color=alt.Color(
                "score:Q", title=findings.metric, scale=alt.Scale(scheme="viridis", reverse=reverse)
            ),
            detail="trial:N",
            tooltip=["trial:N", "score:Q", "hyperparameter:N", "value:N"],
        )
    )
    return _sized(lines, "Configurations by score")


def slices(findings: Findings) -> Chart | None:
    """Score against the value of each hyperparameter, the most important ones first."""
    trials = [row for row in findings.trials() if row["score"] is not None]
    weights = importance(findings.history, findings.parameters())
    parameters = sorted(findings.parameters(), key=lambda p: -weights.get(p.name, 0.0))
    drawn = (_slice(findings, p, trials) for p in parameters[:MOST_SLICES])
    panels = [panel for panel in drawn if panel is not None]
    if not panels:
        return None
    title = "Score against each hyperparameter"
    return alt.concat(*panels, columns=2, title=alt.Title(title, anchor="start"))


def _slice(findings: Findings, parameter: HyperParameter, trials: list[Row]) -> Chart | None:
    rows = [
        {"value": row["values"][parameter.name], "score": row["score"], "trial": row["trial"]}
        for row in trials
        if row["values"].get(parameter.name) is not None
    ]
    if not rows:
        return None
    if isinstance(parameter, Int | Float):
        log = parameter.sampling != "linear" and parameter.min_value > 0
        x = alt.X("value:Q", scale=alt.Scale(type="log") if log else alt.Scale(zero=False))
    else:
        rows = [{**row, "value": str(row["value"])} for row in rows]
        x = alt.X("value:N", axis=alt.Axis(labelAngle=0))
    y = alt.Y("score:Q", title=findings.metric, scale=alt.Scale(zero=False))
    points = _chart(rows).mark_circle(color=BLUE, opacity=0.6)
    return points.encode(
        x=x.title(parameter.name), y=y, tooltip=["trial:N", "value:N", "score:Q"]
    ).properties(width=270, height=160)


def learning_curves(findings: Findings) -> Chart | None:
    """The learning curves of the best trials, a line for each execution."""
    best = [trial.trial_id for trial in findings.history.ranked()[:MOST_CURVES]]
    rows = findings.curves(best)
    if len({row["epoch"] for row in rows}) < 2:  # noqa: PLR2004 - one point is no line
        return None
    lines = (
        _chart(rows)
        .mark_line(point=alt.OverlayMarkDef(size=18))
        .encode(
            x=alt.X("epoch:Q", axis=alt.Axis(tickMinStep=1)),
            y=alt.Y("value:Q", title=findings.metric, scale=alt.Scale(zero=False)),
            color=alt.Color("trial:N", sort=best, title="trial, best first"),
            detail="execution:N",
            tooltip=["trial:N", "execution:Q", "epoch:Q", "value:Q"],
        )
    )
    return _sized(lines, "Learning curves of the best trials")


def slots(findings: Findings) -> Chart | None:
    """Who ran where and when: a bar for the last attempt of each trial, a mark for each retry."""
    rows = [row for row in findings.trials() if row["seconds"] is not None]
    if not rows:
        return None
    x = alt.X("from:T", title="time")
    bars = (
        _chart(_plain(rows))
        .mark_bar(stroke="white", strokeWidth=1)
        .encode(
            x=x,
            x2="to:T",
            y=alt.Y("place:N", title=None),
            color=alt.Color("status:N", scale=STATUS, title=None),
            tooltip=[*_tooltip(findings), "status:N", "tries:Q", "why:N"],
        )
    )
    marks = _retry_marks(findings)
    return _sized(
        bars if marks is None else bars + marks, "Which trial ran where", height=alt.Step(34)
    )


def _retry_marks(findings: Findings) -> Chart | None:
    by_trial = {row["trial"]: row["place"] for row in findings.trials()}
    rows = [
        {
            "from": 1000 * retry.time,
            "place": by_trial[retry.trial_id],
            "trial": retry.trial_id,
            "what": f"tried again: {retry.reason}",
        }
        for retry in findings.retries
        if by_trial.get(retry.trial_id)
    ]
    if not rows:
        return None
    marks = _chart(rows).mark_point(
        shape="triangle-down", color="black", filled=True, size=70, yOffset=-12
    )
    return marks.encode(x="from:T", y="place:N", tooltip=["trial:N", "what:N", "from:T"])


def pareto(findings: Findings) -> Chart | None:
    """The trials that no other beats in every objective, among all; two objectives only."""
    objective = findings.history.objective
    if not isinstance(objective, MultiObjective) or len(objective.objectives) != 2:  # noqa: PLR2004
        return None
    first, second = objective.objectives
    trials = findings.history.ranked()
    front = {trial.trial_id for trial in pareto_front(trials, objective)}
    rows = [
        {
            "trial": trial.trial_id,
            "first": trial.metrics.get_best_value(first.name),
            "second": trial.metrics.get_best_value(second.name),
            "kind": "Pareto front" if trial.trial_id in front else "dominated",
        }
        for trial in trials
    ]
    if not rows:
        return None
    kinds = alt.Scale(domain=["Pareto front", "dominated"], range=[ORANGE, GREY])
    points = (
        _chart(rows)
        .mark_circle(size=70)
        .encode(
            x=alt.X("first:Q", title=_directed(first), scale=alt.Scale(zero=False)),
            y=alt.Y("second:Q", title=_directed(second), scale=alt.Scale(zero=False)),
            color=alt.Color("kind:N", scale=kinds, title=None),
            tooltip=["trial:N", "first:Q", "second:Q"],
        )
    )
    return _sized(points, "Trade-off between the objectives")


ALL = (
    optimization_history,
    pareto,
    parameter_importance,
    slices,
    parallel_coordinates,
    learning_curves,
    slots,
)
"""In the order of the page."""


def draw_all(findings: Findings) -> list[Chart]:
    """Every figure there is something to show in."""
    return [chart for draw in ALL if (chart := draw(findings)) is not None]


def _chart(rows: list[Row]) -> Chart:
    return alt.Chart(alt.InlineData(values=rows))


def _directed(objective: Any) -> str:
    return f"{objective.name} ({'higher' if objective.direction == 'max' else 'lower'} is better)"


def _tooltip(findings: Findings) -> list[Any]:
    return [
        alt.Tooltip("trial:N"),
        alt.Tooltip("score:Q", title=findings.metric),
        alt.Tooltip("seconds:Q", format=".1f"),
        alt.Tooltip("configuration:N"),
    ]


def _plain(rows: list[Row]) -> list[Row]:
    """Rows as a chart takes them: milliseconds, and the values as one line."""
    return [
        {
            **{k: v for k, v in row.items() if k not in ("values", "started", "ended")},
            "from": None if row["started"] is None else 1000 * row["started"],
            "to": None if row["ended"] is None else 1000 * row["ended"],
            "configuration": ", ".join(f"{k}={_shown(v)}" for k, v in row["values"].items()),
        }
        for row in rows
    ]


def _shown(value: object) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _sized(chart: Chart, title: str, height: Any = HEIGHT) -> Chart:
    return chart.properties(width=620, height=height, title=alt.Title(title, anchor="start"))
