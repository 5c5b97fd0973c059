"""What tests of real processes share."""

import signal
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STUDIES = ROOT / "tests" / "studies"


@contextmanager
def own_signals():
    """What a command does with Ctrl-C and SIGTERM ends with it."""
    handlers = {each: signal.getsignal(each) for each in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for each, handler in handlers.items():
            signal.signal(each, handler)


def finish(process, *, status=0, timeout=120):
    """Waits for a process; its standard output."""
    out, err = process.communicate(timeout=timeout)
    assert process.returncode == status, f"status {process.returncode}\n{out}\n{err}"
    return out


def wait_until(condition, process=None, timeout=90):
    """Waits for something real; what it returns. A process that ends meanwhile is a failure."""
    deadline = time.monotonic() + timeout
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        if process is not None and process.poll() is not None:
            out, err = process.communicate()
            raise AssertionError(f"it ended with status {process.returncode}\n{out}\n{err}")
        time.sleep(0.05)
    raise AssertionError("it did not happen in time")
