"""An agent: holds one warm slot, and runs trial after trial of one search.

Knows nothing of Prefect; `flows.agents` is the flow that runs one.
"""

from __future__ import annotations

import logging
import secrets
import threading
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from storage import KeyMissingError, StorageError
from tasks.messages import Report, to_dict
from tasks.prefect.mailbox import AgentState, Mailbox, Order, Pace
from tasks.process.warm_slot import Json, Listener, why_not

logger = logging.getLogger(__name__)

SHORTEST = 0.02
"""Seconds between two looks at the order, at the least."""

IDLE_LOOK, BUSY_LOOK = 5.0, 2.0
"""Seconds between two looks at the order, at the most: without a trial, and with one."""

TTL = 30.0
"""Seconds without news of an agent after which a search takes it for lost."""

STEP = 0.1
"""Seconds after which a signal is noticed."""

LINES, TAIL, REPORTS = 500, 5000, 500
"""Lines that a state carries, and the last one of a trial; reports that it carries."""

LINGER = 60.0
"""Seconds for which a refused agent keeps its run, so that the one asked for in its place starts
on another host."""

AWAY = 900.0
"""Seconds for which a store may fail to take an answer."""


WAITING = "waiting for a trial"
"""What an agent says that is at nothing."""


class RunsJobs(Protocol):
    """What an agent needs of a `WarmSlot`."""

    stop_reason: str | None

    def run(self, job: Json, news: Listener) -> Json: ...

    def interrupt(self) -> None: ...

    def leave(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Farewell:
    """Why an agent has ended."""

    reason: str
    is_failure: bool = False
    """Whether people should mend something."""


class Agent:
    """Takes orders until it is told to end, has waited for too long, or is terminated.

    Args:
        mailbox: Of the project.
        agent_id: Unlike that of any other agent of the project.
        name: For people.
        slot: Runs the trials.
        idle: Seconds without an order after which it ends.
        say: Gets a line about what it is at.
        check: Says why this machine cannot run a job, None when it can.
        is_dismissed: Whether it was terminated by a cancel of its run.
        patience: Seconds for which a refused agent keeps its run.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        agent_id: str,
        name: str,
        slot: RunsJobs,
        idle: float,
        say: Callable[[str], None],
        check: Callable[[Json], str | None] = why_not,
        is_dismissed: Callable[[], bool] = lambda: False,
        patience: float = LINGER,
    ) -> None:
        self._mailbox = mailbox
        self._id = agent_id
        self._slot = slot
        self._idle = idle
        self._say = say
        self._check = check
        self._is_dismissed = is_dismissed
        self._patience = patience
        self._state = AgentState(name, secrets.token_hex(6))
        self._job: Json = {}
        self._ttl = TTL
        self._told = -1e9
        self._posting = threading.Lock()
        self._failing = False
        self.terminated = False
        """Set by a signal handler: the trial at hand is saved, and the agent ends."""

    def run(self) -> Farewell:
        """Works until there is a reason to end."""
        try:
            farewell = self._work()
        finally:
            self._slot.leave()
            dismissed = self.terminated and self._is_dismissed()
            self._tell(ended=True, trial=None, is_dismissed=dismissed)
        self._say(farewell.reason)
        return farewell

    def _work(self) -> Farewell:
        self._say(WAITING)
        self._check_job("")
        self._tell()
        pace, since = Pace(SHORTEST, IDLE_LOOK), time.monotonic()
        while not self.terminated:
            if self._state.refused is not None:
                farewell = self._linger(self._state.refused)
                if farewell is not None:
                    return farewell
            order = self._look()
            if order is not None and order.leave:
                return Farewell("The search has no more trials.")
            request = None if order is None or order.interrupt else order.request
            if order is not None and request is not None and order.id != self._state.order:
                self._obey(order, request)
                pace.renew()
                since = time.monotonic()
                continue
            if time.monotonic() - since > self._idle:
                return Farewell(f"No trial came for {self._idle:g} s.")
            if time.monotonic() - self._told > self._ttl / 3:
                self._tell()
            self._sleep(pace.pause(), lambda: self.terminated)
        return Farewell("It was asked to end.")

    def _linger(self, refused: str) -> Farewell | None:
        """Keeps the run of a refused agent; None once its host can run trials of the search."""
        farewell = Farewell(f"It gets no trial: {refused}", is_failure=True)
        self._say(farewell.reason)
        end = time.monotonic() + self._patience
        while not self.terminated and time.monotonic() < end:
            order = self._look()
            if order is not None and order.leave:
                break
            self._check_job("")
            if self._state.refused is None:
                self._say(WAITING)
                self._tell()
                return None
            self._tell()
            self._sleep(min(IDLE_LOOK, self._ttl / 3), lambda: self.terminated)
        return farewell

    def _obey(self, order: Order, request: Json) -> None:
        """Runs a trial to its end, and tells what came of it."""
        if not self._check_job(order.job):
            self._tell()
            return
        trial = str(request.get("trial", {}).get("trial_id", ""))
        self._say(f"trial {trial}" if trial else "finding out the search space")
        told = Told()
        self._state = replace(self._state, order=order.id, trial=trial, answer=None)
        done = threading.Event()
        post = threading.Thread(target=self._keep_in_touch, args=(order, told, done), daemon=True)
        post.start()
        try:
            answer = self._slot.run({**self._job, "request": request}, told)
        except Exception:  # noqa: BLE001 - the search ends with it
            answer = {"error": traceback.format_exc()}
        finally:
            done.set()
            post.join()
        self._tell_answer({"trial": None, "answer": answer, **told.news(TAIL, None)})
        self._say(WAITING)

    def _keep_in_touch(self, order: Order, told: Told, done: threading.Event) -> None:
        """Tells how the trial goes, and hears what is to become of it, until it has ended."""
        looks, beats = Pace(STEP, BUSY_LOOK), Pace(2 * STEP, self._ttl / 6)
        beaten, count = time.monotonic(), 0
        due = time.monotonic() + looks.pause()
        while not done.wait(STEP):
            if self.terminated:
                self._slot.interrupt()
            if time.monotonic() < due:
                continue
            self._hear(order)
            due = time.monotonic() + looks.pause()
            waited, news = time.monotonic() - beaten, told.count != count
            if waited > self._ttl / 6 or (news and waited > beats.pause()):
                beaten, count = time.monotonic(), told.count
                self._tell(**told.news(LINES, REPORTS))

    def _hear(self, order: Order) -> None:
        """Hears what is to become of the trial at hand."""
        now = self._look()
        if now is None:
            return
        if now.id == order.id:
            self._slot.stop_reason = now.stop_reason
        # Without an order it was forgotten: the search has ended, or given it up.
        if _is_off(now, order):
            self._slot.interrupt()

    def _check_job(self, wanted: str) -> bool:
        """Reads the job of the search, if it is another; whether this machine can run it."""
        if wanted and wanted == self._state.job:
            return self._state.refused is None
        try:
            digest, self._job = self._mailbox.read_job()
        except (KeyMissingError, StorageError) as error:
            logger.debug("Reading the job: %r", error)
            return False
        self._ttl = float(self._job.get("ttl", TTL))
        self._state = replace(self._state, job=digest, refused=self._check(self._job))
        return self._state.refused is None

    def _look(self) -> Order | None:
        """The order, None where it cannot be read just now."""
        try:
            order = self._mailbox.read_order(self._id)
        except StorageError as error:
            self._complain(error)
            return None
        self._failing = False
        return order

    def _tell(self, **changes: object) -> bool:
        with self._posting:
            beat = self._state.beat + 1
            self._state = replace(self._state, beat=beat, **changes)  # type: ignore[arg-type]
            try:
                self._mailbox.write_state(self._id, self._state)
            except StorageError as error:
                self._complain(error)
                return False
            self._told = time.monotonic()
            return True

    def _tell_answer(self, changes: Json) -> None:
        """Tells what came of an order, however long the store is away."""
        deadline, pause = time.monotonic() + AWAY, 0.5
        while not self._tell(**changes) and time.monotonic() < deadline and not self.terminated:
            self._sleep(pause, lambda: self.terminated)
            pause = min(2 * pause, self._ttl / 6)

    def _complain(self, error: StorageError) -> None:
        if not self._failing:
            logger.warning("The store is away, and is tried again: %s", error)
        self._failing = True

    def _sleep(self, seconds: float, until: Callable[[], bool]) -> bool:
        """Waits in small steps; whether what it was to wait for came true."""
        end = time.monotonic() + seconds
        while not until():
            left = end - time.monotonic()
            if left <= 0:
                return False
            time.sleep(min(STEP, left))
        return True


class Told:
    """What a trial has printed and reported, numbered, so that nothing is taken in twice."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._lines: list[str] = []
        self._dropped = 0
        self._reports: list[Json] = []
        self.count = 0
        """Grows with each line and each report."""

    def line(self, text: str) -> None:
        with self._lock:
            self._lines.append(text)
            self.count += 1
            if len(self._lines) > 2 * TAIL:
                del self._lines[:TAIL]
                self._dropped += TAIL

    def message(self, report: Report) -> None:
        with self._lock:
            self._reports.append(to_dict(report))
            self.count += 1

    def news(self, lines: int, reports: int | None) -> Json:
        """The last lines and reports as fields of an `AgentState`; None for all reports."""
        with self._lock:
            tail, some = self._lines[-lines:], self._reports[-(reports or len(self._reports)) :]
            return {
                "first_line": self._dropped + len(self._lines) - len(tail),
                "lines": tuple(tail),
                "first_report": len(self._reports) - len(some),
                "reports": tuple(some),
            }


def _is_off(now: Order, order: Order) -> bool:
    """Whether a trial that runs is not wanted any more."""
    return now.id != order.id or now.interrupt or now.leave
