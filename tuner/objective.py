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
        """The objective's value among the metrics. Raises KeyError if it is not there."""
        return float(logs[self.name])

    def better_than(self, a: float, b: float) -> bool:
        """Whether `a` is better than `b`."""
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
    """The sum of several objectives, those to maximise taken negative.

    Args:
        objectives: At least one.
    """

    def __init__(self, objectives: Sequence[Objective]) -> None:
        super().__init__("multi_objective", "min")
        self.objectives = list(objectives)
        self.name_to_direction = {o.name: o.direction for o in self.objectives}

    def has_value(self, logs: Mapping[str, Any]) -> bool:
        return self.name in logs or all(name in logs for name in self.name_to_direction)

    def get_value(self, logs: Mapping[str, Any]) -> float:
        if self.name in logs:
            return float(logs[self.name])
        signs = {name: -1 if way == "max" else 1 for name, way in self.name_to_direction.items()}
        return float(sum(sign * logs[name] for name, sign in signs.items()))

    def to_json(self) -> dict[str, Any]:
        return {"objectives": [objective.to_json() for objective in self.objectives]}

    def __eq__(self, obj: object) -> bool:
        same = isinstance(obj, MultiObjective)
        return same and obj.name_to_direction == self.name_to_direction  # type: ignore[attr-defined]

    def __hash__(self) -> int:
        return hash(tuple(sorted(self.name_to_direction.items())))

    def __str__(self) -> str:
        return f"Multi{super().__str__()}: {self.objectives}"

    __repr__ = __str__


def create_objective(objective: Any) -> Objective:
    """The objective of what a user gives.

    Args:
        objective: None, a name, an `Objective`, or a list of these.

    Raises:
        ValueError: A name's direction is not known.
        TypeError: It is something else.
    """
    match objective:
        case None:
            return DefaultObjective()
        case Objective():
            return objective
        case str():
            return _named(objective)
        case list() | tuple() if objective:
            return MultiObjective([create_objective(item) for item in objective])
        case _:
            msg = "Expected `objective` to be a name, an Objective, or a list of these."
            raise TypeError(f"{msg} Received: objective={objective!r}.")


def objective_from_json(state: Mapping[str, Any]) -> Objective:
    """The objective of what `to_json` gave."""
    if "objectives" in state:
        return MultiObjective([objective_from_json(item) for item in state["objectives"]])
    if state["name"] == DefaultObjective().name:
        return DefaultObjective()
    return Objective(state["name"], state["direction"])


def _named(name: str) -> Objective:
    direction = infer_metric_direction(name)
    if direction is None:
        msg = (
            f'Could not infer optimization direction ("min" or "max") for unknown metric "{name}". '
            f'Please specify the objective as an `Objective`, for example '
            f'`Objective("{name}", "min")`.'
        )
        raise ValueError(msg)
    return Objective(name, direction)
