"""Trials that no other trial beats in every objective."""

from __future__ import annotations

from collections.abc import Sequence

from tuner.objective import MultiObjective, Objective
from tuner.trial import Trial


def pareto_front(trials: Sequence[Trial], objective: Objective) -> list[Trial]:
    """The non-dominated trials, in the order given.

    A trial dominates another if it is no worse in every objective and better in one. Of equal
    trials all are kept.

    Args:
        trials: Completed ones.
        objective: A `MultiObjective`; with a single one the front is its best trials.
    """
    objectives = objective.objectives if isinstance(objective, MultiObjective) else [objective]
    losses = [_losses(trial, objectives) for trial in trials]
    return [
        trial
        for trial, mine in zip(trials, losses, strict=True)
        if not any(_dominates(other, mine) for other in losses)
    ]


def _losses(trial: Trial, objectives: Sequence[Objective]) -> tuple[float, ...]:
    values = [(o, trial.metrics.get_best_value(o.name)) for o in objectives]
    return tuple(
        float("inf") if value is None else (-value if o.direction == "max" else value)
        for o, value in values
    )


def _dominates(a: Sequence[float], b: Sequence[float]) -> bool:
    return a != b and all(x <= y for x, y in zip(a, b, strict=True))
