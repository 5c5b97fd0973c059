"""The display of a running search: redrawn in a terminal or notebook, plain lines elsewhere."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Mapping
from typing import Any, TextIO

from tuner.core import runtime
from tuner.core.trial import Trial
from tuner.oracles.oracle import Oracle
from tuner.search.progress import Display, clock, metrics_line

EPOCHS = 2
"""Keras Tuner's `verbose` for one line an epoch."""

DUMB = ("dumb", "unknown")
"""Kinds of terminals that cannot be redrawn."""


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


def display_for(oracle: Oracle, *, bars: bool = False) -> Display:
    """The display that fits the place where it is seen.

    Args:
        oracle: Its `verbose` of 0 silences the search, 2 gives each epoch a line.
        bars: Whether Keras draws its own bars, which nothing that is redrawn bears.
    """
    stream = runtime.current().stream
    if oracle.verbose == 0:
        return Display(oracle)
    # Several searches of one program would draw over each other.
    alone = threading.current_thread() is threading.main_thread()
    if bars or oracle.verbose >= EPOCHS or not alone:
        return LogDisplay(oracle, stream, bars=bars)
    if stream is None and in_notebook():
        from tuner.search.redrawn_display import NotebookDisplay

        return NotebookDisplay(oracle)
    target = stream or sys.stdout
    if target.isatty() and os.environ.get("TERM", "").lower() not in DUMB:
        from tuner.search.redrawn_display import LiveDisplay

        return LiveDisplay(oracle, target)
    return LogDisplay(oracle, stream)


def in_notebook() -> bool:
    """Whether this is a kernel of Jupyter, Colab or VS Code; imports nothing."""
    ipython = sys.modules.get("IPython")
    shell = ipython.get_ipython() if ipython is not None else None
    return hasattr(shell, "kernel")
