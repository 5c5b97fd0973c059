"""The agents of a search: asks for them, sees which live, and knows which are free."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

from storage import StorageError
from tasks.prefect.agent import IDLE_LOOK, SHORTEST
from tasks.prefect.mailbox import AgentState, Mailbox, Order
from tasks.prefect.member import Member
from tasks.prefect.runs import AgentRun, AgentRuns, ServerBusyError

logger = logging.getLogger(__name__)

LOOK, RUNS_LOOK, FOLDER_LOOK = 0.2, 5.0, 30.0
"""Seconds between two looks at whether agents are missing; between two questions to the Prefect
server; between two listings of the agents."""

LATE = 30.0
"""Seconds without any agent after which a word is due."""

QUICK, SOON, LATEST = 60.0, 5.0, 300.0
"""Seconds: an agent that ends sooner than this has failed to start; the next is asked for after so
many then, each time twice as many, up to the last."""


Answer = TypeVar("Answer")


class Crew:
    """Asks for agents and looks after them, in threads of its own.

    Args:
        mailbox: Of the project.
        runs: The flow runs that are agents.
        digest: Of the job.
        wanted: Number of agents.
        ttl: Seconds without news after which an agent is taken for lost.
        say: Gets a line when something happens that people should know.
    """

    def __init__(
        self,
        mailbox: Mailbox,
        runs: AgentRuns,
        digest: str,
        wanted: int,
        ttl: float,
        say: Callable[[str], None],
    ) -> None:
        self._mailbox = mailbox
        self._runs = runs
        self._digest = digest
        self._wanted = wanted
        self._ttl = ttl
        self._say = say
        self.changed = threading.Condition()
        self._members: dict[str, Member] = {}
        self._foreign: set[str] = set()
        """Orders that an earlier process of this search has given."""
        self._waiting = self._barred = self._failures = self._number = 0
        self._next_start = self._next_runs = self._next_folder = 0.0
        self._is_closing = threading.Event()
        self._wake = threading.Event()
        self._began = time.monotonic()
        self._has_complained = False
        self._refusals: set[str] = set()
        # Two of them: a server that is away must not keep anybody from hearing the agents.
        self._threads = [
            threading.Thread(target=self._listen, name="agents", daemon=True),
            threading.Thread(target=self._keep, name="agent-runs", daemon=True),
        ]

    @property
    def count(self) -> int:
        """Trials that may run at the same time: by agents that live, or would be asked for."""
        with self.changed:
            able = self._able()
            there = [m for m in able if m.state is not None]
            if not there and not any(m.is_over or m.is_refused for m in self._members.values()):
                return 0
            asleep = self._wanted - self._barred - len(able)
            return len(there) + max(0, asleep)

    def open(self) -> None:
        """Adopts the agents that live, and asks for those that are missing."""
        known = self._patiently(self._runs.known)
        told = self._mailbox.read_states(sorted({*self._mailbox.agents(), *known}))
        living = {each for each, run in known.items() if not run.has_ended}
        living |= {each for each, state in told.items() if each not in known and not state.ended}
        for each in sorted(living):
            name = told[each].name if each in told else known[each].name
            member = self._members[each] = Member(each, name)
            if each in told:
                member.order = self._mailbox.read_order(each)
                self._foreign |= {told[each].order, member.order.id}
                self._take_in(member, told[each])
        self._mailbox.forget([each for each in told if each in known and each not in living])
        self._number = len(known)
        if living:
            self._say(f"{len(living)} agents are there already.")
        for _ in range(self._wanted - len(living)):
            self._patiently(self._start_one)
        self._next_runs = time.monotonic() + RUNS_LOOK
        self._next_folder = time.monotonic() + FOLDER_LOOK
        for thread in self._threads:
            thread.start()

    def _patiently(self, ask: Callable[[], Answer]) -> Answer:
        """What a server says that may be too busy to answer at once."""
        while True:
            try:
                return ask()
            except ServerBusyError as error:
                logger.warning("%s It is asked again.", error)
                if self._is_closing.wait(SOON):
                    raise

    def adopted(self, trial_id: str) -> Member | None:
        """The agent that an earlier process of this search had given a trial, once."""
        with self.changed:
            for member in self._present():
                state = member.state
                if state is None or member.order.id not in self._foreign or member.is_claimed:
                    continue
                if _is_about(member.order, trial_id):
                    self._foreign.discard(member.order.id)
                    member.is_claimed = True
                    member.look_often()
                    return member
        return None

    def claim(self, seconds: float) -> Member | None:
        """A free agent, None when none came free in time."""
        with self.changed:
            self._waiting += 1
            self._wake.set()
            try:
                self.changed.wait_for(self._free, seconds)
                member = self._free()
                if member is not None:
                    member.is_claimed = True
                return member
            finally:
                self._waiting -= 1

    def hand_over(self, member: Member, order: Order) -> None:
        """Writes an order for an agent that was claimed; the same again when it has changed.

        Raises:
            StorageError: The store did not take it.
        """
        is_new = order.id != member.order.id
        self._mailbox.write_order(member.id, order)
        with self.changed:
            member.order = order
            if is_new:
                member.look_often()
                member.silent = 0.0
                member.due = time.monotonic() + SHORTEST
        self._wake.set()

    def is_lost(self, member: Member) -> bool:
        """Whether an agent has ended, or told nothing for too long."""
        with self.changed:
            return member.is_over or member.silent > self._ttl

    def free(self, member: Member) -> None:
        """Gives an agent back that was claimed."""
        with self.changed:
            member.is_claimed = False
            member.look_seldom()
            self.changed.notify_all()

    def describe(self) -> str:
        """Where the agents run; for people."""
        return self._runs.describe()

    def close(self, seconds: float) -> None:
        """Has every agent end, and takes back the runs that have not begun."""
        self._is_closing.set()
        self._wake.set()
        for thread in self._threads:
            if thread.is_alive():
                thread.join(timeout=10)
        present = self._present()
        # Those too that the server takes for dead: they may be frozen.
        for member in [m for m in self._members.values() if not (m.state and m.state.ended)]:
            with contextlib.suppress(StorageError):
                self._mailbox.write_order(member.id, Order(member.order.id, leave=True))
        waiting = [member.id for member in present if member.state is None]
        for each in self._runs.cancel(waiting) if waiting else ():
            self._members[each].is_over = True
        self._wait_for_farewells(seconds)
        with contextlib.suppress(StorageError):
            self._mailbox.forget(
                [
                    m.id
                    for m in self._members.values()
                    if m.is_over and (not m.state or m.state.ended)
                ]
            )
            if not self._present():
                self._mailbox.forget_job()

    def _wait_for_farewells(self, seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            with self.changed:
                left = [m.id for m in self._present() if m.state and m.silent <= self._ttl]
            if not left:
                return
            self._read(left)
            time.sleep(0.2)

    def _present(self) -> list[Member]:
        return [member for member in self._members.values() if not member.is_over]

    def _able(self) -> list[Member]:
        """The agents that run trials of this search, or will once they have begun."""
        return [member for member in self._present() if not member.is_refused]

    def _free(self) -> Member | None:
        for member in self._able():
            state = member.state
            if state is None or member.is_claimed or member.is_at_work:
                continue
            if member.silent <= self._ttl and member.order.id in ("", state.order):
                return member
        return None

    def _listen(self) -> None:
        """Looks at the states of the agents, until the end."""
        while not self._is_closing.is_set():
            try:
                self._read(self._due())
            except Exception as error:  # noqa: BLE001 - tried again; trials tell of real trouble
                logger.debug("Looking at the agents: %r", error)
            self._wake.wait(self._pause())
            self._wake.clear()

    def _keep(self) -> None:
        """Keeps as many agents as are wanted, until the end."""
        while not self._is_closing.wait(LOOK):
            try:
                self._look_further()
                self._start_missing()
            except Exception as error:  # noqa: BLE001 - likewise
                logger.debug("Asking for agents: %r", error)

    def _due(self) -> list[str]:
        now = time.monotonic()
        with self.changed:
            return [member.id for member in self._present() if member.due <= now]

    def _pause(self) -> float:
        with self.changed:
            soonest = min((m.due for m in self._present()), default=float("inf"))
        return min(1.0, max(SHORTEST / 2, soonest - time.monotonic()))

    def _read(self, agent_ids: list[str]) -> None:
        """Looks at the states of some agents."""
        if not agent_ids:
            return
        try:
            told = self._mailbox.read_states(agent_ids)
        except StorageError as error:
            logger.debug("Reading the states of agents: %r", error)
            told = None
        now = time.monotonic()
        with self.changed:
            for each in agent_ids:
                member = self._members[each]
                # A store that is away, and a search that was frozen, are no silence of an agent's.
                quiet = min(now - member.looked, 2 * IDLE_LOOK) if member.looked and told else 0.0
                member.looked = now if told is not None else 0.0
                state = (told or {}).get(each)
                if state is None or not self._take_in(member, state):
                    member.silent += quiet if member.state is not None else 0.0
                member.due = now + member.pace.pause()
            self.changed.notify_all()

    def _take_in(self, member: Member, state: AgentState) -> bool:
        """Takes in what an agent tells; whether that is new."""
        old = member.state
        if old is not None and (old.life, old.beat) == (state.life, state.beat):
            return False
        if old is not None and old.life != state.life:
            member.order = member.order if member.is_claimed else Order()
        member.state, member.silent = state, 0.0
        member.is_over = state.ended
        if state.ended:
            self._next_runs = 0.0  # why, is asked before there is another in its place
        if state.is_dismissed:
            self._bar(member)
        if state.refused and (old is None or not old.refused):
            self._put_off()
        if state.refused and state.refused not in self._refusals:
            self._refusals.add(state.refused)
            self._say(
                f"Agent {state.name} gets no trial: {state.refused}. Mend that where it ran; "
                "meanwhile others are asked for, less and less often."
            )
        return True

    def _look_further(self) -> None:
        """Asks the server what became of the runs, and the store who else is there."""
        now = time.monotonic()
        if now > self._next_runs:
            self._next_runs = now + RUNS_LOOK
            self._take_in_runs(self._runs.known())
        if now > self._next_folder:
            self._next_folder = now + FOLDER_LOOK
            found = self._mailbox.agents()
            with self.changed:
                for each in set(found) - self._members.keys():
                    self._members[each] = Member(each, each)  # started by hand
        if not self._has_complained and now - self._began > LATE:
            with self.changed:
                self._has_complained = any(m.state for m in self._members.values())
            if not self._has_complained:
                self._has_complained = True
                self._say(f"No agent has begun yet. {self._runs.describe()}")

    def _take_in_runs(self, known: Mapping[str, AgentRun]) -> None:
        # A run that was pre-empted is begun again, and is then the same agent.
        with self.changed:
            over = {member.id for member in self._members.values() if member.is_over}
        self._read([each for each, run in known.items() if each in over and not run.has_ended])
        with self.changed:
            for each, run in known.items():
                member = self._members.get(each)
                if member is None or member.has_ended or not run.has_ended:
                    continue
                member.is_over = member.has_ended = True
                if run.is_cancelled:
                    self._bar(member)
                self._count_failure(member)
            self.changed.notify_all()

    def _bar(self, member: Member) -> None:
        """Asks for none in the place of an agent that was cancelled."""
        if not member.is_barred:
            member.is_barred = True
            self._barred += 1
            self._say(f"Agent {member.name} was cancelled; there is none in its place.")

    def _count_failure(self, member: Member) -> None:
        """Asks for the next agent later and later while they end as soon as they begin."""
        if member.is_refused:
            return  # counted when it was refused
        has_worked = member.state is not None and member.state.order
        if has_worked or time.monotonic() - member.asked > QUICK:
            self._failures = 0
            return
        self._put_off()
        self._say(f"Agent {member.name} has ended before it had a trial; see its run.")

    def _put_off(self) -> None:
        """Has the next agent asked for later, twice as late each time."""
        self._failures += 1
        pause = min(SOON * 2 ** (self._failures - 1), LATEST)
        self._next_start = time.monotonic() + pause

    def _start_missing(self) -> None:
        """Asks for agents in the place of others, once there is a trial for them."""
        with self.changed:
            lively = [m for m in self._able() if m.silent <= self._ttl]
            missing = min(self._waiting, self._wanted - self._barred - len(lively))
        if not self._next_runs or time.monotonic() < self._next_start:
            return  # first it is asked why the last one has ended
        for _ in range(missing):
            if not self._is_closing.is_set():
                self._start_one()

    def _start_one(self) -> None:
        self._number += 1
        agent_id, name = self._runs.start(self._number)
        with self.changed:
            self._members[agent_id] = Member(agent_id, name)
        if self._is_closing.is_set():  # the server took its time
            self._mailbox.write_order(agent_id, Order(leave=True))
            self._runs.cancel([agent_id])


def _is_about(order: Order, trial_id: str) -> bool:
    """Whether an order still asks for a trial."""
    trial = (order.request or {}).get("trial", {})
    return bool(trial.get("trial_id") == trial_id) and not (order.interrupt or order.leave)
