"""The display of a terminal: a bar, the best so far, and a line for each running trial."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TextIO

from tuner.oracle import Oracle
from tuner.search.display import Display
from tuner.search.progress import outcome_line, values_line
from tuner.search.running import RunningTrials
from tuner.trial import Trial

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

WIDEST = 60
"""Columns of the bar."""


class LiveDisplay(Display):
    """Redrawn in place; what trials print goes above it.

    Args:
        oracle: Has the search.
        stream: A terminal.
    """

    replaces_bars = True
    redraws = True

    def __init__(self, oracle: Oracle, stream: TextIO) -> None:
        super().__init__(oracle)
        from rich.console import Console

        self.console = Console(file=stream, highlight=False)
        self._running = RunningTrials(oracle.objective)
        self._live: Live | None = None
        self._progress = self.progress()

    def note(self, text: str) -> None:
        self.console.print(text, markup=False, soft_wrap=True)

    def trial_began(self, trial: Trial) -> None:
        super().trial_began(trial)
        self._running.began(trial)
        self.advanced()

    def batch_ended(self, trial: Trial, epoch: int, batch: int, params: Mapping[str, Any]) -> None:
        self._running.batch_ended(trial, epoch, batch, params)

    def epoch_ended(self, trial: Trial, epoch: int, logs: Mapping[str, Any]) -> None:
        self._running.epoch_ended(trial, epoch, logs)

    def trial_ended(self, trial: Trial) -> None:
        self._running.ended(trial)
        self.note(f"trial {trial.trial_id}: {outcome_line(trial, self.oracle.objective.name)}")
        self.advanced()

    def advanced(self) -> None:
        # Here, in a thread that may read the history, not in the one that draws.
        self._progress = self.progress()

    def __enter__(self) -> Self:
        from rich.live import Live

        self._live = Live(get_renderable=self._render, console=self.console, refresh_per_second=4)
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
            self.advanced()
            self._live.__exit__(kind, error, trace)

    def _render(self) -> Table:
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        progress = self._progress
        table = Table.grid(padding=(0, 1))
        table.add_column(no_wrap=True, overflow="ellipsis")
        width = min(WIDEST, self.console.width - 1)
        table.add_row(ProgressBar(progress.total, progress.done, width=width))
        # Text, since a hyperparameter's value may look like markup.
        counts = ", ".join(filter(None, [progress.counts(), progress.time_left()]))
        table.add_row(Text(counts))
        if progress.best is not None:
            table.add_row(Text(f"{progress.best_line()}: {values_line(progress.best.values)}"))
        for running in self._running.listed():
            line = f"  trial {running.trial_id}  {running.line(progress.metric)}  {running.values}"
            table.add_row(Text(line, style="dim"))
        return table
