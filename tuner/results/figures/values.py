"""Figures of the hyperparameters: which of them matter, and where the good values are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np

from tuner.core.hyperparameters import Float, HyperParameter, Int
from tuner.core.trial import Trial
from tuner.results.figures.figure import (
    BLUE,
    GREY,
    PANEL_HEIGHT,
    Figure,
    Panel,
    Spec,
    layered,
    left_out,
    name_of,
    number,
    picture,
    sampled,
    shown,
    tips,
)
from tuner.results.findings import Findings, Row
from tuner.results.importance import METHOD

MOST_SLICES = 9
MOST_TICKS = 10
MOST_LINES = 200
"""Trials that parallel coordinates still show apart."""
MOST_PAIRS = 3
"""Pairs of hyperparameters that are shown together: those of the three that matter most."""
PALETTE = "viridis"


def parameter_importance(findings: Findings) -> Figure | None:
    """Total Sobol index of each hyperparameter, with an interval."""
    found = findings.importances
    if not found.of:
        return None
    rows = [
        {"hyperparameter": name, "share": each.value, "low": each.low, "high": each.high,
         "interval": f"{each.value:.1%} ({each.low:.1%} to {each.high:.1%})"}
        for name, each in found.of.items()
    ]  # fmt: skip
    tooltip = tips("hyperparameter", ("interval", "share (90 % interval)"))
    axis = {"format": "%", "tickCount": 5}
    bars = {
        "mark": {"type": "bar", "color": BLUE},
        "encoding": {"x": number("share", "share of the variance", zero=True, axis=axis),
                     "tooltip": tooltip},
    }  # fmt: skip
    reach = {
        "mark": {"type": "rule", "strokeWidth": 2, "color": GREY},
        "encoding": {"x": number("low", zero=True), "x2": {"field": "high"}, "tooltip": tooltip},
    }
    y = name_of("hyperparameter", sort=[row["hyperparameter"] for row in rows])
    spec = layered(rows, bars, reach, encoding={"y": y}, height={"step": 24})
    budget = "" if found.epochs is None else f" of {found.epochs} epochs"
    about = (
        f"By {METHOD}, from {found.trials:,} trials{budget}; the line is a 90 % interval. "
        f"The model explains {found.explained:.0%} of the variance."
    )
    return Figure("parameter_importance", "Which hyperparameters matter", about, (Panel(spec),))


def slices(findings: Findings) -> Figure | None:
    """Score against the value of each hyperparameter, the most important ones first."""
    trials = _sample(findings)
    drawn = [(p, _slice(findings, p, trials)) for p in findings.parameters[:MOST_SLICES]]
    panels = [Panel(spec, parameter.name) for parameter, spec in drawn if spec is not None]
    if not panels:
        return None
    about = "A point is a trial; the most important hyperparameter comes first."
    about += left_out(len(trials), len(findings.ranked))
    return Figure("slices", "Score against each hyperparameter", about, tuple(panels), wide=True)


def _sample(findings: Findings) -> list[Trial]:
    ranked = findings.ranked
    best = {trial.trial_id for trial in ranked[:50]}
    rows = [{"id": trial.trial_id, "trial": trial} for trial in ranked]
    return [row["trial"] for row in sampled(rows, lambda row: row["id"] in best)]


def _slice(findings: Findings, parameter: HyperParameter, trials: Sequence[Trial]) -> Spec | None:
    rows = [
        {"value": _on_axis(parameter, value), "score": trial.score, "trial": trial.trial_id}
        for trial in trials
        for value in [trial.values.get(parameter.name)]
        if value is not None
    ]
    if not rows:
        return None
    encoding = {
        "x": {**channel(parameter, "value"), "title": parameter.name},
        "y": number("score", findings.metric),
        "tooltip": tips("trial", ("value", parameter.name), ("score", findings.metric)),
    }
    mark = {"type": "circle", "color": BLUE, "opacity": 0.55}
    return picture(rows, mark, encoding, PANEL_HEIGHT)


def is_number(parameter: HyperParameter) -> bool:
    """Whether its values lie on a scale of numbers."""
    return isinstance(parameter, Int | Float)


def channel(parameter: HyperParameter, name: str) -> Spec:
    """The axis of a hyperparameter: of numbers, in its own scale, or of names."""
    if not isinstance(parameter, Int | Float):
        return name_of(name, parameter.name, sort=None, axis={"labelAngle": 0, "labelLimit": 90})
    if parameter.sampling != "linear" and parameter.min_value > 0:
        scale: Mapping[str, Any] = {"type": "log", "nice": False}
        return number(name, parameter.name, scale=scale, axis={"tickCount": 5})
    few = isinstance(parameter, Int) and parameter.max_value - parameter.min_value <= MOST_TICKS
    if not few:
        return number(name, parameter.name, axis={"tickCount": 5})
    values = list(range(int(parameter.min_value), int(parameter.max_value) + 1))
    return number(name, parameter.name, axis={"values": values, "format": "d"})


def _on_axis(parameter: HyperParameter, value: Any) -> Any:
    return value if is_number(parameter) else str(value)


# Pairs.


def contour(findings: Findings) -> Figure | None:
    """The score a model expects for two hyperparameters together, whatever the others are."""
    model = findings.model
    if model is None or model.explained <= 0:
        return None
    from tuner.results.marginals import marginal

    panels = []
    for pair in _pairs(findings):
        cells = marginal(model, *pair)
        if cells:
            panels.append(Panel(_cells(findings, pair, cells), " and ".join(p.name for p in pair)))
    if not panels:
        return None
    about = (
        "The colour is the score that the model of the importances expects, averaged over the "
        "other hyperparameters."
    )
    return Figure("contour", "Two hyperparameters together", about, tuple(panels), wide=True)


def _pairs(findings: Findings) -> list[tuple[HyperParameter, HyperParameter]]:
    return list(combinations(findings.parameters[:MOST_PAIRS], 2))


def _cells(
    findings: Findings, pair: tuple[HyperParameter, HyperParameter], cells: Sequence[Row]
) -> Spec:
    encoding: dict[str, Any] = {"color": _score_colour(findings), "tooltip": _tips(findings, pair)}
    for axis, parameter in zip("xy", pair, strict=True):
        encoding[axis] = channel(parameter, axis)
        if is_number(parameter):
            encoding[f"{axis}2"] = {"field": f"{axis}2"}
    mark = {"type": "rect", "stroke": None}
    return picture(cells, mark, encoding, PANEL_HEIGHT)


def _tips(findings: Findings, pair: tuple[HyperParameter, HyperParameter]) -> list[dict[str, Any]]:
    return tips(("at x", pair[0].name), ("at y", pair[1].name), ("score", findings.metric))


def _score_colour(findings: Findings) -> Spec:
    scale = {"scheme": PALETTE, "reverse": findings.direction == "min"}
    return {"field": "score", "type": "quantitative", "scale": scale, "title": findings.metric}


def rank(findings: Findings) -> Figure | None:
    """The trials by two hyperparameters, coloured by the rank of their score."""
    ranked = findings.ranked
    if len(ranked) < 2 or len(findings.parameters) < 2:  # noqa: PLR2004 - there is no pair
        return None
    share = {t.trial_id: 1 - k / (len(ranked) - 1) for k, t in enumerate(ranked)}
    trials = _sample(findings)
    drawn = [(pair, _ranks(findings, pair, trials, share)) for pair in _pairs(findings)]
    panels = [Panel(s, " and ".join(p.name for p in pair)) for pair, s in drawn if s is not None]
    if not panels:
        return None
    about = "The colour is the share of trials with a worse score: 100 % is the best trial."
    about += left_out(len(trials), len(ranked))
    return Figure("rank", "Rank by two hyperparameters", about, tuple(panels), wide=True)


def _ranks(
    findings: Findings,
    pair: tuple[HyperParameter, HyperParameter],
    trials: Sequence[Trial],
    share: Mapping[str, float],
) -> Spec | None:
    rows = [
        {"trial": trial.trial_id, "x": _on_axis(pair[0], x), "y": _on_axis(pair[1], y),
         "at x": shown(x), "at y": shown(y), "score": trial.score,
         "better than": share[trial.trial_id]}
        for trial in reversed(trials)  # the best are drawn last, on top
        for x, y in [[trial.values.get(parameter.name) for parameter in pair]]
        if x is not None and y is not None
    ]  # fmt: skip
    if not rows:
        return None
    scale = {"scheme": PALETTE, "domain": [0, 1]}
    colour = {"field": "better than", "type": "quantitative", "scale": scale,
              "title": "better than", "legend": {"format": "%"}}  # fmt: skip
    encoding = {
        "x": channel(pair[0], "x"),
        "y": channel(pair[1], "y"),
        "color": colour,
        "tooltip": [*tips("trial"), *_tips(findings, pair)],
    }
    return picture(rows, {"type": "circle", "opacity": 0.8}, encoding, PANEL_HEIGHT)


# Parallel coordinates.


def parallel_coordinates(findings: Findings) -> Figure | None:
    """A line for each trial through its values, on an axis for each hyperparameter."""
    parameters = findings.parameters
    ranked = findings.ranked
    if len(parameters) < 2 or len(ranked) < 2:  # noqa: PLR2004 - one point is no line
        return None
    trials = [ranked[k] for k in np.linspace(0, len(ranked) - 1, MOST_LINES).astype(int)]
    trials = ranked if len(ranked) <= MOST_LINES else trials
    rows = [
        {"trial": trial.trial_id, "score": trial.score, "hyperparameter": parameter.name,
         "height": parameter.value_to_prob(value), "value": shown(value)}
        for trial in reversed(trials)
        for parameter in parameters
        for value in [trial.values.get(parameter.name)]
        if value is not None
    ]  # fmt: skip
    x = name_of("hyperparameter", sort=[p.name for p in parameters],
                axis={"grid": True, "labelAngle": -20, "orient": "bottom", "labelLimit": 140},
                scale={"padding": 0.5})  # fmt: skip
    y = number("height", axis=None, scale={"domain": [0, 1]})
    lines = {
        "mark": {"type": "line", "opacity": 0.5},
        "encoding": {
            "color": _score_colour(findings),
            "detail": {"field": "trial"},
            "tooltip": tips("trial", ("score", findings.metric), "hyperparameter", "value"),
        },
    }
    labels = {
        "data": {"values": [tick for parameter in parameters for tick in ticks(parameter)]},
        "mark": {"type": "text", "align": "left", "dx": 4, "fontWeight": 600, "fontSize": 10},
        "encoding": {"text": {"field": "label"}},
    }
    about = "A line is a trial; follow the colour of the good scores. Axes are in their own scale."
    about += left_out(len(trials), len(ranked))
    spec = layered(rows, lines, labels, encoding={"x": x, "y": y}, height=300)
    title = "Configurations by score"
    return Figure("parallel_coordinates", title, about, (Panel(spec),), wide=True)


def ticks(parameter: HyperParameter) -> list[Row]:
    """The labels of an axis of parallel coordinates: values, and how high they stand."""
    if is_number(parameter):
        heights = [0.0, 0.25, 0.5, 0.75, 1.0]
        values = [parameter.prob_to_value(height) for height in heights]
    else:
        known = list(parameter.values)
        values = [known[k] for k in np.unique(np.linspace(0, len(known) - 1, 12).astype(int))]
    heights_of = {shown(value): parameter.value_to_prob(value) for value in values}
    return [
        {"hyperparameter": parameter.name, "height": height, "label": label[:24]}
        for label, height in heights_of.items()
    ]
