"""Tuners and oracles on their way to a child: without what is bound to the process they are in."""

from __future__ import annotations

import inspect
from collections.abc import Iterator
from itertools import count
from typing import Any

from tuner.base_tuner import BaseTuner
from tuner.oracle import Oracle
from tuner.search.role import Role
from tuner.tuner import Tuner

BOUND = frozenset(
    {
        "lock",
        "ongoing_trials",
        "tuner_ids",
        "_ledger",
        "_retention",
        "_retry_queue",
        "_curves",
    }
)
"""What an oracle keeps the books with, which a child never does."""


def reduce_oracle(oracle: Oracle) -> tuple[Any, ...]:
    """How an oracle is pickled: its settings and what a subclass added, without the history."""
    state = {name: value for name, value in vars(oracle).items() if name not in BOUND}
    return _blank, (type(oracle),), state, None, None, _restore_oracle


def reduce_tuner(tuner: BaseTuner) -> tuple[Any, ...]:
    """How a tuner is pickled: as it is, but for what it shows."""
    # The directory may be a URL with a password, and parcels are files; the project has it.
    state = {k: v for k, v in vars(tuner).items() if k not in ("display", "directory")}
    return _blank, (type(tuner),), state, None, None, _restore_tuner


def names_of_arguments(tuner: BaseTuner) -> Iterator[str]:
    """What people call the positional arguments of `search`."""
    names: list[str] = []
    for parameter in list(inspect.signature(tuner.run_trial).parameters.values())[1:]:
        if parameter.kind is not parameter.POSITIONAL_OR_KEYWORD:
            break
        names.append(parameter.name)
    if not names and isinstance(tuner, Tuner):
        names = ["x", "y"]
    yield from names
    yield from (f"args[{number}]" for number in count(len(names)))


def _blank(cls: type[Any]) -> Any:
    return object.__new__(cls)


def _restore_oracle(oracle: Oracle, state: dict[str, Any]) -> None:
    Oracle.__init__(oracle, objective=state["objective"])
    vars(oracle).update(state)


def _restore_tuner(tuner: BaseTuner, state: dict[str, Any]) -> None:
    vars(tuner).update(state, display=None, _role=Role.TRIAL)
    tuner.directory = tuner.search_project.directory
