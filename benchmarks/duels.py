"""Two oracles on the same tables with the same seeds: in how many pairs is the first ahead?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from runners import Run

RESAMPLED = 2000
Pairs = list[np.ndarray]
"""Of each table what each pair of searches gave: 1 won, 0 lost, one half level."""
LEVEL = 1e-12
"""Regrets that differ by less are level: rounding."""


@dataclass(frozen=True)
class Share:
    """The share of the pairs that is won, with its 95 % interval."""

    mean: float
    low: float
    high: float
    pairs: int

    def __str__(self) -> str:
        return f"{self.mean:.2f} [{self.low:.2f}, {self.high:.2f}]"


def pairs_won(
    ours: Sequence[Mapping[int, Run]], theirs: Sequence[Mapping[int, Run]], cost: int
) -> Pairs:
    """The pairs of each table: seeds that both have.

    Args:
        ours: Of each table the searches by their seeds.
        theirs: In the same order of tables.
        cost: Evaluations after which they are compared.
    """
    found = []
    for mine, other in zip(ours, theirs, strict=True):
        seeds = sorted(set(mine) & set(other))
        lead = np.array([other[s].at(cost) - mine[s].at(cost) for s in seeds])
        if seeds:
            found.append(np.where(np.abs(lead) < LEVEL, 0.5, (lead > 0).astype(float)))
    return found


def share(pairs: Pairs) -> Share:
    """The mean over tables, each with the same weight; tables and seeds are drawn anew for its
    interval."""
    rng = np.random.default_rng(0)
    means = np.empty(RESAMPLED)
    for k in range(RESAMPLED):
        drawn = [pairs[t] for t in rng.integers(len(pairs), size=len(pairs))]
        means[k] = np.mean([rng.choice(won, len(won)).mean() for won in drawn])
    low, high = np.quantile(means, [0.025, 0.975])
    mean = float(np.mean([won.mean() for won in pairs]))
    return Share(mean, float(low), float(high), sum(map(len, pairs)))
