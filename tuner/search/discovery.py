"""Meets the hyperparameters of a model before the search: builds it until all have been seen."""

from __future__ import annotations

from tuner.conditions import Parent
from tuner.hypermodel import HyperModel
from tuner.hyperparameters import HyperParameters
from tuner.oracle import Oracle


def declare(hypermodel: HyperModel, oracle: Oracle) -> None:
    """Takes in what the model declares without being built."""
    hp = oracle.get_space()
    hypermodel.declare_hyperparameters(hp)
    oracle.update_space(hp)


def activate_all_conditions(hypermodel: HyperModel, oracle: Oracle) -> None:
    """Builds until each conditional scope has been active once.

    A scope that was met and not entered gets its parent's value in the next build. A scope that
    no value of its parent opens is given up.
    """
    hp: HyperParameters = oracle.get_space()
    tried: set[tuple[object, ...]] = set()
    while True:
        hypermodel.build(hp)
        oracle.update_space(hp)
        waiting = [scope for scope in hp.inactive_scopes if tuple(scope) not in tried]
        if not waiting:
            return
        scope = waiting[0]
        tried.add(tuple(scope))
        hp = oracle.get_space()
        hp.values.update({c.name: c.values[0] for c in scope if isinstance(c, Parent)})
        hp.ensure_active_values()
