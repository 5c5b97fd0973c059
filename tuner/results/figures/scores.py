"""Figures of the scores: how they came, how they are distributed, how sure they are."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import numpy as np

from tuner.core.objective import Objective
from tuner.core.trial import Trial
from tuner.results.figures.figure import (
    BLUE,
    GREY,
    ORANGE,
    Figure,
    Panel,
    configuration,
    directed,
    layered,
    left_out,
    number,
    picture,
    sampled,
    tips,
)
from tuner.results.findings import Findings, Row
from tuner.results.hypervolume import hypervolumes

MOST_SPREAD = 20
"""Trials whose executions are shown."""
MOST_STEPS = 400
"""Steps of a distribution that are drawn."""


def optimization_history(findings: Findings) -> Figure | None:
    """The score of each trial in the order of their ends, and the best one so far."""
    rows = [_plain(row) for row in findings.trials if row["best"] is not None]
    if not rows:
        return None
    drawn = sampled(rows, lambda row: row["score"] == row["best"])
    points = {
        "transform": [{"filter": "isValid(datum.score)"}],
        "mark": {"type": "circle", "size": 40, "color": BLUE, "opacity": 0.55},
        "encoding": {"y": number("score", findings.metric), "tooltip": _tooltip(findings)},
    }
    best = {
        "mark": {"type": "line", "color": ORANGE, "interpolate": "step-after", "strokeWidth": 2},
        "encoding": {"y": number("best", findings.metric)},
    }
    x = number("ended as", "trials ended", axis={"tickMinStep": 1})
    spec = layered(drawn, points, best, encoding={"x": x})
    about = f"A point is a trial; the line is the best {findings.metric} so far."
    about += left_out(len(drawn), len(rows))
    return Figure("optimization_history", "Score of each trial, and the best so far", about,
                  (Panel(spec),))  # fmt: skip


def edf(findings: Findings) -> Figure | None:
    """The empirical distribution function of the scores."""
    scores = [trial.score for trial in findings.ranked if trial.score is not None]
    if len(scores) < 2:  # noqa: PLR2004 - one point is no distribution
        return None
    rows = distribution(scores)
    mark = {"type": "line", "interpolate": "step-after", "color": BLUE}
    encoding = {
        "x": number("score", findings.metric),
        "y": number("share", "share of trials at or below", axis={"format": "%"}),
        "tooltip": tips(("score", findings.metric), ("percent", "trials at or below")),
    }
    side = "right" if findings.direction == "max" else "left"
    about = f"The further the curve lies to the {side}, the more trials have a good score."
    return Figure(
        "edf", "Distribution of the scores", about, (Panel(picture(rows, mark, encoding)),)
    )


def distribution(scores: Sequence[float]) -> list[Row]:
    """The empirical distribution function, at most `MOST_STEPS` steps of it."""
    ordered = np.sort(np.array(scores, dtype=float))
    places = np.unique(np.linspace(0, len(ordered) - 1, min(len(ordered), MOST_STEPS)).astype(int))
    shares = (places + 1) / len(ordered)
    return [
        {"score": float(ordered[k]), "share": float(share), "percent": f"{share:.1%}"}
        for k, share in zip(places, shares, strict=True)
    ]


def pareto(findings: Findings) -> Figure | None:
    """The trials that no other beats in every objective, among all; a picture for each pair."""
    objectives = findings.objectives
    if len(objectives) < 2 or not findings.ranked:  # noqa: PLR2004 - there is nothing to trade
        return None
    front = {trial.trial_id for trial in findings.history.pareto_front()}
    rows = [_values_of_objectives(findings, trial, front) for trial in findings.ranked]
    drawn = sampled(rows, lambda row: row["kind"] == "Pareto front")
    pairs = [(a, b) for k, a in enumerate(objectives) for b in objectives[k + 1 :]][:3]
    panels = [Panel(_trade_off(drawn, *pair), _title_of(pair, len(pairs))) for pair in pairs]
    about = "No other trial beats one of the front in every objective."
    about += left_out(len(drawn), len(rows))
    return Figure("pareto", "Trade-off between the objectives", about, tuple(panels))


def _title_of(pair: tuple[Objective, Objective], pairs: int) -> str:
    return "" if pairs == 1 else f"{pair[0].name} and {pair[1].name}"


def _values_of_objectives(findings: Findings, trial: Trial, front: set[str]) -> Row:
    values = {o.name: findings.objective_value(trial, o) for o in findings.objectives}
    kind = "Pareto front" if trial.trial_id in front else "dominated"
    return {"trial": trial.trial_id, "kind": kind, "values": values}


def _trade_off(rows: Sequence[Row], first: Objective, second: Objective) -> dict[str, object]:
    flat = [
        {"trial": row["trial"], "kind": row["kind"],
         "first": row["values"][first.name], "second": row["values"][second.name]}
        for row in rows
    ]  # fmt: skip
    kinds = {"domain": ["Pareto front", "dominated"], "range": [ORANGE, GREY]}
    encoding = {
        "x": number("first", directed(first.name, first.direction)),
        "y": number("second", directed(second.name, second.direction)),
        "color": {"field": "kind", "type": "nominal", "scale": kinds, "title": None},
        "shape": {"field": "kind", "type": "nominal", "legend": None,
                  "scale": {"domain": kinds["domain"], "range": ["diamond", "circle"]}},
        "tooltip": tips("trial", ("first", first.name), ("second", second.name), "kind"),
    }  # fmt: skip
    return picture(flat, {"type": "point", "filled": True, "size": 60}, encoding)


def hypervolume_history(findings: Findings) -> Figure | None:
    """Share of the space of the objectives that is dominated, after each trial."""
    if len(findings.objectives) < 2:  # noqa: PLR2004 - the best score so far tells it
        return None
    ended = [findings.history.trials[trial_id] for trial_id in findings.history.end_order]
    completed = [trial for trial in ended if trial.score is not None]
    losses = np.array([_losses(findings, trial) for trial in completed], dtype=float)
    if len(losses) < 2 or not np.isfinite(losses).all():  # noqa: PLR2004 - one point is no line
        return None
    rows = [
        {"trials": place, "hypervolume": value}
        for place, value in enumerate(hypervolumes(losses), start=1)
    ]
    encoding = {
        "x": number("trials", "trials completed", axis={"tickMinStep": 1}),
        "y": number("hypervolume", "share that is dominated", zero=True),
        "tooltip": tips("trials", "hypervolume"),
    }
    drawn = sampled(rows, lambda row: row is rows[-1])
    mark = {"type": "line", "interpolate": "step-after", "color": ORANGE}
    about = "Share of the box from the worst to the best value of each objective that is dominated."
    return Figure("hypervolume_history", "Hypervolume of the Pareto front so far", about,
                  (Panel(picture(drawn, mark, encoding)),))  # fmt: skip


def _losses(findings: Findings, trial: Trial) -> list[float]:
    values = [(findings.objective_value(trial, each), each) for each in findings.objectives]
    return [np.nan if value is None else each.loss(value) for value, each in values]


def executions_spread(findings: Findings) -> Figure | None:
    """The score of each execution of the best trials, and how far apart they lie."""
    trials = [t for t in findings.ranked if len(t.record.get("scores") or []) > 1][:MOST_SPREAD]
    if not trials:
        return None
    rows = [
        {"trial": trial.trial_id, "execution": k, "score": score, "mean": fmean(known)}
        for trial in trials
        for known in [trial.record["scores"]]
        for k, score in enumerate(known)
    ]
    order = [trial.trial_id for trial in trials]
    y = {"field": "trial", "type": "nominal", "sort": order, "title": "trial, best first"}
    line = {"mark": {"type": "line", "color": GREY}, "encoding": {"detail": {"field": "trial"}}}
    ticks = {
        "mark": {"type": "circle", "color": BLUE, "size": 40},
        "encoding": {"tooltip": tips("trial", "execution", ("score", findings.metric))},
    }
    means = {
        "mark": {"type": "tick", "color": ORANGE, "thickness": 3, "size": 14},
        "encoding": {"x": number("mean", findings.metric)},
    }
    x = number("score", findings.metric)
    spec = layered(rows, line, ticks, means, encoding={"x": x, "y": y}, height={"step": 20})
    about = (
        "A point is one training, the bar their mean. Trials whose points overlap are not apart."
    )
    return Figure("executions_spread", "Spread over executions", about, (Panel(spec),))


def _plain(row: Row) -> Row:
    return {
        "trial": row["trial"],
        "ended as": row["ended as"],
        "score": row["score"],
        "best": row["best"],
        "seconds": None if row["seconds"] is None else round(row["seconds"], 1),
        "configuration": configuration(row["values"]),
    }


def _tooltip(findings: Findings) -> list[dict[str, object]]:
    return tips("trial", ("score", findings.metric), "seconds", "configuration")
