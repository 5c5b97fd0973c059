"""Memory that processes hold, on Linux; elsewhere it is not known."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

PROC = Path("/proc")
LOOK_FOR_HELPERS = 1.0
"""Seconds between two looks at which helpers a process has started."""


def can_measure() -> bool:
    """Whether the memory of a process can be measured on this machine."""
    return PROC.joinpath("self", "statm").exists()


class MemoryGauge:
    """The memory of a process and of what it has started.

    Args:
        pid: The process.
    """

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._family = [pid]
        self._looked = 0.0

    def resident(self) -> int:
        """Bytes in memory; those shared with others count in full. 0 when it cannot be told."""
        if time.monotonic() - self._looked > LOOK_FOR_HELPERS:
            self._looked = time.monotonic()
            self._family = _with_descendants(self._pid)
        return sum(_resident(pid) for pid in self._family)

    def exceeds(self, limit: int) -> int | None:
        """How many bytes it holds, if they are more than the limit.

        What a process shares with others is divided among them, since all children share the
        libraries that their fork server has imported. That takes long, and is done only when the
        quick count is over the limit.
        """
        if self.resident() <= limit:
            return None
        held = sum(_proportional(pid) for pid in self._family)
        return held if held > limit else None


def oom_kills() -> int:
    """How many processes the kernel has killed for lack of memory since this machine started."""
    with contextlib.suppress(OSError):
        for line in PROC.joinpath("vmstat").read_text().splitlines():
            name, _, value = line.partition(" ")
            if name == "oom_kill":
                return int(value)
    return 0


def available() -> int | None:
    """Bytes this machine can still give; None when it cannot be told."""
    with contextlib.suppress(OSError, ValueError):
        for line in PROC.joinpath("meminfo").read_text().splitlines():
            if line.startswith("MemAvailable:"):
                return int(line.split()[1]) * 1024
    return None


def offer_to_kernel() -> None:
    """Makes this process the one to kill when the machine runs out of memory."""
    with contextlib.suppress(OSError):
        PROC.joinpath("self", "oom_score_adj").write_text("700")


def parse_bytes(text: str) -> int:
    """Bytes of an amount such as `800MB` or `1.5 GiB`.

    Raises:
        ValueError: It is none.
    """
    units = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
    units |= {"ki": 2**10, "mi": 2**20, "gi": 2**30, "ti": 2**40}
    number = text.strip().lower().removesuffix("b").strip()
    unit = number.lstrip("0123456789.").strip()
    try:
        amount = int(float(number[: len(number) - len(unit)]) * units[unit])
    except (KeyError, ValueError):
        amount = 0
    if amount < 1:
        msg = "Expected an amount of memory such as 800MB or 6GiB."
        raise ValueError(f"{msg} Received: {text!r}.")
    return amount


def format_bytes(amount: int) -> str:
    """An amount of memory, for people."""
    for unit, size in (("GB", 10**9), ("MB", 10**6)):
        if amount >= size:
            return f"{amount / size:.3g} {unit}"
    return f"{amount} bytes"


def _with_descendants(pid: int) -> list[int]:
    family, position = [pid], 0
    while position < len(family):
        with contextlib.suppress(OSError):
            for task in PROC.joinpath(str(family[position]), "task").iterdir():
                with contextlib.suppress(OSError):
                    family += map(int, task.joinpath("children").read_text().split())
        position += 1
    return family


def _resident(pid: int) -> int:
    try:
        pages = PROC.joinpath(str(pid), "statm").read_text().split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _proportional(pid: int) -> int:
    with contextlib.suppress(OSError, ValueError):
        for line in PROC.joinpath(str(pid), "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return _resident(pid)
