"""Grid search: every combination of the listed values, in the order of an odometer."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Unpack

import numpy as np

from tuner.core.hyperparameters import HyperParameter
from tuner.core.hyperparameters.sampling import Values
from tuner.core.proposal import Decision, Done, Proposal, Wait
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.history import History
from tuner.oracles.oracle import Oracle
from tuner.oracles.settings import OracleOptions

Key = tuple[int, ...]
"""Of a point: where the value of each of its parameters stands."""


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

    def after(self, values: Mapping[str, Any], *, fill: bool = True) -> Values | None:
        """The next point, None after the last one.

        Args:
            values: A point.
            fill: Whether a parameter without a value has its default; otherwise it stays out.

        Raises:
            ValueError: A value is not on the grid.
        """
        opened = list(self._opened(values, fill=fill))
        for position, (axis, value) in reversed(list(enumerate(opened))):
            following = axis.after(value)
            if following is not None:
                kept = {before.name: held for before, held in opened[:position]}
                return self._filled({**kept, axis.name: following})
        return None

    def compare(self, a: Mapping[str, Any], b: Mapping[str, Any]) -> int:
        """-1, 0 or 1: whether point `a` comes before `b`, is it, or comes after it."""
        key_a, key_b = self.key(a), self.key(b)
        return (key_a > key_b) - (key_a < key_b)

    def key(self, values: Mapping[str, Any]) -> Key:
        """Where a point stands in the order, with the defaults of what has no value.

        Raises:
            ValueError: A value is not on the grid.
        """
        return tuple(axis.place(value) for axis, value in self._opened(values))

    def covers(self, values: Mapping[str, Any]) -> bool:
        """Whether every active parameter has a value."""
        return all(axis.name in values for axis, _ in self._opened(values))

    def _filled(self, values: Mapping[str, Any]) -> Values:
        return {axis.name: value for axis, value in self._opened(values)}

    def _opened(
        self, values: Mapping[str, Any], *, fill: bool = True
    ) -> Iterator[tuple[Axis, Any]]:
        """The active parameters with their values, parents before their children."""
        known: Values = {}
        size = -1
        # Once more from the start: of two parameters of one name the later one may open a child
        # that was declared between them.
        while len(known) > size:
            size = len(known)
            for axis in self._axes:
                if axis.is_open(known) and (fill or axis.name in values):
                    known[axis.name] = values.get(axis.name, axis.default)
                    yield axis, known[axis.name]


class Sweep:
    """The trials of a search in the order of its grid, and which the next point may follow.

    A cache, which a history alone can rebuild.

    A point comes after that of a trial, as in Keras Tuner. A trial that has completed without
    meeting a parameter is followed without it: a parameter that is declared under an `if` is
    combined with the values that lead to it. A trial that runs is followed once it has values for
    all that is known, for then the order is known; a trial that has failed may have met no more
    than a part, and is followed by all that is known.
    """

    def __init__(self, history: History) -> None:
        self.grid = Grid(history.space.space)
        self._history = history
        self._counted_anew = history.counting.changes
        self._order: list[tuple[Key, int]] = []
        """Place on the grid and number of each trial on it."""
        self._key_of: dict[str, Key | None] = {}
        self._trials: list[Trial] = []
        self._ends_seen = 0
        self._open: set[int] = set()
        """Numbers of the trials that another point may still follow."""

    def is_of(self, history: History) -> bool:
        """Whether it is about this history, and the space and what counts are as they were."""
        same = history is self._history and history.counting.changes == self._counted_anew
        return same and history.space.space == self.grid.parameters

    def untried(self) -> Values | None:
        """The first point that has had no trial, None when all had or the order is not known."""
        self._catch_up()
        first = self.grid.first()
        if not self._order or self.grid.key(first) < self._order[0][0]:
            return first
        for number in sorted(self._open, key=lambda n: self._order_of(self._trials[n], n)):
            point = self._after(number)
            if point is not None:
                return point
        return None

    def _after(self, number: int) -> Values | None:
        """The point that follows a trial, None where that has had a trial or is not known yet."""
        trial = self._trials[number]
        values = self._history.counting.values_of(trial)
        if not trial.ended and not self.grid.covers(values):
            return None
        fill = trial.status != TrialStatus.COMPLETED
        point = self.grid.after(values, fill=fill)
        if point is not None:
            at = bisect.bisect_right(self._order, self._order_of(trial, number))
            if at == len(self._order) or self.grid.key(point) < self._order[at][0]:
                return point
        self._open.discard(number)
        return None

    def _order_of(self, trial: Trial, number: int) -> tuple[Key, int]:
        return self._key_of[trial.trial_id] or (), number

    def _catch_up(self) -> None:
        """Takes in the trials that were created, and those that have ended, since the last time."""
        history = self._history
        for trial in itertools.islice(history.trials.values(), len(self._trials), None):
            self._trials.append(trial)
            self._place(len(self._trials) - 1)
        ended = set(history.end_order[self._ends_seen :])
        self._ends_seen = len(history.end_order)
        for number, trial in enumerate(self._trials) if ended else ():
            if trial.trial_id in ended:
                self._place(number)

    def _place(self, number: int) -> None:
        trial = self._trials[number]
        before, key = self._key_of.get(trial.trial_id), self._key(trial)
        if key != before:
            if before is not None:
                self._order.remove((before, number))
            if key is not None:
                bisect.insort(self._order, (key, number))
        self._key_of[trial.trial_id] = key
        if key is not None:
            self._open.add(number)

    def _key(self, trial: Trial) -> Key | None:
        if not self._history.counts(trial):
            return None
        try:
            return self.grid.key(self._history.counting.values_of(trial))
        except ValueError:  # the user has asked for values between those of the grid
            return None


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
    # A running trial may still meet hyperparameters not seen before.
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
        **options: Unpack[OracleOptions],
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
            **options,
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
