"""Slots on a Dask cluster: the same requests, answered by workers' children."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import CancelledError
from contextlib import contextmanager
from queue import Empty
from typing import Any, Self

from distributed import Future
from distributed.scheduler import KilledWorker

from tasks.dask.address import scheduler_address
from tasks.dask.cluster import AWAY, Cluster, Json
from tasks.messages import Ended, Request, Run, from_dict, to_dict
from tasks.process.warm_slot import make_job
from tasks.process.watchdog import TrialLimits
from tasks.slots import ChildLostError, Line, OnReport, SearchStoppedError, SlotAnswer
from tuner.core.outcome import Outcome
from tuner.journal.project import Project

logger = logging.getLogger(__name__)

POLL = 0.2
"""Seconds between two looks at whether the search was stopped."""

AGAIN = 2.0
"""Seconds before a lost scheduler is tried again; between two looks at an adopted trial."""

LEAVE = 5.0
"""Seconds beyond the grace for a worker to say that it has stopped."""


class DaskSlots:
    """As many slots as the workers of a cluster offer; workers may join and leave.

    A trial may run twice, as when a worker is cut off; its result is kept once, since that is an
    exclusive create. So whatever happens to the cluster, handing a trial over again is harmless.

    Args:
        address: Of the scheduler; see `tasks.dask.cluster.scheduler_address`.
        setup: What `tasks.process.child` needs to assemble the tuner; JSON.
        project: Where workers leave results.
        preload: Modules that every child needs, imported once.
        limits: What a trial may take.

    Attributes:
        note: Gets a line when something happens that people should know; may be replaced.
    """

    def __init__(
        self,
        address: str,
        setup: Mapping[str, Any],
        project: Project,
        preload: tuple[str, ...] = (),
        limits: TrialLimits | None = None,
    ) -> None:
        self.limits = limits or TrialLimits()
        self.project = project
        self.stopped = threading.Event()
        self.note: Callable[[str], None] = logger.warning
        job = make_job(setup, project, preload, self.limits)
        self.job: Json = {**job, "topic": f"trialflow-{job['search']}"}
        address = scheduler_address(address)
        # Looked up at each line: a display comes and goes.
        self.cluster = Cluster(address, self.job, lambda text: self.note(text))  # noqa: PLW0108
        self._leased = 0
        self._lock = threading.Lock()

    @property
    def count(self) -> int:
        return self.cluster.slots

    @contextmanager
    def lease(self) -> Iterator[DaskSlot]:
        with self._lock:
            self._leased += 1
        try:
            yield DaskSlot(self)
        finally:
            with self._lock:
                self._leased -= 1

    def stop(self) -> None:
        """Interrupts every trial; callers waiting for one get `SearchStoppedError`."""
        self.stopped.set()

    def check_not_stopped(self) -> None:
        """Raises `SearchStoppedError` once `stop` was called."""
        if self.stopped.is_set():
            raise SearchStoppedError

    def __enter__(self) -> Self:
        self.cluster.connect()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        deadline = time.monotonic() + self.limits.grace + LEAVE
        while self._leased and time.monotonic() < deadline:
            time.sleep(0.01)
        self.cluster.close()


class _HandOverAgainError(Exception):
    """The trial has to be handed to another worker."""


class DaskSlot:
    """Runs one request on whatever worker is free."""

    def __init__(self, slots: DaskSlots) -> None:
        self._slots = slots
        self._cluster = slots.cluster
        self._trial_id = ""
        self._emitted = 0
        self._worker: str | None = None

    def ask(self, request: Request, on_report: OnReport, emit: Line) -> SlotAnswer:
        """Has a worker answer a request; see `tasks.slots.Slot`.

        A trial that a worker runs already, as after this process was killed, is not started
        twice: its result is waited for.

        Raises:
            ChildLostError: The trial's process ended, or ended its workers.
            SearchStoppedError: `DaskSlots.stop` was called.
            RuntimeError: There was no scheduler for a long time.
        """
        self._trial_id = request.trial_id if isinstance(request, Run) else ""
        self._emitted = 0
        is_away = False
        while True:
            self._slots.check_not_stopped()
            try:
                address = self._cluster.runs(self._trial_id) if self._trial_id else None
                if address is not None:
                    return self._adopt(address, on_report, emit)
                return self._hand_over(to_dict(request), on_report, emit)
            except _HandOverAgainError:
                is_away = False
            except AWAY as error:
                if not is_away:
                    emit(f"The Dask scheduler is away ({error!r}); it is tried again.")
                is_away = True
                self._slots.stopped.wait(AGAIN)

    def _hand_over(self, request: Json, on_report: OnReport, emit: Line) -> SlotAnswer:
        workers = self._wait_for_workers(emit)
        future = self._cluster.submit(request, workers)
        wake = self._cluster.inbox(self._trial_id)
        future.add_done_callback(lambda _: wake.put({}))
        stopping: float | None = None
        self._emitted = 0
        try:
            while not future.done():
                self._listen(on_report, emit)
                stopping = self._check_stopped(stopping)
                if not self._cluster.owns(future):
                    raise CancelledError
                if not any(self._cluster.is_there(worker) for worker in workers):
                    raise _HandOverAgainError
            return self._unpack(_result_of(future), on_report, emit)
        finally:
            future.release()

    def _adopt(self, address: str, on_report: OnReport, emit: Line) -> SlotAnswer:
        """Waits for a trial that was running before this process began."""
        emit(f"Trial {self._trial_id} goes on where it was running already, on {address}.")
        stopping: float | None = None
        looked = time.monotonic()
        while True:
            self._listen(on_report, emit)
            stopping = self._check_stopped(stopping)
            if time.monotonic() - looked < AGAIN:
                continue
            looked = time.monotonic()
            if not self._cluster.still_runs(address, self._trial_id):
                state = self._slots.project.read_result(self._trial_id)
                if state is None:
                    raise _HandOverAgainError
                return Ended(state)

    def _wait_for_workers(self, emit: Line) -> list[str]:
        said = False
        while not (workers := self._cluster.usable()):
            if not said:
                emit(f"Waiting for a Dask worker at {self._cluster.address}.")
                self._slots.note(
                    f"No worker is free at {self._cluster.address}; start one with "
                    f"`trialflow worker {self._cluster.address}`."
                )
            said = True
            self._slots.stopped.wait(POLL)
            self._slots.check_not_stopped()
        return workers

    def _listen(self, on_report: OnReport, emit: Line) -> None:
        try:
            news = self._cluster.inbox(self._trial_id).get(timeout=POLL)
        except Empty:
            return
        if not news:
            return
        self._worker = news["worker"]
        self._print(news, emit)
        for message in news["messages"]:
            reason = on_report(from_dict(message))
            if reason is not None:
                self._cluster.end_early(self._trial_id, news["worker"], reason)

    def _print(self, news: Json, emit: Line) -> None:
        """Emits the lines that have not been emitted yet."""
        for line in news["lines"][max(0, self._emitted - news["first"]) :]:
            emit(line)
        self._emitted = max(self._emitted, news["first"] + len(news["lines"]))

    def _check_stopped(self, stopping: float | None) -> float | None:
        """Interrupts the trial once; when it was, until when its answer is waited for."""
        if not self._slots.stopped.is_set():
            return None
        if stopping is None:
            self._cluster.interrupt(self._trial_id)
            return time.monotonic() + self._slots.limits.grace + LEAVE / 2
        if time.monotonic() > stopping or self._worker is None:
            raise SearchStoppedError
        return stopping

    def _unpack(self, result: Json, on_report: OnReport, emit: Line) -> SlotAnswer:
        inbox = self._cluster.inbox(self._trial_id)
        while not inbox.empty():
            self._listen(on_report, emit)
        if "lines" in result:
            self._print(result, emit)
        if "answer" in result:
            answer: SlotAnswer = from_dict(result["answer"])
            return answer
        if "lost" in result:
            message, outcome, hopeless = result["lost"]
            raise ChildLostError(message, Outcome(outcome), hopeless=hopeless)
        if "refused" in result:
            self._cluster.refuse(result["worker"], result["refused"])
            raise _HandOverAgainError
        if "stopped" in result:
            self._slots.check_not_stopped()
            raise _HandOverAgainError  # an earlier search had asked for it
        raise RuntimeError(result["error"])


def _result_of(future: Future[Json]) -> Json:
    try:
        result: Json = future.result(timeout=30)
    except KilledWorker as error:
        msg = "Several Dask workers were lost, one after the other, while they ran the trial."
        raise ChildLostError(msg, Outcome.LOST) from error
    return result
