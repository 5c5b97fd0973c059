"""Arguments of `search` that are the search's own, and hyperparameters among the others."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from tuner.core.hypermodel import HyperModel
from tuner.core.hyperparameters import HyperParameter, HyperParameters
from tuner.core.hyperparameters.conditions import Condition, Parent
from tuner.journal.counting import STALE
from tuner.oracles.limits import NAMES, Limits
from tuner.oracles.oracle import Oracle
from tuner.oracles.settings import admitted

VERBOSE = "search_verbose"
RETRY = "retry_failed"
DATA = "data_version"
STALE_DATA = "stale"
OTHERS = (VERBOSE, RETRY, DATA, STALE_DATA)

Scope = tuple[Condition, ...]
"""The conditions that hold inside a conditional scope, those of the scopes around it included."""


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """The arguments of `search` that do not go to `run_trial`."""

    limits: Mapping[str, Any]
    """Those of `Limits` that were given."""
    search_verbose: int | str | None = None
    """What the search shows; None for what `verbose` says."""
    retry_failed: bool = False
    """Whether all trials that have failed are tried again."""
    data_version: str | None = None
    """Of the data that trials train on; None if not given."""
    stale: str | None = None
    """What becomes of trials on other data, one of `STALE`; None for what did before."""

    def __post_init__(self) -> None:
        Limits(**self.limits)  # refuses what makes no sense
        if self.stale is not None and self.stale not in STALE:
            msg = f"Expected `stale` to be one of {', '.join(STALE)}."
            raise ValueError(f"{msg} Received: stale={self.stale!r}.")

    @classmethod
    def taken_from(
        cls, kwargs: dict[str, Any], takers: Iterable[Callable[..., Any] | None] = ()
    ) -> SearchOptions:
        """Takes them out of the keyword arguments of `search`.

        Args:
            kwargs: Changed.
            takers: Functions that will get the others; a name one of them has itself is its.
        """
        theirs = {name for taker in takers if taker for name in _parameters(taker)}
        ours = [name for name in (*NAMES, *OTHERS) if name in kwargs and name not in theirs]
        taken = {name: kwargs.pop(name) for name in ours}
        verbose, retry = taken.pop(VERBOSE, None), bool(taken.pop(RETRY, False))
        version, stale = taken.pop(DATA, None), taken.pop(STALE_DATA, None)
        given = {name: value for name, value in taken.items() if value is not None}
        return cls(given, verbose, retry, None if version is None else str(version), stale)

    def apply(self, oracle: Oracle) -> None:
        """Has the next search of an oracle heed what was given."""
        oracle.retry_failed, oracle.stale = self.retry_failed, self.stale
        oracle.data_version = self.data_version
        oracle.limits = replace(oracle.limits, **{"timeout": None, **self.limits})


def space_of(args: Sequence[Any], kwargs: Mapping[str, Any]) -> HyperParameters:
    """The hyperparameters that stand among arguments instead of values."""
    space = HyperParameters()
    space.merge([v for v in (*args, *kwargs.values()) if isinstance(v, HyperParameter)])
    return space


def with_values(
    hp: HyperParameters, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> tuple[list[Any], dict[str, Any]]:
    """The arguments with the values of the hyperparameters that stand among them."""

    def value(argument: Any) -> Any:
        if isinstance(argument, HyperParameter):
            return hp._retrieve(argument)  # noqa: SLF001 - as a declaration in `build`
        return argument

    return [value(a) for a in args], {name: value(v) for name, v in kwargs.items()}


class SpaceProbe:
    """Stands in for an oracle while a study is asked for its space, whatever its project knows.

    It begins with the hyperparameters that were given in advance.

    Args:
        oracle: Says which others may join; all else is looked up on it.
    """

    def __init__(self, oracle: Oracle) -> None:
        self._oracle = oracle
        self.space: HyperParameters = oracle.session.declared.given.copy()

    def get_space(self) -> HyperParameters:
        return self.space.copy()

    def update_space(self, hyperparameters: HyperParameters) -> None:
        """Adds the hyperparameters that are not in the space yet, if they may join."""
        new = hyperparameters.difference(self.space)
        if admitted(self._oracle, new):
            self.space.merge(new)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._oracle, name)


def declare(hypermodel: HyperModel, oracle: Oracle) -> None:
    """Takes in what the model declares without being built."""
    hp = oracle.get_space()
    hypermodel.declare_hyperparameters(hp)
    oracle.update_space(hp)


def activate_all_conditions(build: Callable[[HyperParameters], object], oracle: Oracle) -> None:
    """Builds until each conditional scope has been active once.

    A scope that was met and not entered gets its parents' values in a later build, since there may
    be more scopes in it. A scope that no value of its parent opens is given up.
    """
    hp: HyperParameters = oracle.get_space()
    waiting: dict[Scope, None] = {}
    done: set[Scope] = set()
    while True:
        build(hp)
        oracle.update_space(hp)
        done.update(map(tuple, hp.active_scopes))
        waiting |= dict.fromkeys(map(tuple, hp.inactive_scopes))
        waiting = {scope: None for scope in waiting if scope not in done}
        if not waiting:
            return
        scope = next(iter(waiting))
        done.add(scope)
        hp = oracle.get_space()
        hp.values.update({c.name: c.values[0] for c in scope if isinstance(c, Parent)})
        hp.ensure_active_values()


def takes(function: Callable[..., Any], name: str) -> bool:
    """Whether a function may be given an argument of this name; so if that is unknown."""
    try:
        parameters = inspect.signature(function).parameters
    except (TypeError, ValueError):  # written in C
        return True
    return name in parameters or any(p.kind is p.VAR_KEYWORD for p in parameters.values())


def _parameters(function: Callable[..., Any]) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # written in C
        return []
