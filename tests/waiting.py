"""Waiting for what happens in processes that are no children of the one that is waited for."""

import threading
import time

from support import PATIENCE, Movement


def wait_beside(condition, search):
    """Waits as long as anything moves that the tests have started, or until the search ends."""
    movement = Movement()
    while movement.still_for() < PATIENCE:
        found = condition()
        if found:
            return found
        if search is not None and search.poll() is not None:
            out, err = search.communicate()
            raise AssertionError(f"it ended with status {search.returncode}\n{out}\n{err}")
        time.sleep(0.1)
    raise AssertionError("it did not happen, and nothing moves any more")


def output_beside(search):
    """Standard output and error of a search whose trials run in others' processes."""
    found = []
    reading = threading.Thread(target=lambda: found.append(search.communicate()), daemon=True)
    reading.start()
    movement = Movement()
    while reading.is_alive():
        reading.join(0.1)
        assert movement.still_for() < PATIENCE, "the search and its agents stand still"
    return found[0]


def finish_beside(search, *, status=0):
    """Waits for such a search; its standard output."""
    out, err = output_beside(search)
    assert search.returncode == status, f"status {search.returncode}\n{out}\n{err}"
    return out


def wait_elsewhere(condition, seconds=900):
    """Waits for what no process of the tests does: a daemon's job, a container."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.2)
    raise AssertionError("it did not happen")
