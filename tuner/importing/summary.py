"""What an import has brought."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from tuner.jsonable import to_json


@dataclass(frozen=True, slots=True)
class Imported:
    """A project of Keras Tuner that has become one of ours."""

    source: str
    """Path or URL of the old project."""
    project: str
    """Path or URL of the new one."""
    objective: str
    """Name of the objective."""
    completed: int
    failed: int
    running: int
    """Trials that had not ended; they run again."""
    best_trial_id: str | None
    """New id of the best trial, None when none has completed."""
    best_score: float | None
    checkpoints: int
    """Trials whose weights were taken over."""
    oracle: str
    """How the old search goes on here, `"Hyperband(max_epochs=4, factor=2)"` for example; empty
    if nobody knows."""
    notes: tuple[str, ...]
    """What was left out or is odd, and why, in sentences."""

    @property
    def trials(self) -> int:
        return self.completed + self.failed + self.running

    def to_json(self) -> dict[str, Any]:
        state: dict[str, Any] = to_json(asdict(self))
        return state
