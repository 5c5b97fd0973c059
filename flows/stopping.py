"""What a command does when it is asked to stop."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Sequence
from typing import NoReturn

INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM
"""Exit statuses: Ctrl-C; asked to end."""


class TerminatedError(BaseException):
    """The process was asked to end."""


def raise_on_sigterm() -> None:
    """From now on SIGTERM raises `TerminatedError`, so that what is open is closed."""
    signal.signal(signal.SIGTERM, _terminate)


def status_of(stop: BaseException) -> int:
    """The exit status that tells what stopped the command."""
    return INTERRUPTED if isinstance(stop, KeyboardInterrupt) else TERMINATED


def resume_command(words: Sequence[str]) -> str:
    """The command as it was typed: run again, it resumes.

    Args:
        words: What stood behind `trialflow`.
    """
    return shlex.join(["trialflow", *words])


def _terminate(*_: object) -> NoReturn:
    """Prefect has its own handler while a flow runs, and calls this one when it is through."""
    raise TerminatedError
