"""What a search shows while it runs: live in a terminal, plain lines anywhere else."""

from __future__ import annotations

import sys
import time
from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from tuner.oracle import Oracle
from tuner.search.progress import Progress, clock, number, outcome_line, progress_of
from tuner.trial import Trial

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table


class Display:
    """Shows nothing; base of those that show something. Safe to call from several threads."""

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self.ended_before = len(oracle.search_history.end_order)
        self.began = time.monotonic()
        self._trials_began: float | None = None

    def progress(self) -> Progress:
        now = time.monotonic()
        # Starting up tells nothing of how long trials take.
        return progress_of(self.oracle, self.ended_before, now - (self._trials_began or now))

    def note(self, text: str) -> None:
        """Says something that is not about one trial."""

    def trial_began(self, trial: Trial) -> None:
        del trial
        self._trials_began = self._trials_began or time.monotonic()

    def epoch_ended(self, trial: Trial, epoch: int, logs: Mapping[str, Any]) -> None:
        pass

    def trial_ended(self, trial: Trial) -> None:
        pass

    def advanced(self) -> None:
        """Called when the trials that could start after one ended have started."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        pass


class LogDisplay(Display):
    """Plain lines for each trial that ends: for log files, pipes and scripts."""

    def __init__(self, oracle: Oracle, stream: TextIO | None = None) -> None:
        super().__init__(oracle)
        self.stream = stream

    def note(self, text: str) -> None:
        stream = self.stream or sys.stdout  # looked up late: tests and notebooks replace it
        elapsed = clock(time.monotonic() - self.began)
        stream.write(f"[{elapsed}] {text}\n")
        stream.flush()

    def trial_ended(self, trial: Trial) -> None:
        self.note(f"trial {trial.trial_id}: {outcome_line(trial, self.oracle.objective.name)}")

    def advanced(self) -> None:
        self.note(self.progress().line())


class LiveDisplay(Display):
    """A progress bar with a line for each running trial, redrawn in place."""

    def __init__(self, oracle: Oracle, stream: TextIO) -> None:
        super().__init__(oracle)
        from rich.console import Console

        self.console = Console(file=stream, highlight=False)
        self._running: dict[str, str] = {}
        self._live: Live | None = None

    def note(self, text: str) -> None:
        self.console.print(text)

    def trial_began(self, trial: Trial) -> None:
        super().trial_began(trial)
        self._running[trial.trial_id] = "starting"
        self._redraw()

    def epoch_ended(self, trial: Trial, epoch: int, logs: Mapping[str, Any]) -> None:
        metric = self.oracle.objective.name
        score = f", {metric} {number(logs[metric])}" if metric in logs else ""
        self._running[trial.trial_id] = f"epoch {epoch + 1}{score}"
        self._redraw()

    def trial_ended(self, trial: Trial) -> None:
        self._running.pop(trial.trial_id, None)
        self.note(f"trial {trial.trial_id}: {outcome_line(trial, self.oracle.objective.name)}")
        self._redraw()

    def advanced(self) -> None:
        self._redraw()

    def __enter__(self) -> Self:
        from rich.live import Live

        self._live = Live(self._render(), console=self.console, refresh_per_second=4)
        self._live.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._running.clear()
            self._redraw()
            self._live.__exit__(kind, error, trace)

    def _redraw(self) -> None:
        if self._live is not None:
            self._live.update(self._render())

    def _render(self) -> Table:
        from rich.progress_bar import ProgressBar
        from rich.table import Table

        progress = self.progress()
        table = Table.grid(padding=(0, 1))
        table.add_row(ProgressBar(progress.total, progress.done, width=60))
        table.add_row(progress.line())
        for trial_id, state in sorted(self._running.items()):
            table.add_row(f"  trial {trial_id}  {state}", style="dim")
        return table


def display_for(oracle: Oracle, live: bool = True, stream: TextIO | None = None) -> Display:
    """The display that fits the stream.

    Args:
        oracle: Its `verbose` of 0 silences the search.
        live: Whether a terminal may be redrawn; not where Keras draws its own bars.
        stream: Where to write; standard output if omitted.
    """
    if oracle.verbose == 0:
        return Display(oracle)
    target = stream or sys.stdout
    if live and target.isatty():
        return LiveDisplay(oracle, target)
    return LogDisplay(oracle, stream)
