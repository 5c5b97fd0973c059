"""The ambient settings of a process: its role, launcher and stream.

The starter of a process says what it is (`become`), once. A study file assembles its tuner the same
way for all, so what it is assembled for comes from here (`within`).
"""

from __future__ import annotations

import enum
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from typing import Any, Protocol, TextIO


class Role(enum.Enum):
    """What a tuner is assembled for."""

    SCRIPT = "script"
    """One process proposes, trains and writes the journal."""
    SEARCH = "search"
    """Proposes and writes the journal; models are built in other processes."""
    TRIAL = "trial"
    """A training process: runs the trials it is handed, and never writes the journal."""


class Clock(Protocol):
    """Tells the time; Python's module `time` is one."""

    def time(self) -> float:
        """Seconds since 1970."""

    def monotonic(self) -> float:
        """Seconds of a monotonic clock."""


class Launcher(Protocol):
    """Runs a tuner's search from the first trial to the last."""

    def __call__(self, tuner: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Returns when the search has ended.

        Args:
            tuner: As the script assembled it.
            args: What the script passed to `search`.
            kwargs: Likewise.
        """


@dataclass(frozen=True, slots=True)
class Runtime:
    """What is ambient. The defaults are those of a script or a notebook."""

    role: Role = Role.SCRIPT
    launcher: Launcher | None = None
    """Runs the searches that begin; None for the process that begins them."""
    on_wait: Callable[[str], None] | None = None
    """Is told for whom a project waits that another process searches on; without it, opening such a
    project fails at once."""
    stream: TextIO | None = None
    """Where progress is written; standard output if None."""
    is_fresh: bool = True
    """Whether no earlier trial can be blamed for a lack of memory, or there is no other process."""


_process: list[Runtime] = [Runtime()]
"""Of all threads without a context of their own: a script may search in a thread it has started."""

_context: ContextVar[Runtime | None] = ContextVar("runtime", default=None)


def current() -> Runtime:
    """What is ambient now, in this context or else in this process."""
    return _context.get() or _process[-1]


@contextmanager
def within(**changes: Any) -> Iterator[None]:
    """What happens inside, in this context, finds fields of the `Runtime` changed."""
    token = _context.set(replace(current(), **changes))
    try:
        yield
    finally:
        _context.reset(token)


@contextmanager
def become(**changes: Any) -> Iterator[None]:
    """All threads find fields of the `Runtime` changed meanwhile."""
    changed = replace(_process[-1], **changes)
    _process.append(changed)
    try:
        yield
    finally:
        _process.remove(changed)
