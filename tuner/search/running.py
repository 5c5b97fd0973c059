"""How far the trials are that run, for displays that are redrawn."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tuner.objective import Objective
from tuner.search.progress import clock, number, values_line
from tuner.trial import Trial


@dataclass(slots=True)
class RunningTrial:
    """A trial that runs."""

    trial_id: str
    values: str
    """Its hyperparameters in one line."""
    began: float = field(default_factory=time.monotonic)
    epoch: int | None = None
    """The one that runs or has ended last, from 1."""
    epochs: int | None = None
    batch: int | None = None
    batches: int | None = None
    score: float | None = None

    def line(self, metric: str) -> str:
        """Epoch, batch, score and time; for example `epoch 3/10, batch 12/60, val_loss 0.31`."""
        if self.epoch is None:
            parts = ["running"]
        else:
            parts = [f"epoch {self.epoch}" + ("" if self.epochs is None else f"/{self.epochs}")]
        if self.batch is not None:
            of = "" if self.batches is None else f"/{self.batches}"
            parts.append(f"batch {self.batch}{of}")
        if self.score is not None:
            parts.append(f"{metric} {number(self.score)}")
        return ", ".join([*parts, clock(time.monotonic() - self.began)])


class RunningTrials:
    """Those that run, by what a display is told. Safe to call from several threads."""

    def __init__(self, objective: Objective) -> None:
        self.objective = objective
        self._lock = threading.Lock()
        self._trials: dict[str, RunningTrial] = {}

    def began(self, trial: Trial) -> None:
        running = RunningTrial(trial.trial_id, values_line(trial.values))
        with self._lock:
            self._trials[trial.trial_id] = running

    def batch_ended(self, trial: Trial, epoch: int, batch: int, params: Mapping[str, Any]) -> None:
        running = self._trials.get(trial.trial_id)
        if running is not None:
            running.epoch, running.epochs = epoch + 1, params.get("epochs")
            running.batch, running.batches = batch + 1, params.get("steps")

    def epoch_ended(self, trial: Trial, epoch: int, logs: Mapping[str, Any]) -> None:
        running = self._trials.get(trial.trial_id)
        if running is not None:
            running.epoch, running.batch = epoch + 1, None
            if self.objective.has_value(logs):
                running.score = self.objective.get_value(logs)

    def ended(self, trial: Trial) -> None:
        with self._lock:
            self._trials.pop(trial.trial_id, None)

    def clear(self) -> None:
        with self._lock:
            self._trials.clear()

    def listed(self) -> list[RunningTrial]:
        """All of them, by id."""
        with self._lock:
            return [running for _, running in sorted(self._trials.items())]
