"""What a search shows while it runs: redrawn in a terminal or notebook, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, Self, TextIO

from tuner.oracle import Oracle
from tuner.search.progress import Progress, clock, metrics_line, outcome_line, progress_of
from tuner.trial import Trial

EPOCHS = 2
"""Keras Tuner's `verbose` for one line an epoch."""

DUMB = ("dumb", "unknown")
"""Kinds of terminals that cannot be redrawn."""


class Display:
    """Shows nothing; base of those that show something. Safe to call from several threads."""

    replaces_bars = False
    """Whether Keras's own bars are left out, since this shows what they would."""

    redraws = False
    """Whether it has room for what changes with every batch."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self.ended_before = len(oracle.search_history.end_order)
        self.began = time.monotonic()
        self._trials_began: float | None = None

    def progress(self) -> Progress:
        now = time.monotonic()
        # Starting up tells nothing of how long trials take.
        seconds = now - (self._trials_began or now)
        with self.oracle.lock:  # trials begin and end in other threads
            return progress_of(self.oracle, self.ended_before, seconds)

    def note(self, text: str) -> None:
        """Says something that is not about one trial."""

    def trial_began(self, trial: Trial) -> None:
        del trial
        self._trials_began = self._trials_began or time.monotonic()

    def batch_ended(self, trial: Trial, epoch: int, batch: int, params: Mapping[str, Any]) -> None:
        """Called after a batch, where trials run in this process.

        Args:
            trial: Its trial.
            epoch: Its epoch, from 0.
            batch: Its number, from 0.
            params: Of the Keras callback: `epochs` and `steps`, which may be None.
        """

    def epoch_ended(self, trial: Trial, epoch: int, logs: Mapping[str, Any]) -> None:
        """Called after an epoch, counted from 0, with its metrics."""

    def trial_ended(self, trial: Trial) -> None:
        self.note(f"trial {trial.trial_id}: {outcome_line(trial, self.oracle.objective.name)}")

    def advanced(self) -> None:
        """Called after a trial's end, when those that could start have started, or more often."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass


class LogDisplay(Display):
    """Plain lines for each trial that ends: for log files, pipes and scripts.

    Args:
        oracle: With a `verbose` of 2 each epoch has a line too.
        stream: Where to write; standard output if omitted.
        bars: Whether Keras's own bars are wanted beside it.
    """

    def __init__(self, oracle: Oracle, stream: TextIO | None = None, *, bars: bool = False) -> None:
        super().__init__(oracle)
        self.stream = stream
        self.replaces_bars = not bars
        self._told: int | None = None

    def note(self, text: str) -> None:
        stream = self.stream or sys.stdout  # looked up late: tests and notebooks replace it
        elapsed = clock(time.monotonic() - self.began)
        stream.write(f"[{elapsed}] {text}\n")
        stream.flush()

    def epoch_ended(self, trial: Trial, epoch: int, logs: Mapping[str, Any]) -> None:
        if self.oracle.verbose >= EPOCHS and self.replaces_bars:
            self.note(f"trial {trial.trial_id}, epoch {epoch + 1}: {metrics_line(logs)}")

    def advanced(self) -> None:
        ended = len(self.oracle.search_history.end_order)
        if ended != self._told:  # a trial that takes hours must not fill the log
            self._told = ended
            self.note(self.progress().line())


def display_for(oracle: Oracle, stream: TextIO | None = None, *, bars: bool = False) -> Display:
    """The display that fits the place where it is seen.

    Args:
        oracle: Its `verbose` of 0 silences the search, 2 gives each epoch a line.
        stream: Where to write; standard output if omitted.
        bars: Whether Keras draws its own bars, which nothing that is redrawn bears.
    """
    if oracle.verbose == 0:
        return Display(oracle)
    # Several searches of one program would draw over each other.
    alone = threading.current_thread() is threading.main_thread()
    if bars or oracle.verbose >= EPOCHS or not alone:
        return LogDisplay(oracle, stream, bars=bars)
    if stream is None and _in_notebook():
        from tuner.search.notebook_display import NotebookDisplay

        return NotebookDisplay(oracle)
    target = stream or sys.stdout
    if target.isatty() and os.environ.get("TERM", "").lower() not in DUMB:
        from tuner.search.live_display import LiveDisplay

        return LiveDisplay(oracle, target)
    return LogDisplay(oracle, stream)


def _in_notebook() -> bool:
    """Whether this is a kernel of Jupyter, Colab or VS Code; imports nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return hasattr(shell, "kernel")
