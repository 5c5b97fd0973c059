"""Stopping a command on Ctrl-C and SIGTERM."""

from __future__ import annotations

import contextlib
import os
import shlex
import signal
from collections.abc import Sequence
from typing import NoReturn

INTERRUPTED = 128 + signal.SIGINT
TERMINATED = 128 + signal.SIGTERM
"""Exit statuses: Ctrl-C; asked to end."""


STDERR = 2
STOPPING = b"\nStopping: trials end their epoch ...\n"


class TerminatedError(BaseException):
    """The process was asked to end."""


_received: list[int] = []
"""Signals of this process that asked it to stop."""


def raise_when_asked_to_stop() -> None:
    """From now on SIGTERM raises `TerminatedError`, as Ctrl-C raises `KeyboardInterrupt`.

    So that what is open is closed.
    """
    _received.clear()
    signal.signal(signal.SIGTERM, _terminate)
    # Not Python's own handler, which `asyncio` would replace by one that may lose the signal.
    signal.signal(signal.SIGINT, _interrupt)


def check_not_asked_to_stop() -> None:
    """Raises again what Python has swallowed: what a signal raises in a finalizer goes nowhere."""
    if signal.SIGINT in _received:
        raise KeyboardInterrupt
    if signal.SIGTERM in _received:
        raise TerminatedError


def forget_what_was_caught() -> None:
    """For the next search of a program that has caught Ctrl-C, and goes on."""
    _received.clear()


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
    _say_so()
    _received.append(signal.SIGTERM)
    raise TerminatedError


def _interrupt(*_: object) -> NoReturn:
    _say_so()
    _received.append(signal.SIGINT)
    raise KeyboardInterrupt


def _say_so() -> None:
    """Says at once what will take a while, the first time; safe in the midst of another print."""
    if not _received:
        with contextlib.suppress(OSError):
            os.write(STDERR, STOPPING)
