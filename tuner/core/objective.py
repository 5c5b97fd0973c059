"""Objectives, and bounds on metrics that a feasible trial satisfies."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from tuner.core.metrics import MetricsTracker, infer_metric_direction
from tuner.errors import ObjectiveMissingError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import ArrayLike, NDArray


class Objective:
    """A metric, and whether to maximise or minimise it.

    Args:
        name: Name of the metric, for example `"val_accuracy"`.
        direction: `"min"` or `"max"`.

    Raises:
        ValueError: The direction is neither.
    """

    def __init__(self, name: str, direction: str) -> None:
        if direction not in ("min", "max"):
            msg = f"Expected `direction` of the objective {name!r} to be 'min' or 'max'."
            raise ValueError(f"{msg} Received: direction={direction!r}.")
        self.name = name
        self.direction = direction

    def has_value(self, logs: Mapping[str, Any]) -> bool:
        """Whether the metrics hold the objective."""
        return self.name in logs

    def get_value(self, logs: Mapping[str, Any]) -> float:
        """The objective's value among the metrics.

        Raises:
            KeyError: It is not there.
        """
        return _value_of(self.name, logs)

    def better_than(self, a: float, b: float) -> bool:
        """Whether the first value is better than the second; never, if one of them is NaN."""
        return a > b if self.direction == "max" else a < b

    def loss(self, value: float) -> float:
        """A value, turned so that lower is better."""
        return -value if self.direction == "max" else value

    def loss_in(self, metrics: MetricsTracker) -> float:
        """The best value that was measured, likewise; infinite where none was."""
        value = metrics.get_best_value(self.name)
        return math.inf if value is None else self.loss(value)

    def to_json(self) -> dict[str, Any]:
        return {"name": self.name, "direction": self.direction}

    def __eq__(self, obj: object) -> bool:
        return isinstance(obj, Objective) and self.to_json() == obj.to_json()

    def __hash__(self) -> int:
        return hash((self.name, self.direction))

    def __str__(self) -> str:
        return f'Objective(name="{self.name}", direction="{self.direction}")'

    __repr__ = __str__


class DefaultObjective(Objective):
    """The one number a trial returns, to be minimised; when no objective was given."""

    def __init__(self) -> None:
        super().__init__("default_objective", "min")


class MultiObjective(Objective):
    """The sum of the objectives to minimise, less the sum of those to maximise.

    Metrics that hold a `"multi_objective"` already, as averaged ones do, keep it.

    Args:
        objectives: At least one. The last one of a metric says its direction.

    Raises:
        ValueError: There are none.
    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        super().__init__("multi_objective", "min")
        self.objectives = list(objectives)
        self.name_to_direction = {o.name: o.direction for o in self.objectives}
        if not self.objectives:
            raise ValueError("Expected one or more objectives. Received: objectives=[].")

    def has_value(self, logs: Mapping[str, Any]) -> bool:
        return self.name in logs or all(name in logs for name in self.name_to_direction)

    def get_value(self, logs: Mapping[str, Any]) -> float:
        if self.name in logs:
            return _value_of(self.name, logs)
        terms = {name: _value_of(name, logs) for name in self.name_to_direction}
        return sum(v if self.name_to_direction[n] == "min" else -v for n, v in terms.items())

    def to_json(self) -> dict[str, Any]:
        ordered = sorted(self.objectives, key=lambda objective: objective.name)
        return {"objectives": [objective.to_json() for objective in ordered]}

    def __hash__(self) -> int:
        return hash(frozenset(self.name_to_direction.items()))

    def __eq__(self, obj: object) -> bool:
        return isinstance(obj, MultiObjective) and self.to_json() == obj.to_json()

    def __str__(self) -> str:
        return f"Multi{super().__str__()}: {self.objectives}"

    __repr__ = __str__


def single_objectives(objective: Objective) -> list[Objective]:
    """The objectives that a `MultiObjective` has, or the one there is."""
    return objective.objectives if isinstance(objective, MultiObjective) else [objective]


def non_dominated(losses: ArrayLike) -> NDArray[np.bool_]:
    """Which rows no other beats: is no worse in every column, and better in one.

    Args:
        losses: (trials, objectives), lower is better.

    Returns:
        (trials,).
    """
    import numpy as np

    losses = np.asarray(losses, float)
    kept = np.ones(len(losses), bool)
    for row in range(len(losses)):  # a row at a time: all pairs at once would not fit in memory
        no_worse = (losses <= losses[row]).all(1)
        better = (losses < losses[row]).any(1)
        kept[row] = not (no_worse & better).any()
    return kept


def create_objective(objective: Any) -> Objective:
    """The objective of what a user gives.

    Args:
        objective: None, a metric's name, an `Objective`, or a list of names and objectives.

    Raises:
        ValueError: A name's direction is not known.
        TypeError: It is something else.
    """
    match objective:
        case None:
            return DefaultObjective()
        case list() | tuple():
            return MultiObjective([_single(item) for item in objective])
        case _:
            return _single(objective)


def objective_from_json(state: Mapping[str, Any]) -> Objective:
    """The objective of what `to_json` gave."""
    if "objectives" in state:
        return MultiObjective([objective_from_json(item) for item in state["objectives"]])
    if state == DefaultObjective().to_json():
        return DefaultObjective()
    if not isinstance(state["name"], str):
        raise TypeError(f"Expected the name of an objective. Received: name={state['name']!r}.")
    return Objective(state["name"], state["direction"])


def _single(objective: Any) -> Objective:
    if isinstance(objective, Objective):
        return objective
    if not isinstance(objective, str):
        msg = (
            "`objective` not understood, expected str (a metric's name), `Objective`, or a list of "
            "these."
        )
        raise TypeError(f"{msg} Received: objective={objective!r}.")
    direction = infer_metric_direction(objective)
    if direction is None:
        msg = (
            f'Could not infer optimization direction ("min" or "max") for unknown metric '
            f'"{objective}". Please specify the objective as an `Objective`, for example '
            f'`Objective("{objective}", "min")`.'
        )
        raise ValueError(msg)
    return Objective(objective, direction)


def check_objective_found(objective: Objective, metrics: Mapping[str, Any]) -> None:
    """Raises ObjectiveMissingError unless the metrics hold the objective."""
    if not objective.has_value(metrics):
        msg = f"Objective value missing in metrics: expected {objective}."
        raise ObjectiveMissingError(f"{msg} Received: metrics={sorted(metrics)}.")


def _value_of(name: str, logs: Mapping[str, Any]) -> float:
    if name not in logs:
        msg = f"Expected the objective {name!r} among the metrics. Received: {sorted(logs)}."
        raise KeyError(msg)
    return float(logs[name])


RELATIONS = ("<=", ">=")


class Measured(Protocol):
    """What a constraint judges: a trial."""

    @property
    def record(self) -> Mapping[str, Any]: ...

    @property
    def metrics(self) -> Any: ...


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

    def excess(self, trial: Measured) -> float:
        """By how much a trial violates it; NaN where the trial did not tell the metric."""
        value = trial.record.get(self.metric)
        if trial.metrics.exists(self.metric):
            value = trial.metrics.get_best_value(self.metric)
        return math.nan if value is None else self.excess_of(float(value))

    def holds(self, trial: Measured) -> bool:
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
