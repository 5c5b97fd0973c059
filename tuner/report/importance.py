"""How much each hyperparameter matters to reach good scores.

PED-ANOVA: Watanabe, Bansal, Hutter, "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance
in Arbitrary Subspaces", IJCAI 2023 (https://arxiv.org/abs/2304.10255), equation 16. A parameter
matters as far as its values among the best trials are distributed otherwise than among all.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tuner.hyperparameters import HyperParameter
from tuner.state.history import History

Floats = NDArray[np.float64]

TOP = 0.1
"""Share of the trials that count as good: gamma in the paper."""

FEWEST = 10
"""Completed trials below which nothing can be said."""

FEWEST_TOP = 6
"""Trials that count as good where a tenth would be fewer."""

CELLS = 20
"""Cells of the grid on which densities are compared."""


def importance(history: History, parameters: Sequence[HyperParameter]) -> dict[str, float]:
    """The importance of each parameter; they sum to 1. Empty while too few trials have completed.

    A conditional parameter is judged among the trials that have it, and counts for their share.

    Args:
        history: What has happened.
        parameters: Those to compare.
    """
    trials = history.ranked()
    if len(trials) < FEWEST:
        return {}
    found = {}
    for parameter in parameters:
        places = _places(parameter, [trial.values.get(parameter.name) for trial in trials])
        share = len(places) / len(trials)
        best = places[: max(FEWEST_TOP, round(TOP * len(places)))]
        found[parameter.name] = share * _divergence(best, places)
    total = sum(found.values())
    return {name: value / total for name, value in found.items()} if total > 0 else {}


def _places(parameter: HyperParameter, values: Sequence[object]) -> Floats:
    """Places in the unit interval of the values that are known; shape (known,)."""
    known = [parameter.value_to_prob(value) for value in values if value is not None]
    return np.array(known, dtype=float)


def _divergence(top: Floats, everything: Floats) -> float:
    """The Pearson divergence of the densities of two samples; 0 where there are too few."""
    if len(everything) < FEWEST or np.ptp(everything) == 0:
        return 0.0
    width = max(np.std(everything) * len(everything) ** -0.2, 1 / CELLS)
    p, q = _density(top, width), _density(everything, width)
    return float(np.sum(q * (p / q - 1) ** 2))


def _density(places: Floats, width: float) -> Floats:
    """A Gaussian kernel density on the grid; shape (CELLS,), sum 1."""
    grid = (np.arange(CELLS) + 0.5) / CELLS
    density = np.exp(-0.5 * ((grid[:, None] - places[None, :]) / width) ** 2).sum(1)
    mixed: Floats = density / density.sum() * 0.99 + 0.01 / CELLS  # nowhere zero
    return mixed
