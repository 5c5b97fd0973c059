"""What `search` keeps for itself of its arguments, and the hyperparameters among the others."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tuner.hyperparameters import HyperParameter, HyperParameters
from tuner.search.stopping import StoppingRules

if TYPE_CHECKING:
    from tuner.oracle import Oracle

RULES = ("target", "patience", "max_total_epochs", "max_device_hours")
"""Those that are arguments of an oracle too; here they are of this search only."""
NAMES = ("timeout", "search_verbose", *RULES)


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """The arguments of `search` that do not go to `run_trial`."""

    timeout: float | None = None
    """Seconds after which no more trials begin."""
    search_verbose: int | str | None = None
    """What the search shows; None for what `verbose` says."""
    target: float | None = None
    """Score that is good enough; see `StoppingRules`, as the following ones."""
    patience: int | None = None
    max_total_epochs: int | None = None
    max_device_hours: float | None = None

    def __post_init__(self) -> None:
        if self.timeout is not None and not self.timeout > 0:
            msg = "Expected `timeout` to be a positive number of seconds, or None."
            raise ValueError(f"{msg} Received: timeout={self.timeout!r}.")
        StoppingRules(**self.rules())

    def rules(self) -> dict[str, Any]:
        """What was given of the `RULES`."""
        return {name: getattr(self, name) for name in RULES if getattr(self, name) is not None}

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
        ours = [name for name in NAMES if name in kwargs and name not in theirs]
        return cls(**{name: kwargs.pop(name) for name in ours})

    def apply(self, oracle: Oracle) -> None:
        """Has the searches of an oracle end by the rules that were given."""
        for name, value in self.rules().items():
            setattr(oracle, name, value)

    def deadline(self) -> float | None:
        """When the time is up, on the clock of `time.monotonic`."""
        return None if self.timeout is None else time.monotonic() + self.timeout


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


def _parameters(function: Callable[..., Any]) -> list[str]:
    try:
        return list(inspect.signature(function).parameters)
    except (TypeError, ValueError):  # written in C
        return []
