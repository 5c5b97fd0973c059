"""The score that is expected for two hyperparameters together, whatever the others are."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from tuner.core.hyperparameters import Float, HyperParameter, Int
from tuner.oracles.bayesian.design import sobol_points
from tuner.oracles.bayesian.dimension import Dimension
from tuner.results.score_model import Floats, ScoreModel

CELLS = 16
"""Of a scale of numbers."""
OTHERS = 32
"""Points of the other hyperparameters that are averaged over."""

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Axis:
    """The cells of a hyperparameter."""

    column: int
    coordinates: list[float]
    """Middles of the cells."""
    cells: list[tuple[Any, Any]]
    """Both ends of each cell; the same where it is one value."""


def marginal(model: ScoreModel, first: HyperParameter, second: HyperParameter) -> list[Row]:
    """The expected score in each cell: `x`, `x2`, `y`, `y2`, `score`; `at x` and `at y` in words.

    Empty where the two are never active together.
    """
    encoder = model.encoder
    axes = [_axis(model, parameter) for parameter in (first, second)]
    base = encoder.spread(sobol_points(len(encoder), OTHERS, 1))
    rows: list[Row] = []
    for k, u in enumerate(axes[0].coordinates):
        scores = _scores(model, base, (axes[0].column, u), axes[1])
        for (y, y2), score in zip(axes[1].cells, scores, strict=True):
            if np.isfinite(score):
                x, x2 = axes[0].cells[k]
                at = {"at x": _label(x, x2), "at y": _label(y, y2)}
                rows.append({"x": x, "x2": x2, "y": y, "y2": y2, "score": float(score), **at})
    return rows


def _scores(model: ScoreModel, base: Floats, fixed: tuple[int, float], along: _Axis) -> Floats:
    """The mean over the base points in each cell along an axis, NaN where it is not active."""
    points = np.tile(base, (len(along.coordinates), 1))
    points[:, fixed[0]] = fixed[1]
    points[:, along.column] = np.repeat(along.coordinates, len(base))
    active = model.encoder.active(points)[:, [fixed[0], along.column]].all(1)
    settled = model.encoder.settle(points)
    expected = np.where(active, model.predict(settled), np.nan).reshape(-1, len(base))
    known = np.isfinite(expected)
    count = known.sum(1)
    total = np.where(known, expected, 0.0).sum(1)
    means: Floats = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    return means


def _axis(model: ScoreModel, parameter: HyperParameter) -> _Axis:
    column = model.columns_by_name()[parameter.name][0]
    dimension = model.encoder.dimensions[column]
    if not isinstance(parameter, Int | Float):
        return _names(column, dimension)
    edges = np.linspace(0.0, 1.0, CELLS + 1)
    values = [parameter.prob_to_value(float(edge)) for edge in edges]
    cells = list(pairwise(values))
    middles = (edges[1:] + edges[:-1]) / 2
    kept = [k for k, (low, high) in enumerate(cells) if low != high]  # of few whole numbers
    return _Axis(column, [float(middles[k]) for k in kept], [cells[k] for k in kept])


def _names(column: int, dimension: Dimension) -> _Axis:
    levels = [] if dimension.levels is None else dimension.levels.tolist()
    return _Axis(column, levels, [(str(value), str(value)) for value in dimension.values])


def _label(low: Any, high: Any) -> str:
    if isinstance(low, str):
        return low
    return f"{low:.4g} to {high:.4g}"
