"""Slots: where a trial can run. Here, on this machine."""

from __future__ import annotations

import os
import queue
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from tasks.children import Child, ChildLostError, ForkServer, Line
from tasks.scratch import make_scratch

POLL = 0.2
"""Seconds between two looks at whether the search was stopped."""

ANSWERS = ("space", "ended", "fatal")
"""Kinds of message that end a request."""

Message = Mapping[str, Any]


class SearchStoppedError(Exception):
    """The search was stopped while a trial was running."""


class Slot:
    """Runs one trial at a time on a child that stays warm from trial to trial."""

    def __init__(self, slots: LocalSlots, name: str) -> None:
        self.name = name
        self._slots = slots
        self._child: Child | None = None

    def ask(self, request: Message, on_message: Callable[[Message], None], emit: Line) -> Message:
        """Has the child answer a request.

        Args:
            request: For `tasks.training`.
            on_message: Gets the messages that come before the answer.
            emit: Gets each line the child prints meanwhile.

        Returns:
            A message of a kind in `ANSWERS`.

        Raises:
            ChildLostError: The child died. The next request gets a fresh one.
            SearchStoppedError: `LocalSlots.stop` was called.
        """
        try:
            self._slots.check_not_stopped()
            child = self._warm(emit)
            child.send(request)
            return self._answer(child, on_message)
        except ChildLostError:
            self.end()
            # Stopping kills the children: that is no trial's loss.
            self._slots.check_not_stopped()
            raise
        except BaseException:
            self.end()
            raise

    def end(self) -> None:
        """Ends the child; the next request starts another."""
        child, self._child = self._child, None
        if child is not None:
            child.end()

    def _answer(self, child: Child, on_message: Callable[[Message], None]) -> Message:
        while True:
            self._slots.check_not_stopped()
            message = child.receive(POLL)
            if message is not None and message["kind"] in ANSWERS:
                return message
            if message is not None:
                on_message(message)

    def _warm(self, emit: Line) -> Child:
        if self._child is None:
            self._child = self._slots.start_child(self.name, emit)
        self._child.emit = emit
        return self._child


class LocalSlots:
    """A number of slots on this machine, each with its own warm child.

    Args:
        count: Number of trials that run at the same time.
        setup: What `tasks.training` needs to assemble the tuner; JSON.
        preload: Modules that every child needs, imported once.
    """

    def __init__(self, count: int, setup: Mapping[str, Any], preload: tuple[str, ...] = ()) -> None:
        self.count = count
        self.stopped = threading.Event()
        self._setup = setup
        self._scratch: Path | None = None
        self._server = ForkServer(preload, thread_limits(count))
        self._all = [Slot(self, str(number)) for number in range(count)]
        self._free: queue.SimpleQueue[Slot] = queue.SimpleQueue()
        for slot in self._all:
            self._free.put(slot)

    @property
    def scratch(self) -> Path:
        """A private folder that is deleted when the slots are left.

        Raises:
            RuntimeError: They have not been entered.
        """
        if self._scratch is None:
            raise RuntimeError("Expected slots that have been entered. Received: ones that wait.")
        return self._scratch

    @contextmanager
    def lease(self) -> Iterator[Slot]:
        """A slot of one's own; waits for one to come free."""
        slot = self._free.get()
        try:
            yield slot
        finally:
            self._free.put(slot)

    def start_child(self, slot: str, emit: Line) -> Child:
        env = {"TRIALFLOW_SLOT": slot, "TRIALFLOW_SCRATCH": str(self.scratch)}
        return self._server.fork(self._setup, env, emit)

    def check_not_stopped(self) -> None:
        """Raises `SearchStoppedError` once `stop` was called."""
        if self.stopped.is_set():
            raise SearchStoppedError

    def stop(self) -> None:
        """Ends every child; whoever waits for one gets `SearchStoppedError`."""
        self.stopped.set()

    def __enter__(self) -> Self:
        self._scratch = make_scratch()
        self._server.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()
        self._server.stop()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)


def thread_limits(slots: int) -> dict[str, str]:
    """Variables that divide the processors among the slots, so that they do not fight.

    What the user has set stays.
    """
    processors = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else 0
    share = str(max(1, (processors or os.cpu_count() or 1) // slots))
    limits = {
        "TF_NUM_INTRAOP_THREADS": share,
        "OMP_NUM_THREADS": share,
        "OPENBLAS_NUM_THREADS": share,
        "MKL_NUM_THREADS": share,
        # Several children may meet on one GPU: none may take all of its memory at once.
        "TF_FORCE_GPU_ALLOW_GROWTH": "true",
        "TF_CPP_MIN_LOG_LEVEL": "2",
    }
    return {name: value for name, value in limits.items() if name not in os.environ}
