"""Who watches a search: whoever starts the flow may choose where its progress is written."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TextIO

from prefect import get_run_logger

from tuner.oracle import Oracle
from tuner.search.display import Display, display_for

_stream: ContextVar[TextIO | None] = ContextVar("stream", default=None)


@contextmanager
def progress_on(stream: TextIO) -> Iterator[None]:
    """Searches that start inside write their progress there."""
    token = _stream.set(stream)
    try:
        yield
    finally:
        _stream.reset(token)


def say(line: str) -> None:
    """Tells whoever watches something, before there is a display."""
    get_run_logger().info(line)
    stream = _stream.get()
    if stream is not None:
        print(line, file=stream, flush=True)


def display_of(oracle: Oracle) -> Display:
    """The display for a search that starts now."""
    return display_for(oracle, stream=_stream.get())
