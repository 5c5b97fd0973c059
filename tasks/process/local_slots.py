"""Slots on this machine, each with a training process that stays warm from trial to trial."""

from __future__ import annotations

import logging
import queue
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from storage.scratch import VARIABLE, make_again, make_scratch
from tasks.hardware.placement import Placement, thread_limits
from tasks.messages import (
    Answer,
    Began,
    Declared,
    Ended,
    EpochReport,
    Fatal,
    GoOn,
    Interrupt,
    Interrupted,
    MetricsReport,
    ProcessSpent,
    Request,
)
from tasks.process.supervisor import Child, ForkServer
from tasks.process.watchdog import TrialLimits, Watchdog
from tasks.slots import ChildLostError, Line, OnReport, SearchStoppedError, SlotAnswer
from tuner.core.outcome import Outcome

logger = logging.getLogger(__name__)

LEAVE = 5.0
"""Seconds beyond the grace that the holder of a slot has to give it back."""


class ChildSlot:
    """Runs one trial at a time on a child that stays warm from trial to trial."""

    def __init__(self, slots: LocalSlots, name: str) -> None:
        self.name = name
        self._slots = slots
        self._child: Child | None = None
        self._size: int | None = None
        """Bytes the child held after its first trial."""

    def ask(self, request: Request, on_report: OnReport, emit: Line) -> SlotAnswer:
        """Has the child answer a request; see `tasks.slots.Slot`."""
        try:
            self._slots.check_not_stopped()
            child = self._warm(emit)
            watchdog = Watchdog(self._slots.limits, child, fresh=self._size is None)
            child.send(request)
            answer = _Conversation(self._slots, child, watchdog, on_report).answer()
        except ChildLostError:
            self.end()
            # Stopping kills the children: that is no trial's loss.
            self._slots.check_not_stopped()
            raise
        except BaseException:
            self.end()
            raise
        return self._settle(answer, child)

    def end(self) -> None:
        """Ends the child; the next request starts another."""
        child, self._child, self._size = self._child, None, None
        if child is not None:
            child.end()

    def _settle(self, answer: Answer, child: Child) -> SlotAnswer:
        """Ends the child where it is not fit for another trial, and raises where none has ended."""
        match answer:
            case Interrupted():
                self.end()
                raise SearchStoppedError
            case ProcessSpent(outcome, message):
                self.end()
                raise ChildLostError(message, outcome)
            case Ended(trial):
                size = child.gauge.resident()
                self._size = size if self._size is None else self._size
                grown = size - self._size > self._slots.limits.growth
                if grown or _spends_process(trial):
                    self.end()
                return answer
            case Declared() | Fatal():
                return answer

    def _warm(self, emit: Line) -> Child:
        if self._child is None:
            self._child = self._slots.start_child(self.name, emit)
        self._child.emit = emit
        return self._child


def _spends_process(trial: Mapping[str, Any]) -> bool:
    outcome = trial.get("record", {}).get("outcome")
    return outcome is not None and Outcome(outcome).spends_process


class _Conversation:
    """What is said with a child from a request to its answer."""

    def __init__(
        self, slots: LocalSlots, child: Child, watchdog: Watchdog, on_report: OnReport
    ) -> None:
        self._slots = slots
        self._child = child
        self._watchdog = watchdog
        self._on_report = on_report
        self._has_epochs = False
        self._deadline: float | None = None

    def answer(self) -> Answer:
        while True:
            self._check_stopped()
            self._watchdog.check()
            message = self._child.receive(self._slots.limits.interval)
            match message:
                case None:
                    pass
                case Began():
                    self._watchdog.trial_began()
                case EpochReport() | MetricsReport():
                    self._has_epochs |= isinstance(message, EpochReport)
                    self._child.send(GoOn(self._on_report(message)))
                case _:
                    return message

    def _check_stopped(self) -> None:
        """A trial that keeps its epochs may end the one at hand; any other has nothing to save."""
        if not self._slots.stopped.is_set():
            return
        if self._deadline is None:
            self._deadline = time.monotonic() + self._slots.limits.grace
            self._child.send(Interrupt())
        if not self._has_epochs or time.monotonic() > self._deadline:
            raise SearchStoppedError


class LocalSlots:
    """A number of slots on this machine, each with its own warm child.

    Args:
        places: One for each slot; or their number, where they need no GPU.
        setup: What `tasks.process.child` needs to assemble the tuner; JSON.
        preload: Modules that every child needs, imported once.
        limits: What a trial may take.
    """

    def __init__(
        self,
        places: int | Sequence[Placement],
        setup: Mapping[str, Any],
        preload: tuple[str, ...] = (),
        limits: TrialLimits | None = None,
    ) -> None:
        self.limits = limits or TrialLimits()
        self.stopped = threading.Event()
        self.note: Callable[[str], None] = logger.warning
        self._places = [Placement()] * places if isinstance(places, int) else list(places)
        self._setup = setup
        self._preload = preload
        self._scratch: Path | None = None
        self._servers: dict[str, ForkServer] = {}
        self._all = [ChildSlot(self, str(number)) for number in range(len(self._places))]
        self._free: queue.SimpleQueue[ChildSlot] = queue.SimpleQueue()
        for slot in self._all:
            self._free.put(slot)

    @property
    def count(self) -> int:
        return len(self._places)

    @property
    def scratch(self) -> Path:
        """A private folder that is deleted when the slots are left, and made again if need be.

        Raises:
            RuntimeError: They have not been entered.
        """
        if self._scratch is None:
            raise RuntimeError("Expected slots that have been entered. Received: ones that wait.")
        if not self._scratch.is_dir() and not make_again(self._scratch):
            self._scratch = make_scratch()
        return self._scratch

    @contextmanager
    def lease(self) -> Iterator[ChildSlot]:
        """A slot of one's own; waits for one to come free."""
        slot = self._free.get()
        try:
            yield slot
        finally:
            self._free.put(slot)

    def start_child(self, slot: str, emit: Line) -> Child:
        env = {"TRIALFLOW_SLOT": slot, VARIABLE: str(self.scratch)}
        place = self._places[int(slot)]
        return self._server_of(place).fork(self._setup, {**place.env, **env}, emit)

    def check_not_stopped(self) -> None:
        """Raises `SearchStoppedError` once `stop` was called."""
        if self.stopped.is_set():
            raise SearchStoppedError

    def stop(self) -> None:
        """Interrupts every trial; callers waiting for one get `SearchStoppedError`.

        A trial that has ended an epoch may end the one at hand, within the grace.
        """
        self.stopped.set()

    def __enter__(self) -> Self:
        self._scratch = make_scratch()
        for place in self._places:
            self._server_of(place).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        self._wait_for_slots()
        for server in self._servers.values():
            server.stop()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)

    def _wait_for_slots(self) -> None:
        """Lets the holders of slots notice that the search has stopped."""
        deadline = time.monotonic() + self.limits.grace + LEAVE
        while self._free.qsize() < len(self._all) and time.monotonic() < deadline:
            time.sleep(0.01)

    def _server_of(self, place: Placement) -> ForkServer:
        """The fork server of a GPU: what it imports is to see that GPU and no other."""
        if place.devices not in self._servers:
            env = {**thread_limits(self.count), **place.env}
            self._servers[place.devices] = ForkServer(self._preload, env)
        return self._servers[place.devices]
