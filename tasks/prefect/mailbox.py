"""Messages between a search and its agents, as objects of the project's store.

For each agent there are two objects, and one writer of each: the search overwrites the order, the
agent overwrites its state. There is no lock, and what is overwritten unread is no loss: an
order replaces the one before, and a state carries all that is news. Results go another way, by the
exclusive create of `result.json`, so an order that is obeyed twice does no harm.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

from storage import KeyMissingError, ProjectPaths, Store
from tasks.process.warm_slot import Json

VERSION = 1
"""Of the objects; an agent or search of another one is told apart by it."""

PATIENCE = 10.0
"""How many times as long as it waits between two looks it has waited already."""


@dataclass(frozen=True, slots=True)
class Order:
    """What the search wants of an agent."""

    id: str = ""
    """Unlike any other; empty for one that asks for no trial."""
    job: str = ""
    """Digest of the job that the request belongs to."""
    request: Json | None = None
    """A request of `tasks.messages`."""
    stop_reason: str | None = None
    """Why the trial is to end after the epoch at hand."""
    interrupt: bool = False
    """Whether the trial is to end as soon as it can go on from there another time."""
    leave: bool = False
    """Whether the agent is to end."""


@dataclass(frozen=True, slots=True)
class AgentState:
    """What an agent tells."""

    name: str
    life: str
    """Of its process, unlike any other."""
    beat: int = 0
    """Grows with each state of one life."""
    job: str = ""
    """Digest of the job that it has checked."""
    refused: str | None = None
    """Why it can run no trial of that job."""
    order: str = ""
    """The order that it is at, or has answered last."""
    trial: str | None = None
    """The trial that it runs; empty for the search space, None while it waits."""
    answer: Json | None = None
    """What came of the order; see `WarmSlot.run`."""
    first_line: int = 0
    lines: tuple[str, ...] = ()
    """The last lines that the trial printed; `first_line` is the number of the first."""
    first_report: int = 0
    reports: tuple[Json, ...] = ()
    """Likewise its reports."""
    ended: bool = False
    """Whether the agent has said goodbye."""
    is_dismissed: bool = False
    """Whether it was cancelled, so that there is to be none in its place."""


class Mailbox:
    """The objects over which a search and its agents talk.

    Args:
        store: The project's.
    """

    def __init__(self, store: Store) -> None:
        self.store = store
        self._paths = ProjectPaths()

    def write_job(self, job: Json) -> str:
        """Leaves the job of a search for its agents; its digest."""
        data = json.dumps(job, sort_keys=True).encode()
        self.store.replace(self._paths.job, data)
        return _digest(data)

    def read_job(self) -> tuple[str, Json]:
        """Digest and job.

        Raises:
            KeyMissingError: There is no search.
        """
        data = self.store.read(self._paths.job)
        job: Json = json.loads(data)
        return _digest(data), job

    def write_order(self, agent_id: str, order: Order) -> None:
        self.store.replace(self._paths.agent(agent_id).order, _encode(order))

    def read_order(self, agent_id: str) -> Order:
        """The order of an agent; one that asks for nothing where there is none."""
        try:
            return Order(**_decode(self.store.read(self._paths.agent(agent_id).order)))
        except KeyMissingError:
            return Order()

    def write_state(self, agent_id: str, state: AgentState) -> None:
        self.store.replace(self._paths.agent(agent_id).state, _encode(state))

    def read_states(self, agent_ids: list[str]) -> dict[str, AgentState]:
        """The states of those agents that have told one."""
        keys = {self._paths.agent(each).state: each for each in agent_ids}
        found = self.store.read_many(keys)
        return {keys[key]: AgentState(**_tuples(_decode(data))) for key, data in found.items()}

    def agents(self) -> list[str]:
        """Ids of all agents that have a state or an order."""
        return [name for name in self.store.list(self._paths.agents) if not name.endswith(".json")]

    def forget(self, agent_ids: list[str]) -> None:
        """Deletes what was said to and by agents that have ended."""
        found = [self._paths.agent(each) for each in agent_ids]
        self.store.delete([key for each in found for key in (each.order, each.state)])

    def forget_job(self) -> None:
        self.store.delete([self._paths.job])


class Pace:
    """How long to wait between two looks: a part of the time for which nothing has happened.

    So something short is seen at once, the answer of a long trial comes late by
    a tenth of its length at most, and the looks a minute are bounded.

    Args:
        shortest: Seconds.
        longest: Seconds; 60 divided by it is the bound on looks a minute, in the long run.
        clock: In seconds.
    """

    def __init__(
        self, shortest: float, longest: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._shortest = shortest
        self._longest = longest
        self._clock = clock
        self._since = clock()

    def renew(self) -> None:
        """Something has happened, or is expected."""
        self._since = self._clock()

    def pause(self) -> float:
        """Seconds until the next look."""
        waited = self._clock() - self._since
        return min(self._longest, max(self._shortest, waited / PATIENCE))


def _encode(message: Order | AgentState) -> bytes:
    return json.dumps({"v": VERSION, **asdict(message)}).encode()


def _decode(data: bytes) -> Json:
    """The fields of a message.

    Raises:
        ValueError: It is of another version.
    """
    state: dict[str, Any] = json.loads(data)
    version = state.pop("v")
    if version != VERSION:
        msg = f"Expected agents and search to be of one version ({VERSION})."
        raise ValueError(f"{msg} Received: version={version}. Update Trialflow.")
    return state


def _tuples(state: Mapping[str, Any]) -> Json:
    return {name: tuple(v) if isinstance(v, list) else v for name, v in state.items()}


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()[:16]
