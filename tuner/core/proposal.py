"""The answers of an algorithm: a configuration with its budget, wait, or done."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Budget:
    """Epochs granted to a trial, with its place on a ladder of rungs.

    Example:
        >>> Budget(epochs=9, initial_epoch=3, rung=1, parent="0004").as_values()["tuner/epochs"]
        9
    """

    epochs: int
    """Epoch at which training ends, counted from the first epoch of the first ancestor."""

    initial_epoch: int = 0
    """Epoch at which training begins: the `epochs` of the parent."""

    sweep: int = 0
    """Pass over all brackets, from 0 (`hyperband_iterations` counts them)."""

    bracket: int = 0
    """Number of promotions in this trial's ladder; the largest bracket starts smallest."""

    rung: int = 0
    """Level on the ladder, from 0."""

    parent: str | None = None
    """Id of the trial that was promoted, None on the lowest rung."""

    def as_values(self) -> dict[str, Any]:
        """The `tuner/*` entries that Keras Tuner puts among a trial's values."""
        values = {
            "tuner/epochs": self.epochs,
            "tuner/initial_epoch": self.initial_epoch,
            "tuner/bracket": self.bracket,
            "tuner/round": self.rung,
        }
        return values if self.parent is None else {**values, "tuner/trial_id": self.parent}

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Budget:
        return cls(**state)


@dataclass(frozen=True, slots=True)
class Proposal:
    """A configuration worth a trial, not numbered yet."""

    values: Mapping[str, Any]
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to propose until a running trial ends."""


@dataclass(frozen=True, slots=True)
class Done:
    """The search is over."""

    reason: str


Decision = Proposal | Wait | Done
