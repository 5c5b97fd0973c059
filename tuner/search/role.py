"""What the process that assembles a tuner wants from it.

In a script or notebook a tuner does everything itself. The process of a flow keeps the books and
never builds a model; a training child builds models and never keeps the books. A study file
assembles its tuner the same way for all three, so the role comes from the context.
"""

from __future__ import annotations

import enum
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Role(enum.Enum):
    """Who assembles the tuner."""

    SCRIPT = "script"
    """One process proposes, trains and keeps the books."""
    SEARCH = "search"
    """Proposes and keeps the books; models are built elsewhere."""
    TRIAL = "trial"
    """Runs the trials it is handed."""


_role: ContextVar[Role] = ContextVar("role", default=Role.SCRIPT)


def current_role() -> Role:
    """The role of tuners that are assembled now."""
    return _role.get()


@contextmanager
def assembling(role: Role) -> Iterator[None]:
    """Tuners that are assembled inside take this role."""
    token = _role.set(role)
    try:
        yield
    finally:
        _role.reset(token)
