"""The sessions of this process that write a journal, so that one may take the place of another."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from storage import LeaseHeldError
from tuner.journal.project import Project

Answer = TypeVar("Answer")


class Writer(Protocol):
    """A session."""

    @property
    def project(self) -> Project | None: ...

    @property
    def is_idle(self) -> bool:
        """Whether it is the writer of its project, and no search runs on it."""

    def stop(self) -> None:
        """Gives the project back."""


_WRITERS: dict[str, Writer] = {}
"""The session that writes, by URL of the project; a program may have let go of it."""


def release_idle(project: Project) -> None:
    """Has the session of this process that writes the project's journal give it back, if idle.

    Of a notebook's cell that is run again, or of a program that asks an oracle by hand.
    """
    writer = _WRITERS.get(project.url)
    if writer is not None and writer.is_idle:
        writer.stop()


def forget(writer: Writer) -> None:
    """The session writes no more."""
    for url in [url for url, known in _WRITERS.items() if known is writer]:
        del _WRITERS[url]


def in_place_of_idle(writer: Writer, open_project: Callable[[], Answer]) -> Answer:
    """Opens a project for a session, also where an idle one of this process is its writer.

    Raises:
        LeaseHeldError: A search runs on the project, here or elsewhere.
    """
    project = writer.project
    if project is None:
        return open_project()
    while True:
        release_idle(project)
        try:
            answer = open_project()
        except LeaseHeldError:
            other = _WRITERS.get(project.url)
            if other is None or not other.is_idle:
                raise
        else:
            _WRITERS[project.url] = writer
            return answer
