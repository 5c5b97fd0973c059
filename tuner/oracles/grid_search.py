"""Grid search: every combination of the listed values, in the order of an odometer."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from tuner.hyperparameters import HyperParameter
from tuner.hyperparameters.sampling import Values, values_key
from tuner.oracle import Oracle
from tuner.proposal import Decision, Done, Proposal, Wait
from tuner.state.history import History


class Axis:
    """One parameter's values: its default, then `parameter.values` in order.

    Of a parameter without a step these are ten samples.
    """

    def __init__(self, parameter: HyperParameter) -> None:
        self.name = parameter.name
        self.default = parameter.default
        self._conditions = parameter.conditions
        listed = parameter.values
        # A range may be too long to list.
        self._values: Sequence[Any] = (
            listed if isinstance(listed, range) else list(dict.fromkeys(listed))
        )

    def is_open(self, values: Mapping[str, Any]) -> bool:
        """Whether the parameter is active and no other of its name has a value yet."""
        return self.name not in values and all(c.is_active(values) for c in self._conditions)

    def place(self, value: Any) -> int:
        """Where a value stands; the default is -1. Raises ValueError for one that is not here."""
        return -1 if value == self.default else self._values.index(value)

    def after(self, value: Any) -> Any:
        """The next value, None after the last."""
        start = self.place(value) + 1
        # Of two in a row at most one is the default.
        return next((v for v in self._values[start : start + 2] if not self._is_default(v)), None)

    def _is_default(self, value: Any) -> bool:
        if isinstance(value, float):
            return math.isclose(value, self.default)  # 0.1 + 2 * 0.1 is not quite 0.3
        return bool(value == self.default)


class Grid:
    """The points of a space in Keras Tuner's order.

    The defaults come first, and the parameter declared last changes fastest.

    Args:
        parameters: The space, in the order of declaration.
    """

    def __init__(self, parameters: Sequence[HyperParameter]) -> None:
        self.parameters = list(parameters)
        self._axes = [Axis(parameter) for parameter in parameters]

    def first(self) -> Values:
        """The defaults of all active parameters."""
        return self._filled({})

    def after(self, values: Mapping[str, Any]) -> Values | None:
        """The next point, None after the last one.

        Raises:
            ValueError: A value is not on the grid.
        """
        opened = list(self._opened(values))
        for position, (_, axis, value) in reversed(list(enumerate(opened))):
            following = axis.after(value)
            if following is not None:
                kept = {before.name: held for _, before, held in opened[:position]}
                return self._filled({**kept, axis.name: following})
        return None

    def compare(self, a: Mapping[str, Any], b: Mapping[str, Any]) -> int:
        """-1, 0 or 1: whether point `a` comes before `b`, is it, or comes after it."""
        for (_, axis, of_a), (_, _, of_b) in zip(self._opened(a), self._opened(b), strict=False):
            if of_a != of_b:
                return -1 if axis.place(of_a) < axis.place(of_b) else 1
        return 0

    def is_tried(self, values: Mapping[str, Any], tried: Container[str]) -> bool:
        """Whether a point had a trial, be it before its last parameters were known.

        Those parameters had, or will have, their defaults in such a trial. A space grows at its
        end only, so what was known is found by leaving out the last of the defaults.
        """
        opened = sorted(self._opened(values), key=lambda entry: entry[0])
        known = dict(values)
        while values_key(known) not in tried:
            if not opened or opened[-1][2] != opened[-1][1].default:
                return False
            del known[opened.pop()[1].name]
        return True

    def _filled(self, values: Mapping[str, Any]) -> Values:
        return {axis.name: value for _, axis, value in self._opened(values)}

    def _opened(self, values: Mapping[str, Any]) -> Iterator[tuple[int, Axis, Any]]:
        """The active parameters with their numbers and values, parents before their children.

        What has no value gets its default.
        """
        known: Values = {}
        size = -1
        # Once more from the start: of two parameters of one name the later one may open a child
        # that was declared between them.
        while len(known) > size:
            size = len(known)
            for number, axis in enumerate(self._axes):
                if axis.is_open(known):
                    known[axis.name] = values.get(axis.name, axis.default)
                    yield number, axis, known[axis.name]


class Sweep:
    """How far a search has come on its grid: a cache, which a history alone can rebuild.

    Tried points stay tried, so on the same history nobody needs to go back.
    """

    def __init__(self, history: History) -> None:
        self.grid = Grid(history.space.space)
        self._history = history
        self._point: Values | None = self.grid.first()

    def is_of(self, history: History) -> bool:
        """Whether it is about this history, and the space has not grown since."""
        return history is self._history and history.space.space == self.grid.parameters

    def untried(self) -> Values | None:
        """The first point that has had no trial, None when all had."""
        while self._point is not None and self.grid.is_tried(self._point, self._history.tried):
            self._point = self.grid.after(self._point)
        return self._point


def propose(history: History, rng: np.random.Generator, sweep: Sweep | None = None) -> Decision:
    """The first point of the grid that has had no trial.

    Args:
        history: Everything that has happened.
        rng: Not used: a grid leaves nothing to chance.
        sweep: What earlier questions found out about the same history; changes no answer.
    """
    known = bool(history.space.space)
    values = (sweep or Sweep(history)).untried() if known else history.untried(rng)
    if values is not None:
        return Proposal(values)
    # A running trial may still meet hyperparameters that nobody has seen.
    return Wait() if history.running else Done("every combination has had a trial")


class GridSearchOracle(Oracle):
    """Oracle of grid search; arguments are those of `Oracle`.

    The grid begins with the defaults, and the parameter declared last changes fastest. Of a
    parameter without a step it takes ten samples and the default.

    Args:
        max_trials: Number of combinations to try; all of them if omitted.
    """

    def __init__(
        self,
        objective: object = None,
        max_trials: int | None = None,
        seed: int | None = None,
        hyperparameters: object = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
        *,
        target: float | None = None,
        patience: int | None = None,
        max_total_epochs: int | None = None,
        max_device_hours: float | None = None,
        constraints: Sequence[Sequence[Any]] | None = None,
        warm_start_from: Sequence[str] | str | None = None,
    ) -> None:
        super().__init__(
            objective=objective,
            max_trials=max_trials,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            seed=seed,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
            target=target,
            patience=patience,
            max_total_epochs=max_total_epochs,
            max_device_hours=max_device_hours,
            constraints=constraints,
            warm_start_from=warm_start_from,
        )
        self._sweep: Sweep | None = None

    def propose(self, history: History, rng: np.random.Generator) -> Decision:
        if self._sweep is None or not self._sweep.is_of(history):
            self._sweep = Sweep(history)
        return propose(history, rng, self._sweep)

    # Keras Tuner's private hooks.

    def _compare(self, a: Mapping[str, Any], b: Mapping[str, Any]) -> int:
        return Grid(self.get_space().space).compare(a, b)

    def _get_next_combination(self, values: Mapping[str, Any]) -> Values | None:
        return Grid(self.get_space().space).after(values)
