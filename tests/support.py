"""What tests of real processes share.

A test waits for what it waits for as long as something moves: on a busy machine all of it takes
longer, and no number of seconds is right.
"""

import asyncio
import contextlib
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from pathlib import Path

import psutil

ROOT = Path(__file__).resolve().parent.parent
STUDIES = ROOT / "tests" / "studies"

PATIENCE = 120.0
"""Seconds in which nothing has moved, after which a test gives up."""
IDLE = 0.03
"""Share of one processor that what only waits may use, with its heartbeats and its polls."""


@contextmanager
def own_signals():
    """What a command does with Ctrl-C and SIGTERM ends with it."""
    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)


class Movement:
    """Tells whether a process, or one that it has started, computes.

    Args:
        pid: Of the process; of that of the tests if omitted, whose own polls do not count.
    """

    def __init__(self, pid=None):
        self._pid = pid
        self._since = self._last = time.monotonic()
        self._used = self._seconds()

    def still_for(self):
        """Seconds since something moved last."""
        now, used = time.monotonic(), self._seconds()
        if now - self._last >= 1:
            processes = used.keys() | self._used.keys()
            came_or_went = used.keys() != self._used.keys()
            spent = sum(used.get(p, 0.0) - self._used.get(p, 0.0) for p in processes)
            if came_or_went or spent > IDLE * (now - self._last):
                self._since = now
            self._last, self._used = now, used
        return now - self._since

    def _seconds(self):
        used = {}
        with contextlib.suppress(psutil.NoSuchProcess):
            first = psutil.Process(self._pid)
            for process in [*([] if self._pid is None else [first]), *first.children(True)]:
                with contextlib.suppress(psutil.NoSuchProcess):
                    times = process.cpu_times()
                    used[process.pid] = times.user + times.system
        return used


def output_of(process):
    """Standard output and error of a process, when it has ended."""
    found = []
    reading = threading.Thread(target=lambda: found.append(process.communicate()), daemon=True)
    reading.start()
    movement = Movement(process.pid)
    while reading.is_alive():
        reading.join(0.1)
        if reading.is_alive() and movement.still_for() > PATIENCE:
            process.send_signal(signal.SIGABRT)  # with faulthandler, tells where it stands
            reading.join(10)
            process.kill()
            raise AssertionError(f"{process.args} stood still\n{found}")
    return found[0]


def finish(process, *, status=0):
    """Waits for a process; its standard output."""
    out, err = output_of(process)
    assert process.returncode == status, f"status {process.returncode}\n{out}\n{err}"
    return out


def wait_until(condition, process=None):
    """Waits for something real; what it returns. A process that ends meanwhile is a failure."""
    movement = Movement(None if process is None else process.pid)
    while movement.still_for() < PATIENCE:
        found = condition()
        if found:
            return found
        if process is not None and process.poll() is not None:
            out, err = process.communicate()
            raise AssertionError(f"it ended with status {process.returncode}\n{out}\n{err}")
        time.sleep(0.05)
    raise AssertionError("it did not happen, and nothing moves any more")


def wait_for_end_of(processes):
    """Waits for the end of processes that nobody may leave behind."""
    left = list(processes)

    def all_gone():
        left[:] = [each for each in left if each.is_running() and not _is_zombie(each)]
        return not left

    wait_until(all_gone)


def _is_zombie(process):
    try:
        return process.status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def run_apart(coroutine):
    """Its result; in a thread, since a browser's loop may run in this one."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(copy_context().run, asyncio.run, coroutine).result()
