"""What the displays of a terminal and of a notebook have in common."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuner.oracle import Oracle
from tuner.search.display import Display
from tuner.search.running import RunningTrials
from tuner.trial import Trial


class RedrawnDisplay(Display):
    """Shows the running trials, whose lines change in place."""

    replaces_bars = True
    redraws = True

    def __init__(self, oracle: Oracle) -> None:
        super().__init__(oracle)
        self.running = RunningTrials(oracle.objective)

    def trial_began(self, trial: Trial) -> None:
        super().trial_began(trial)
        self.running.began(trial)
        self.advanced()

    def batch_ended(self, trial: Trial, epoch: int, batch: int, params: Mapping[str, Any]) -> None:
        self.running.batch_ended(trial, epoch, batch, params)
        self.redraw()

    def epoch_ended(self, trial: Trial, epoch: int, logs: Mapping[str, Any]) -> None:
        self.running.epoch_ended(trial, epoch, logs)
        self.redraw()

    def trial_ended(self, trial: Trial) -> None:
        self.running.ended(trial)
        super().trial_ended(trial)
        self.advanced()

    def redraw(self) -> None:
        """Called when a running trial's line has changed."""
