"""`trialflow run --json`: one line of JSON for each search of a script."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stdout
from typing import Any, TextIO

from flows.present import result_of, without_leaderboard
from tuner.core.runtime import Launcher, become
from tuner.tuners.base_tuner import BaseTuner


class ResultLines:
    """Tells how each search has ended; a `tuner.core.runtime.Launcher`.

    Args:
        stream: Gets a line for each search.
        launcher: Runs it; None for this process.
    """

    def __init__(self, stream: TextIO, launcher: Launcher | None) -> None:
        self._stream = stream
        self._launcher = launcher

    def __call__(self, tuner: BaseTuner, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        began, before = time.monotonic(), len(tuner.oracle.end_order)
        if self._launcher is None:
            tuner._search_here(args, dict(kwargs))  # noqa: SLF001 - as `search` does
        else:
            self._launcher(tuner, args, kwargs)
        history, seconds = tuner.oracle.search_history, time.monotonic() - began
        result = result_of(history, tuner.search_project.url, seconds, before).to_json()
        # In one piece: several threads may search.
        self._stream.write(json.dumps(without_leaderboard(result), allow_nan=False) + "\n")
        self._stream.flush()


@contextmanager
def result_lines(launcher: Launcher | None) -> Iterator[None]:
    """Standard output gets a line for each search that ends, and the script's own goes to errors.

    Args:
        launcher: Runs the searches; None for this process.
    """
    with become(launcher=ResultLines(sys.stdout, launcher)), redirect_stdout(sys.stderr):
        yield
