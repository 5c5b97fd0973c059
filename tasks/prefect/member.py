"""An agent as its search knows it."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from tasks.prefect.agent import BUSY_LOOK, IDLE_LOOK, SHORTEST
from tasks.prefect.mailbox import AgentState, Order, Pace


@dataclass
class Member:
    """An agent as its search knows it."""

    id: str
    name: str
    pace: Pace = field(default_factory=lambda: Pace(SHORTEST, IDLE_LOOK))
    due: float = 0.0
    asked: float = field(default_factory=time.monotonic)
    state: AgentState | None = None
    silent: float = 0.0
    """Seconds in which it was looked at and told nothing new."""
    looked: float = 0.0
    order: Order = field(default_factory=Order)
    """What was written last for it."""
    is_claimed: bool = False
    is_over: bool = False
    """Whether its run has ended, or it has said goodbye."""
    is_barred: bool = False
    """Whether there is to be none in its place."""
    has_ended: bool = False
    """Whether the server has said so."""

    @property
    def is_at_work(self) -> bool:
        """Whether it runs a trial."""
        return self.state is not None and self.state.trial is not None

    @property
    def is_refused(self) -> bool:
        """Whether its host cannot run trials of this search, as by another study file."""
        return self.state is not None and self.state.refused is not None

    def look_often(self) -> None:
        """From now on it is looked at as one that runs a trial."""
        self.pace = Pace(SHORTEST, BUSY_LOOK)

    def look_seldom(self) -> None:
        """From now on it is looked at as one that waits for a trial."""
        self.pace = Pace(SHORTEST, IDLE_LOOK)
