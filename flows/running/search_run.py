"""Runs a tuner's search inside of a flow run, from the first trial to the report."""

from __future__ import annotations

import time
from contextlib import ExitStack

from flows.result import SearchResult, result_of
from flows.running import artifacts
from flows.running.cancelling import CancelWatch
from flows.running.fan_out import FanOut
from flows.running.report_artifact import publish_report
from flows.running.watching import display_of
from tasks.runner import TrialRunner
from tasks.slots import Slots
from tuner.base_tuner import BaseTuner
from tuner.search.progress import opening_line


def run_search(
    tuner: BaseTuner, slots: Slots, began: float, *, discover: bool = True
) -> SearchResult:
    """Runs the search of a tuner that was assembled.

    Args:
        tuner: Never builds a model here.
        slots: Where trials run; started when there is one to run.
        began: `time.monotonic()` when the caller began.
        discover: Whether a child is to find out the search space; not when the tuner was
            assembled in the role `SCRIPT`, and has done so.

    Raises:
        CancelledError: The flow run was cancelled.
    """
    oracle = tuner.oracle
    oracle.requeues = False
    oracle.start()
    ended_before, reason = len(oracle.search_history.end_order), None
    try:
        with display_of(oracle) as display, ExitStack() as stack:
            display.note(opening_line(oracle, tuner.search_project.url))
            tuner.on_search_begin()
            slots.note = display.note
            runner = TrialRunner(oracle, tuner.search_project, slots, display)
            fan_out = FanOut(tuner, runner, stack, artifacts.Progress(oracle))
            fan_out.space_known = not discover
            stack.callback(fan_out.join)  # the last to leave: nobody may tell a stopped oracle
            with CancelWatch() as fan_out.watch:
                reason = fan_out.run()
            tuner.on_search_end()
            tuner.export_if_any_ended(ended_before)
    finally:
        oracle.stop(reason)
    result = result_of(
        oracle.search_history, tuner.search_project.url, time.monotonic() - began, ended_before
    )
    artifacts.publish_leaderboard(result)
    if result.trained > 0:  # else the figures are those of the run before
        publish_report(tuner.search_project, result)
    return result
