"""The display of a notebook: one output that is updated in place."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Sequence
from html import escape
from typing import Any, Self

from tuner.oracle import Oracle
from tuner.search.progress import number, values_line
from tuner.search.redrawn_display import RedrawnDisplay

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
