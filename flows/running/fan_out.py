"""Fans trials out as tasks of a flow: one task a trial, every slot busy."""

from __future__ import annotations

import itertools
import queue
from contextlib import ExitStack
from typing import Any

from prefect import get_run_logger
from prefect.futures import PrefectFuture

from flows.running import artifacts
from flows.running.cancelling import CancelWatch
from flows.running.stopping import check_not_asked_to_stop
from tasks.runner import TrialRunner
from tasks.trial import run_trial
from tuner.base_tuner import BaseTuner
from tuner.oracle import MAX_LOSSES
from tuner.search.patience import Patience
from tuner.trial import Trial, TrialStatus

Future = PrefectFuture[Any]

STOP_TIMEOUT = 10.0
"""Seconds for the task of a trial that has stopped to say so."""

LOOK = 1.0
"""Seconds between two looks at whether there are more slots, or the run was cancelled."""


class FanOut:
    """Keeps every slot busy: a new trial starts the moment one ends.

    Args:
        tuner: Its hooks of a search are called.
        runner: Runs the trials.
        stack: Enters the slots once there is work, and leaves them with the search.
        progress: The artifact that shows how far the search is.
    """

    def __init__(
        self,
        tuner: BaseTuner,
        runner: TrialRunner,
        stack: ExitStack,
        progress: artifacts.Progress,
    ) -> None:
        self.tuner = tuner
        self.runner = runner
        self.oracle = runner.oracle
        self.patience = Patience(runner.oracle)
        self.stack = stack
        self.progress = progress
        self.pending: dict[Future, str] = {}
        self.ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self.watch: CancelWatch | None = None
        self.started = False
        self.space_known = False
        self.done: str | None = None

    def run(self) -> str:
        """Runs until the oracle is done; says why it is.

        Raises:
            RuntimeError: The search cannot go on; trials that were running will run again.
        """
        while True:
            self._fill_slots()
            if self.started and len(self.oracle.end_order) > self.runner.display.ended_before:
                self.runner.display.advanced()
            if not self.pending:
                self.progress.update(at_once=True)
                return self.done or "every trial has ended"
            self._wait_for_one()
            self.progress.update()

    def _wait_for_one(self) -> None:
        """Waits for a trial to end, or for a moment."""
        check_not_asked_to_stop()
        if self.watch is not None:
            self.watch.check()
        try:
            self._free(self.ended.get(timeout=LOOK))
        except queue.Empty:
            return

    def _free(self, future: Future) -> None:
        lane = self.pending.pop(future)
        if self.runner.error is not None:
            raise self.runner.error
        if lane in self.oracle.ongoing_trials:
            # The task ended outside of our code; to submit it again might never end.
            trial_id = self.oracle.ongoing_trials[lane].trial_id
            msg = f"Expected the task of trial {trial_id} to tell how the trial ended."
            raise RuntimeError(f"{msg} Received: {future.state.name}, {future.state.message}")

    def join(self) -> None:
        """Waits for the trials that were told to stop."""
        for future in self.pending:
            future.wait(timeout=STOP_TIMEOUT)

    def _fill_slots(self) -> None:
        while self.done is None and (lane := self._free_lane()) is not None:
            self._discover_space()
            self.tuner.pre_create_trial()
            trial = self.oracle.create_trial(lane)
            if trial.status == TrialStatus.STOPPED:
                self.done = trial.message or "every trial has ended"
            elif trial.status == TrialStatus.IDLE:
                if self.pending:
                    return
                self.patience.wait()
            else:
                self.patience.renew()
                self._submit(trial, lane)

    def _free_lane(self) -> str | None:
        """Whom the oracle takes for the next slot to ask; None when every slot is busy."""
        if len(self.pending) >= max(1, self.runner.slots.count):  # without any, one trial waits
            return None
        busy = set(self.pending.values())
        return next(lane for n in itertools.count() if (lane := f"slot-{n}") not in busy)

    def _submit(self, trial: Trial, lane: str) -> None:
        self._start_slots()
        retries = MAX_LOSSES + self.oracle.max_retries_per_trial
        task = run_trial.with_options(retries=retries)
        future = task.submit(trial.trial_id, self.runner)
        self.pending[future] = lane
        future.add_done_callback(self.ended.put)

    def _discover_space(self) -> None:
        """Before the first trial, since it takes a model; which only a child may build."""
        if self.space_known or self.started or self.oracle.trials:
            return
        self._start_slots()
        self.runner.discover_space(get_run_logger().info)

    def _start_slots(self) -> None:
        if not self.started:
            self.started = True
            self.stack.enter_context(self.runner.slots)
