"""The figures of a search, as Vega-Lite; each is None where there is nothing to draw yet."""

from __future__ import annotations

from collections.abc import Mapping

from tuner.results.figures.figure import Draw, Figure
from tuner.results.figures.scores import (
    edf,
    executions_spread,
    hypervolume_history,
    optimization_history,
    pareto,
)
from tuner.results.figures.training import learning_curves, rungs, slots
from tuner.results.figures.values import (
    contour,
    parallel_coordinates,
    parameter_importance,
    rank,
    slices,
)
from tuner.results.findings import Findings

__all__ = ["ALL", "Figure", "draw_all"]

ALL: Mapping[str, Draw] = {
    draw.__name__: draw
    for draw in (
        optimization_history,
        pareto,
        hypervolume_history,
        parameter_importance,
        learning_curves,
        executions_spread,
        edf,
        slices,
        contour,
        rank,
        parallel_coordinates,
        rungs,
        slots,
    )
}
"""By name, in the order of the page."""


def draw_all(findings: Findings) -> list[Figure]:
    """Every figure there is something to show in."""
    drawn = (draw(findings) for draw in ALL.values())
    return [figure for figure in drawn if figure is not None]
