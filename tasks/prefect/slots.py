"""Slots on a work pool of a Prefect server: requests are answered by its agents."""

from __future__ import annotations

import logging
import os
import threading
import time
import uuid
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

from storage import StorageError
from tasks.messages import Request, Run, from_dict, to_dict
from tasks.prefect.agent import BUSY_LOOK, IDLE_LOOK, TTL
from tasks.prefect.crew import Crew
from tasks.prefect.mailbox import AgentState, Mailbox, Order
from tasks.prefect.member import Member
from tasks.prefect.runs import AgentRuns
from tasks.process.warm_slot import Json, make_job
from tasks.process.watchdog import TrialLimits
from tasks.slots import ChildLostError, Line, OnReport, SearchStoppedError, SlotAnswer
from tuner.core.outcome import Outcome
from tuner.journal.project import Project

logger = logging.getLogger(__name__)

POLL = 0.2
"""Seconds between two looks at whether the search was stopped."""

AGAIN = 2.0
"""Seconds before a store that is away is tried again."""

LEAVE = 5.0
"""Seconds beyond the grace and an agent's look for it to say that it has stopped."""

LOSSES = 3
"""Agents that may be lost, one after the other, while they run one trial."""

TTL_VARIABLE = "TRIALFLOW_AGENT_SECONDS"


class PoolSlots:
    """One slot for each agent; agents may join, leave, freeze and die.

    A trial may run twice, as when an agent is frozen and comes back; its result is kept once, since
    that is an exclusive create. So handing a trial over again is harmless.

    Args:
        setup: What `tasks.process.child` needs to assemble the tuner; JSON.
        project: Over whose store search and agents talk.
        runs: The flow runs that are agents.
        wanted: Number of agents.
        preload: Modules that every child needs, imported once.
        limits: What a trial may take.

    Attributes:
        note: Gets a line when something happens that people should know; may be replaced.
    """

    def __init__(
        self,
        setup: Mapping[str, Any],
        project: Project,
        runs: AgentRuns,
        wanted: int,
        preload: tuple[str, ...] = (),
        limits: TrialLimits | None = None,
    ) -> None:
        self.limits = limits or TrialLimits()
        self.stopped = threading.Event()
        self.note: Callable[[str], None] = logger.warning
        self._ttl = float(os.environ.get(TTL_VARIABLE, TTL))
        job = make_job(setup, project, preload, self.limits)
        self._job = {**job, "ttl": self._ttl, "folder": str(Path.cwd())}
        self._mailbox = Mailbox(project.store)
        self._runs = runs
        self._wanted = wanted
        self._crew: Crew | None = None
        self._leased = 0
        self._lock = threading.Lock()
        self.digest = ""
        """Of the job."""

    @property
    def count(self) -> int:
        return 0 if self._crew is None else self._crew.count

    @property
    def crew(self) -> Crew:
        """The agents.

        Raises:
            RuntimeError: The slots have not been entered.
        """
        if self._crew is None:
            raise RuntimeError("Expected slots that have been entered. Received: ones that wait.")
        return self._crew

    @contextmanager
    def lease(self) -> Iterator[PoolSlot]:
        with self._lock:
            self._leased += 1
        try:
            yield PoolSlot(self)
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
        self.digest = self._mailbox.write_job(self._job)
        # Looked up at each line: a display comes and goes.
        say = lambda text: self.note(text)  # noqa: E731, PLW0108
        self._crew = Crew(self._mailbox, self._runs, self.digest, self._wanted, self._ttl, say)
        self._crew.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
        deadline = time.monotonic() + self.limits.grace + BUSY_LOOK + LEAVE
        while self._leased and time.monotonic() < deadline:
            time.sleep(0.01)
        self.crew.close(IDLE_LOOK + LEAVE)


class _HandOverAgainError(Exception):
    """The trial has to be handed to another agent."""


class _AgentLostError(Exception):
    """The agent that ran the trial is lost."""


class PoolSlot:
    """Runs one request on whatever agent is free."""

    def __init__(self, slots: PoolSlots) -> None:
        self._slots = slots
        self._crew = slots.crew

    def ask(self, request: Request, on_report: OnReport, emit: Line) -> SlotAnswer:
        """Has an agent answer a request; see `tasks.slots.Slot`.

        A trial that an agent runs already, as after this process was killed, is not started
        twice: its answer is waited for.

        Raises:
            ChildLostError: The trial's process ended, or several agents were lost with it.
            SearchStoppedError: `PoolSlots.stop` was called.
        """
        trial_id = request.trial_id if isinstance(request, Run) else ""
        lost = 0
        while True:
            self._slots.check_not_stopped()
            member = self._crew.adopted(trial_id) if trial_id else None
            if member is not None:
                emit(f"Trial {trial_id} goes on where it was, on {member.name}.")
            else:
                member = self._claim(emit)
                self._hand_over(member, to_dict(request), emit)
            conversation = _Conversation(self._slots, member, on_report, emit)
            try:
                return conversation.answer()
            except _HandOverAgainError:
                pass
            except _AgentLostError:
                lost += 1
                emit(f"{member.name} is lost; the trial goes on elsewhere.")
                if lost == LOSSES:
                    msg = "Several agents were lost, one after the other, while they ran the trial."
                    raise ChildLostError(msg, Outcome.LOST) from None
            finally:
                self._crew.free(member)

    def _claim(self, emit: Line) -> Member:
        """A free agent; waits for one."""
        said = False
        while (member := self._crew.claim(POLL)) is None:
            if not said and self._slots.count == 0:
                emit(f"Waiting for an agent. {self._crew.describe()}")
                said = True
            self._slots.check_not_stopped()
        return member

    def _hand_over(self, member: Member, request: Json, emit: Line) -> None:
        order = Order(uuid.uuid4().hex, self._slots.digest, request)
        try:
            write(self._slots, member, order, emit)
        except BaseException:
            self._crew.free(member)
            raise


class _Conversation:
    """What is said with an agent from an order to its answer."""

    def __init__(self, slots: PoolSlots, member: Member, on_report: OnReport, emit: Line) -> None:
        self._slots = slots
        self._crew = slots.crew
        self._member = member
        self._on_report = on_report
        self._emit = emit
        self._lines = 0
        self._reports = 0
        self._deadline: float | None = None

    def answer(self) -> SlotAnswer:
        beat = -1
        while True:
            is_lost = self._crew.is_lost(self._member)  # before its last words are looked at
            state = self._news(beat)
            if state is not None:
                beat = state.beat
                if state.order == self._member.order.id:
                    self._take_in(state)
                    if state.answer is not None:
                        return self._unpack(state.answer)
            self._check_stopped()
            if is_lost:
                # One that was only frozen is to stop, should it come back.
                self._change(interrupt=True)
                last = self._member.state
                if last is not None and last.ended and last.order != self._member.order.id:
                    raise _HandOverAgainError  # it said goodbye before it saw the order
                raise _AgentLostError

    def _news(self, beat: int) -> AgentState | None:
        """What the agent tells, None when that is nothing new after a moment."""
        with self._crew.changed:
            state = self._member.state
            if state is None or state.beat == beat:
                self._crew.changed.wait(POLL)
                state = self._member.state
        return None if state is None or state.beat == beat else state

    def _take_in(self, state: AgentState) -> None:
        """Emits the lines and passes on the reports that have not been heard yet."""
        for line in state.lines[max(0, self._lines - state.first_line) :]:
            self._emit(line)
        self._lines = max(self._lines, state.first_line + len(state.lines))
        reason = None
        for report in state.reports[max(0, self._reports - state.first_report) :]:
            reason = self._on_report(from_dict(report)) or reason
        self._reports = max(self._reports, state.first_report + len(state.reports))
        if reason is not None and state.answer is None:
            self._change(stop_reason=reason)

    def _check_stopped(self) -> None:
        """Interrupts the trial once, and waits for a while for its answer."""
        if not self._slots.stopped.is_set():
            return
        if self._deadline is None:
            self._change(interrupt=True)
            grace = self._slots.limits.grace + BUSY_LOOK
            self._deadline = time.monotonic() + grace + LEAVE / 2
        if time.monotonic() > self._deadline:
            raise SearchStoppedError

    def _change(self, **changes: Any) -> None:
        try:
            self._crew.hand_over(self._member, replace(self._member.order, **changes))
        except StorageError as error:
            logger.warning("An order could not be written: %s", error)

    def _unpack(self, result: Json) -> SlotAnswer:
        if "answer" in result:
            answer: SlotAnswer = from_dict(result["answer"])
            return answer
        if "lost" in result:
            message, outcome, hopeless = result["lost"]
            raise ChildLostError(message, Outcome(outcome), hopeless=hopeless)
        if "stopped" in result:
            self._slots.check_not_stopped()
            raise _HandOverAgainError  # the agent was asked to end, or an earlier search had been
        raise RuntimeError(result["error"])


def write(slots: PoolSlots, member: Member, order: Order, emit: Line) -> None:
    """Hands an order over, however long the store is away.

    Raises:
        SearchStoppedError: The search was stopped meanwhile.
    """
    said = False
    while True:
        try:
            slots.crew.hand_over(member, order)
        except StorageError as error:
            if not said:
                emit(f"The store is away ({error}); it is tried again.")
            said = True
            slots.stopped.wait(AGAIN)
            slots.check_not_stopped()
        else:
            return
