"""The display of a terminal: a bar, the best so far, and a line for each running trial."""

from __future__ import annotations

from typing import TYPE_CHECKING, Self, TextIO

from tuner.oracle import Oracle
from tuner.search.progress import values_line
from tuner.search.redrawn_display import RedrawnDisplay

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table

WIDEST = 60
"""Columns of the bar."""


class LiveDisplay(RedrawnDisplay):
    """Redrawn in place; what trials print goes above it.

    Args:
        oracle: Has the search.
        stream: A terminal.
    """

    def __init__(self, oracle: Oracle, stream: TextIO) -> None:
        super().__init__(oracle)
        from rich.console import Console

        self.console = Console(file=stream, highlight=False, emoji=False)
        self._live: Live | None = None
        self._progress = self.progress()

    def note(self, text: str) -> None:
        self.console.print(text, markup=False, soft_wrap=True)

    def advanced(self) -> None:
        # Here, in a thread that may read the history, not in the one that draws.
        self._progress = self.progress()

    def __enter__(self) -> Self:
        from rich.live import Live

        self._live = Live(get_renderable=self._render, console=self.console, refresh_per_second=4)
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._live is not None:
            self.running.clear()
            self.advanced()
            self._live.stop()

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
        for running in self.running.listed():
            line = f"  trial {running.trial_id}  {running.line(progress.metric)}  {running.values}"
            table.add_row(Text(line, style="dim"))
        return table
