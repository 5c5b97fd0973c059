"""Faults that are put into the process of a search, or done to it from outside."""

import contextlib
import errno
import os
import shutil
import signal
import time
from pathlib import Path

CALLS = ("fsync", "link", "replace", "unlink", "mkdir", "rmdir", "open")
"""System calls by which a store on a disk changes anything, or gets at it."""


class Calls:
    """Counts system calls, and does something at one of them.

    Args:
        number: Which one, from 0.
        act: Gets the call and its arguments; answers what the call is to answer.
        times: How many calls it meets.
    """

    def __init__(self, number, act, times=1):
        self.count = 0
        self._meets = range(number, number + times)
        self._act = act
        self._process = os.getpid()
        for name in CALLS:
            setattr(os, name, self._wrap(getattr(os, name)))

    def _wrap(self, call):
        def counted(*args, **kwargs):
            number = self.count
            if os.getpid() == self._process:
                self.count += 1
                if number in self._meets:
                    return self._act(call, args, kwargs)
            return call(*args, **kwargs)

        return counted


def _die():
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)


def die_before(call, args, kwargs):
    _die()


def die_after(call, args, kwargs):
    call(*args, **kwargs)
    _die()


def disk_full(call, args, kwargs):
    raise OSError(errno.ENOSPC, "no space left on device, by order")


def disk_broken(call, args, kwargs):
    raise OSError(errno.EIO, "input/output error, by order")


def slow(call, args, kwargs):
    time.sleep(0.05)
    return call(*args, **kwargs)


def another_clock(offset):
    """From now on the clock of the wall is another, and runs back and forth."""
    real, asked = time.time, [0]

    def wrong():
        asked[0] += 1
        return real() + (offset if asked[0] % 2 else -offset)

    time.time = wrong


def delete_scratch(folder):
    for path in Path(folder).iterdir():
        shutil.rmtree(path, ignore_errors=True)


def elsewhere():
    """This process takes itself for one of another machine, whose life cannot be asked about."""
    from storage import owner

    owner._machine = lambda: "another machine"


@contextlib.contextmanager
def frozen(pid):
    """The process hears, does and writes nothing meanwhile."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)
