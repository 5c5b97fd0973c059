"""Who runs a script's search: the script's own process, or a launcher that spreads it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from tuner.base_tuner import BaseTuner


class Launcher(Protocol):
    """Runs a tuner's search from the first trial to the last."""

    def __call__(self, tuner: BaseTuner, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        """Returns when the search has ended.

        Args:
            tuner: As the script assembled it.
            args: What the script passed to `search`.
            kwargs: Likewise.
        """


_launchers: list[Launcher] = []
"""Of the process, and not of a context: a script may search in a thread that it has started."""


def current_launcher() -> Launcher | None:
    """The launcher of searches that begin now; None when they run in this process."""
    return _launchers[-1] if _launchers else None


@contextmanager
def launching(launcher: Launcher) -> Iterator[None]:
    """Searches that begin meanwhile are run by this launcher, in whatever thread."""
    _launchers.append(launcher)
    try:
        yield
    finally:
        _launchers.remove(launcher)
