"""The identity of a process: one of one machine, told apart from all others."""

import functools
import os
import platform
import secrets
import time
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class Owner:
    """A process that writes, or wrote, a search.

    Example:
        owner = Owner.of_this_process()
        assert owner.is_alive()
    """

    host: str
    pid: int
    started: int
    """When the process started, in clock ticks since boot; tells it from a later one of its pid."""
    machine: str
    """Boot and pid namespace: where `pid` means something. Empty when unknown."""
    token: str
    """Random, so that two owners never compare equal."""
    opened: float
    """When this owner was made, in seconds since 1970."""

    @classmethod
    def of_this_process(cls) -> Self:
        pid = os.getpid()
        _, started = _process(pid) or ("", 0)
        return cls(platform.node(), pid, started, _machine(), secrets.token_hex(8), time.time())

    def is_alive(self) -> bool | None:
        """Whether the process runs; None when that cannot be told from here."""
        here = (platform.node(), _machine())
        if not self.machine or not self.started or (self.host, self.machine) != here:
            return None
        try:
            state, started = _process(self.pid) or ("", 0)
        except OSError:
            return None
        # Killed but not yet waited for, a process is a zombie: it will not write again.
        return started == self.started and state not in "ZX"

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> Self:
        """What `to_json` gave. Raises KeyError or TypeError for what is none."""
        host, machine, token = (state[name] for name in ("host", "machine", "token"))
        pid, started, opened = (state[name] for name in ("pid", "started", "opened"))
        texts = all(isinstance(each, str) for each in (host, machine, token))
        if not texts or type(pid) is not int or type(started) is not int:
            raise TypeError(f"Expected an owner. Received: {sorted(state)}.")
        datetime.fromtimestamp(opened, UTC)  # an error would name it
        return cls(host, pid, started, machine, token, opened)

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}"


@functools.cache
def machine_tag() -> str:
    """Eight hex digits that stand for where pids mean what they mean here."""
    return f"{zlib.crc32(f'{platform.node()} {_machine()}'.encode()):08x}"


def is_running(pid: int) -> bool:
    """Whether there is such a process here; yes where that cannot be told."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    state, _ = _process(pid) or ("", 0)
    return state not in ("Z", "X")


def _process(pid: int) -> tuple[str, int] | None:
    """State and start of a process, None when there is none (or no /proc)."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name, in brackets, may itself contain spaces and brackets.
    fields = text.rpartition(")")[2].split()
    return fields[0], int(fields[19])


def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot}/{Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return ""
