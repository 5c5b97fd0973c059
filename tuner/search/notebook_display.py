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

    def note(self, text: str) -> None:
        self._news.append(text)
        self._draw()

    def advanced(self) -> None:
        self._draw()

    def redraw(self) -> None:
        self._draw()

    def __enter__(self) -> Self:
        from IPython.display import display

        self._handle = display(  # type: ignore[no-untyped-call]
            self._bundle(), raw=True, display_id=True
        )
        return self

    def __exit__(self, *_: object) -> None:
        self.running.clear()
        self._draw(at_once=True)
        self._handle = None

    def _draw(self, *, at_once: bool = False) -> None:
        if self._handle is None:
            return
        with self._lock:
            now = time.monotonic()
            if at_once or now - self._drawn >= INTERVAL:
                self._drawn = now
                self._handle.update(self._bundle(), raw=True)

    def _bundle(self) -> dict[str, str]:
        """The display as HTML, and as text where a notebook is shown without."""
        return {"text/html": self._html(), "text/plain": self._text()}

    def _text(self) -> str:
        return "\n".join([self.progress().line(), *self._news])

    def _html(self) -> str:
        progress = self.progress()
        total = "" if progress.total is None else f' max="{progress.total}"'
        value = "" if progress.total is None else f' value="{progress.done}"'
        bar = f'<progress{value}{total} style="width: 24em"></progress>'
        parts = [f"<div>{bar}<br>{escape(progress.line())}</div>"]
        metric = progress.metric
        ranked = self.oracle.search_history.ranked()[:BEST]
        best = [(t.trial_id, number(t.score), values_line(t.values)) for t in ranked]
        parts.append(_table(("best", metric, "hyperparameters"), best))
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
