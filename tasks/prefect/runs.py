"""Flow runs of agents as a Protocol, and the heartbeats of all flow runs: the seam to Prefect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

HEARTBEAT = 30
"""Seconds between two heartbeats of a flow run: the least that Prefect allows, so that one whose
process is gone is soon known to be."""

HEARTBEAT_SETTING = "PREFECT_FLOWS_HEARTBEAT_FREQUENCY"
"""Variable of the environment in which Prefect looks for it."""


class ServerBusyError(Exception):
    """The Prefect server is there, and has no time: the same may be asked again."""


@dataclass(frozen=True, slots=True)
class AgentRun:
    """The flow run of an agent, as its server knows it."""

    name: str
    has_ended: bool = False
    is_cancelled: bool = False
    """Whether it was cancelled."""
    has_begun: bool = False


class AgentRuns(Protocol):
    """The flow runs of a project's agents."""

    def start(self, number: int) -> tuple[str, str]:
        """Asks for one more; its id and name.

        Args:
            number: Of the agent, for its name.
        """

    def known(self) -> Mapping[str, AgentRun]:
        """All that have not ended, and those of this search that have, by id."""

    def cancel(self, agent_ids: Sequence[str]) -> list[str]:
        """Takes back those of the runs that have not begun; their ids."""

    def describe(self) -> str:
        """Where they run, and what to do when none begins; for people."""
