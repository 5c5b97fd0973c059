"""What an oracle's algorithm answers when it is asked for the next trial."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tuner.budget import Budget


@dataclass(frozen=True, slots=True)
class Proposal:
    """A configuration worth a trial, not numbered yet."""

    values: Mapping[str, Any]
    budget: Budget | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to propose until a running trial ends."""


@dataclass(frozen=True, slots=True)
class Done:
    """The search is over."""

    reason: str


Decision = Proposal | Wait | Done
