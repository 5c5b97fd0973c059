"""The object that Keras Tuner has at `oracle._display`, for programs that use it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol

from tuner.core.hyperparameters import HyperParameters
from tuner.core.objective import Objective
from tuner.core.stateful import Stateful
from tuner.core.trial import Trial

WIDTH = 18
"""Characters of a column of the table of hyperparameters."""


class Searched(Protocol):
    """What is shown of an oracle."""

    objective: Objective

    @property
    def trials(self) -> Mapping[str, Trial]: ...

    def get_best_trials(self, num_trials: int = 1) -> list[Trial]: ...


class Display(Stateful):
    """How much a search shows, and how values and durations are written.

    A search is shown by `tuner.search`, which asks this for `verbose` alone. Put an object of a
    subclass in its place to be told of trials that begin and end.

    Args:
        oracle: Of the search.
        verbose: 0 for nothing.
    """

    def __init__(self, oracle: Any, verbose: int = 1) -> None:
        self.oracle: Searched = oracle
        self.verbose = verbose
        self.col_width = WIDTH
        self.search_start: datetime | None = None
        self.trial_start: dict[str, datetime] = {}

    @property
    def trial_number(self) -> dict[str, int]:
        """Number of each trial, from 1."""
        return {trial_id: number for number, trial_id in enumerate(self.oracle.trials, 1)}

    def on_trial_begin(self, trial: Trial) -> None:
        """Called when a trial has been created, or is to be tried again."""
        now = datetime.fromtimestamp(time.time()).astimezone()
        self.search_start = self.search_start or now
        self.trial_start[trial.trial_id] = now

    def on_trial_end(self, trial: Trial) -> None:
        """Called when a trial has ended."""
        self.trial_start.pop(trial.trial_id, None)

    def show_hyperparameter_table(self, trial: Trial) -> None:
        """Prints the values of a trial beside those of the best one."""
        values = trial.hyperparameters.values
        if not values:
            print("default configuration")  # noqa: T201 - Keras Tuner's method prints
            return
        best = next(iter(self.oracle.get_best_trials()), None)
        known = (best.hyperparameters if best else HyperParameters()).values
        rows = [("Value", "Best Value So Far", "Hyperparameter")] + [
            (self.format_value(value), self.format_value(known.get(name, "?")), name)
            for name, value in values.items()
        ]
        for value, best_value, name in rows:
            print(f"{value:{self.col_width}}|{best_value:{self.col_width}}|{name}")  # noqa: T201

    def format_value(self, val: Any) -> str:
        """A value in one column."""
        if isinstance(val, int | float) and not isinstance(val, bool):
            return f"{val:.5g}"
        text = str(val)
        return text if len(text) <= self.col_width else f"{text[: self.col_width - 3]}..."

    def format_duration(self, d: timedelta) -> str:
        """A duration in hours, minutes and seconds, and days if there are any."""
        seconds = round(d.total_seconds())
        days, rest = divmod(seconds, 86400)
        clock = f"{rest // 3600:02d}h {rest // 60 % 60:02d}m {rest % 60:02d}s"
        return f"{days}d {clock}" if days else clock

    def get_state(self) -> dict[str, Any]:
        return {
            "search_start": self.search_start.isoformat() if self.search_start else None,
            "trial_start": {key: start.isoformat() for key, start in self.trial_start.items()},
            "trial_number": self.trial_number,
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        start = state["search_start"]
        self.search_start = datetime.fromisoformat(start) if start else None
        self.trial_start = {
            key: datetime.fromisoformat(start) for key, start in state["trial_start"].items()
        }
