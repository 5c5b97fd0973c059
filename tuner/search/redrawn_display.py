"""Displays that are redrawn, in a terminal or a notebook: running trials change in place."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from typing import TYPE_CHECKING, Any, Self, TextIO

from tuner.core.objective import Objective
from tuner.core.trial import Trial
from tuner.oracles.oracle import Oracle
from tuner.search.progress import Display, clock, number, values_line

if TYPE_CHECKING:
    from rich.live import Live
    from rich.table import Table


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


INTERVAL = 0.25
"""Seconds between two updates."""

BEST, LATEST = 5, 5
"""Trials and notes that are listed: a long search must not fill the notebook."""


class NotebookDisplay(RedrawnDisplay):
    """Progress, best trials, running trials and latest news in one place.

    What trials print goes to the cell's output, beside it.
    """

    def __init__(self, oracle: Oracle) -> None:
        super().__init__(oracle)
        self._news: deque[str] = deque(maxlen=LATEST)
        self._lock = threading.Lock()
        self._handle: Any = None
        self._drawn = 0.0
        self._late: threading.Timer | None = None
        self._read_history()

    def note(self, text: str) -> None:
        with self._lock:
            self._news.append(text)
        self.redraw()

    def advanced(self) -> None:
        self._read_history()
        self.redraw()

    def redraw(self) -> None:
        """Draws now, or as soon as `INTERVAL` has passed since the last time."""
        with self._lock:
            if self._handle is None or self._late is not None:
                return
            wait = self._drawn + INTERVAL - time.monotonic()
            if wait <= 0:
                self._draw()
                return
            self._late = threading.Timer(wait, self._draw_late)
            self._late.daemon = True
            self._late.start()

    def __enter__(self) -> Self:
        from IPython.display import display

        self._handle = display(  # type: ignore[no-untyped-call]
            self._bundle(), raw=True, display_id=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.running.clear()
        self._read_history()
        with self._lock:
            if self._late is not None:
                self._late.cancel()
            self._draw()
            self._handle = None

    def _read_history(self) -> None:
        """In a thread that may wait for the oracle, not in the one that draws."""
        with self.oracle.lock:
            ranked = self.oracle.search_history.ranked()[:BEST]
            self._progress = self.progress()
        self._best = [(t.trial_id, number(t.score), values_line(t.values)) for t in ranked]

    def _draw_late(self) -> None:
        with self._lock:
            self._late = None
            if self._handle is not None:
                self._draw()

    def _draw(self) -> None:
        self._drawn = time.monotonic()
        self._handle.update(self._bundle(), raw=True)

    def _bundle(self) -> dict[str, str]:
        """The display as HTML, and as text where a notebook is shown without."""
        return {"text/html": self._html(), "text/plain": self._text()}

    def _text(self) -> str:
        return "\n".join([self._progress.line(), *self._news])

    def _html(self) -> str:
        progress = self._progress
        total = "" if progress.total is None else f' max="{progress.total}"'
        value = "" if progress.total is None else f' value="{progress.done}"'
        bar = f'<progress{value}{total} style="width: 24em"></progress>'
        parts = [f"<div>{bar}<br>{escape(progress.line())}</div>"]
        metric = progress.metric
        parts.append(_table(("best", metric, "hyperparameters"), self._best))
        running = [(r.trial_id, r.line(metric), r.values) for r in self.running.listed()]
        parts.append(_table(("running", "", "hyperparameters"), running))
        parts += [f"<div>{escape(line)}</div>" for line in self._news]
        return "".join(parts)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    if not rows:
        return ""
    head = _row("th", columns)
    return f"<table>{head}{''.join(_row('td', row) for row in rows)}</table>"


def _row(tag: str, cells: Sequence[str]) -> str:
    style = ' style="text-align: left"'
    return "<tr>" + "".join(f"<{tag}{style}>{escape(c)}</{tag}>" for c in cells) + "</tr>"
