"""Saves training states in a thread of its own, one at a time."""

from __future__ import annotations

import logging
import os
import shutil
import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from storage import StorageError, StoreDeniedError, StoreFullError
from tuner.training.pace import Pace
from tuner.training.state_place import Snapshot, StatePlace

logger = logging.getLogger(__name__)


class StateWriter:
    """Writes states while training goes on.

    A state that could not be written costs at most the epochs up to the next one, so the trial
    goes on; unless the store refuses us or is full, which no waiting will change.

    Args:
        place: Where states go.
        pace: Is told what saving takes.
    """

    def __init__(self, place: StatePlace, pace: Pace) -> None:
        self._place = place
        self._pace = pace
        self._pool: ThreadPoolExecutor | None = None
        self._under_way: Future[float] | None = None
        self._waited = 0.0

    @property
    def busy(self) -> bool:
        """Whether a state is being written."""
        return self._under_way is not None and not self._under_way.done()

    def write(self, snapshot: Snapshot, file: Path | None, held: float) -> None:
        """Begins to write a state, once the one before is written.

        Args:
            snapshot: The state.
            file: A local file that belongs to it, which may be replaced meanwhile, not changed.
            held: Seconds for which training has been held to make the snapshot.

        Raises:
            StoreDeniedError: The store has refused an earlier state.
            StoreFullError: There was no room for it.
        """
        began = time.monotonic()
        self.wait()
        own = None if file is None else _other_name(file)
        self._waited = held + time.monotonic() - began
        self._pool = self._pool or ThreadPoolExecutor(1, thread_name_prefix="training-state")
        self._under_way = self._pool.submit(self._write, snapshot, own)

    def wait(self) -> None:
        """Waits until nothing is being written; raises as `write`."""
        under_way, self._under_way = self._under_way, None
        if under_way is None:
            return
        try:
            self._pace.took(under_way.result() + self._waited)
        except (StoreDeniedError, StoreFullError):
            raise
        except StorageError as error:
            logger.warning("A training state could not be saved: %s", error)

    def close(self) -> None:
        """Ends the thread, once what it writes is written."""
        if self._pool is not None:
            self._pool.shutdown()
            self._pool = None

    def _write(self, snapshot: Snapshot, file: Path | None) -> float:
        began = time.monotonic()
        try:
            self._place.save(snapshot, file)
        finally:
            if file is not None:
                file.unlink(missing_ok=True)
        return time.monotonic() - began


def _other_name(file: Path) -> Path:
    """A second name for a file, that stays with what the file is now."""
    other = file.with_name(f"saving-{time.monotonic_ns()}-{file.name}")
    try:
        os.link(file, other)
    except OSError:  # no hard links here
        shutil.copyfile(file, other)
    return other
