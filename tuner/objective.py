"""What a search improves."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tuner.metrics import infer_metric_direction


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
        objectives: At least one, each of another metric.

    Raises:
        ValueError: There are none, or two of one metric.
    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        super().__init__("multi_objective", "min")
        self.objectives = list(objectives)
        self.name_to_direction = {o.name: o.direction for o in self.objectives}
        if not self.objectives or len(self.name_to_direction) < len(self.objectives):
            msg = "Expected one or more objectives with different names."
            raise ValueError(f"{msg} Received: objectives={self.objectives}.")

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
    return Objective(state["name"], state["direction"])


def _single(objective: Any) -> Objective:
    if isinstance(objective, Objective):
        return objective
    if not isinstance(objective, str):
        msg = "Expected `objective` to be a metric's name, an `Objective`, or a list of these."
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


def _value_of(name: str, logs: Mapping[str, Any]) -> float:
    if name not in logs:
        msg = f"Expected the objective {name!r} among the metrics. Received: {sorted(logs)}."
        raise KeyError(msg)
    return float(logs[name])
