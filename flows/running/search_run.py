"""Runs a tuner's search inside of a flow run: one task a trial, every slot busy."""

from __future__ import annotations

import itertools
import queue
import time
from collections.abc import Callable, Collection, Sequence
from contextlib import ExitStack
from typing import Any, Self

from prefect import get_run_logger
from prefect.futures import PrefectFuture

from flows.present import SearchResult, result_of
from flows.running import artifacts
from flows.running.best_model import BestModel
from flows.running.cancelling import CancelWatch
from flows.running.live_summary import LiveSummary
from flows.running.news import News
from flows.running.project_runs import mark_crashed, own_run_id
from flows.running.stopping import check_not_asked_to_stop
from tasks.runner import TrialRunner
from tasks.slots import Slots
from tasks.trial import submit_trial
from tuner.core.declaration import Declaration
from tuner.core.trial import Trial
from tuner.oracles.drawing import best_of_earlier
from tuner.search.display import display_for
from tuner.search.loop import run_search as loop
from tuner.search.progress import Display
from tuner.tuners.base_tuner import BaseTuner

Future = PrefectFuture[Any]

STOP_TIMEOUT = 10.0
"""Seconds for the task of a trial that has stopped to say so."""

LOOK = 1.0
"""Seconds between two looks at whether there are more slots, or the run was cancelled."""


class TaskLauncher:
    """Runs each trial as a task of the flow run; a `tuner.search.loop.TrialLauncher`.

    Args:
        tuner: The trials' results are told to its oracle.
        slots: Where trials run; entered once there is work, and left with the search.
        declare: Says what the study declares; None for a training process to do so.
        on_ended: Called after a trial has ended.
        first: Path or URL of an earlier project whose best configuration is tried first.
    """

    def __init__(
        self,
        tuner: BaseTuner,
        slots: Slots,
        declare: Callable[[], Declaration] | None = None,
        *,
        on_ended: Callable[[], None],
        first: str | None = None,
    ) -> None:
        self._tuner = tuner
        self._slots = slots
        self._declare = declare
        self._on_ended = on_ended
        self._first = first
        self._summary: LiveSummary | None = None
        self._pending: dict[Future, str] = {}
        self._ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._stack = ExitStack()
        self._watch = CancelWatch()
        self._runner: TrialRunner | None = None

    @property
    def runner(self) -> TrialRunner:
        """Runs the trials; made when there is the first one."""
        if self._runner is None:
            slots = self._stack.enter_context(self._slots)
            tuner = self._tuner
            self._runner = TrialRunner(tuner.oracle, tuner.search_project, slots, self.summary)
        return self._runner

    @property
    def summary(self) -> LiveSummary:
        """The page of the run, which passes on what it is told to the search's display."""
        if self._summary is None:
            tuner = self._tuner
            display = tuner.display or Display(tuner.oracle)
            self._summary = LiveSummary(display, tuner.search_project.url)
        return self._summary

    def prepare(self, *, may_have_changed: bool) -> Declaration | None:
        if self._declare is not None:
            return self._declare()
        if not may_have_changed:
            return None
        return self.runner.ask_study(get_run_logger().info)

    def ready(self) -> None:
        if self._first is not None and not self._tuner.oracle.trials:
            values = best_of_earlier(self._tuner.oracle.search_history, self._first)
            if values is not None:
                self._tuner.oracle.enqueue(values)

    def free_slot(self, busy: Collection[str]) -> str | None:
        if len(busy) >= max(1, self._slots.count):  # without any, one trial waits
            return None
        return next(slot for n in itertools.count() if (slot := f"slot-{n}") not in busy)

    def launch(self, trial: Trial, slot: str) -> None:
        future = submit_trial(trial, slot, self.runner)
        self._pending[future] = slot
        future.add_done_callback(self._ended.put)

    def wait(self) -> Sequence[str]:
        """Waits for a trial to end, or for a moment.

        Raises:
            CancelledError: The flow run was cancelled.
            RuntimeError: A task has ended without telling how its trial did.
        """
        check_not_asked_to_stop()
        self._watch.check()
        self.summary.publish()
        try:
            return [self._free(self._ended.get(timeout=LOOK))]
        except queue.Empty:
            return []

    def _free(self, future: Future) -> str:
        slot = self._pending.pop(future)
        if self.runner.error is not None:
            raise self.runner.error
        ongoing = self._tuner.oracle.ongoing_trials.get(slot)
        if ongoing is not None:
            # The task ended outside of our code; to submit it again might never end.
            msg = f"Expected the task of trial {ongoing.trial_id} to tell how the trial ended."
            raise RuntimeError(f"{msg} Received: {future.state.name}, {future.state.message}")
        self._on_ended()
        return slot

    def __enter__(self) -> Self:
        self._stack.callback(self._join)  # the last to leave: a stopped oracle must not be told
        self._stack.enter_context(self._watch)
        if self._tuner.display is not None:
            self._slots.note = self._tuner.display.note
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self.summary.publish(at_once=True)

    def _join(self) -> None:
        """Waits for the trials that were told to stop."""
        for future in self._pending:
            future.wait(timeout=STOP_TIMEOUT)


def run_search(
    tuner: BaseTuner,
    slots: Slots,
    began: float,
    declare: Callable[[], Declaration] | None = None,
    *,
    first: str | None = None,
    best_model: BestModel | None = None,
) -> SearchResult:
    """Runs the search of a tuner that was assembled.

    Args:
        tuner: Never builds a model here.
        slots: Where trials run; started when there is one to run.
        began: `time.monotonic()` when the caller began.
        declare: Says what the study declares; None for a training process to do so. A tuner that
            was assembled in the role `SCRIPT` does it itself.
        first: Path or URL of an earlier project whose best configuration is tried first.
        best_model: Is published whenever it is another one.

    Raises:
        CancelledError: The flow run was cancelled.
    """
    oracle, project = tuner.oracle, tuner.search_project
    news = News(oracle, project)

    def tell() -> None:
        if news.tell() and best_model is not None:
            best_model.publish_soon()

    project.run_id = own_run_id()
    oracle.start()
    artifacts.attempt(lambda: mark_crashed(project))
    launcher = TaskLauncher(tuner, slots, declare, on_ended=tell, first=first)
    try:
        loop(tuner, launcher, display_for)
    finally:
        tell()
    launcher.summary.publish(at_once=True)  # now it says why the search has ended
    history = oracle.search_history
    result = result_of(history, project.url, time.monotonic() - began, history.began_at)
    news.tell_end(result)
    artifacts.publish_leaderboard(result)
    if result.trained > 0:  # else the figures are those of the run before
        artifacts.publish_report(project, result)
    return result
