"""What a trial must keep to be one of the best, whatever its score is."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from tuner.trial import Trial

RELATIONS = ("<=", ">=")


@dataclass(frozen=True, slots=True)
class Constraint:
    """A metric, and a bound that it must not cross.

    Example:
        >>> Constraint("model_size", "<=", 1e6).excess_of(900_000)
        -100000.0
    """

    metric: str
    """Name of a metric of the trial; `"model_size"` is there for every Keras model."""
    relation: str
    """`"<="` or `">="`."""
    bound: float

    def excess_of(self, value: float) -> float:
        """By how much the value is on the wrong side of the bound; not above 0 where it holds."""
        return float(value - self.bound if self.relation == "<=" else self.bound - value)

    def excess(self, trial: Trial) -> float:
        """By how much a trial violates it; NaN where the trial did not tell the metric."""
        value = trial.record.get(self.metric)
        if trial.metrics.exists(self.metric):
            value = trial.metrics.get_best_value(self.metric)
        return math.nan if value is None else self.excess_of(float(value))

    def holds(self, trial: Trial) -> bool:
        """Whether the trial keeps it; never where the metric is not known."""
        return self.excess(trial) <= 0


def create_constraints(given: Iterable[Any] | None) -> tuple[Constraint, ...]:
    """The constraints of what a user gives.

    Args:
        given: Triples of a metric's name, `"<="` or `">="`, and a number.

    Raises:
        ValueError: One of them is something else.
    """
    return tuple(_create(item) for item in given or ())


def _create(item: Any) -> Constraint:
    match item:
        case [str(metric), relation, int(bound) | float(bound)] if (
            relation in RELATIONS and math.isfinite(bound)
        ):
            return Constraint(metric, relation, float(bound))
    msg = "Expected a constraint like ('model_size', '<=', 1e6), with '<=' or '>='."
    raise ValueError(f"{msg} Received: {item!r}.")
