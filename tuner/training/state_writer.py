"""When training states are saved, and the thread that saves them."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Literal

from storage import StorageError, StoreDeniedError, StoreFullError
from tuner.training.state_store import Snapshot, StatePlace

Every = int | Literal["auto"] | None
"""Epochs between two saves; `"auto"` for as often as `SHARE` allows, None for never."""

SHARE = 0.03
"""Part of the training time that saving may take."""

BYTES_PER_SECOND = 1e8
LOCAL, REMOTE = 0.02, 0.3
"""Seconds that the first save is expected to take, beside those for its bytes."""


def checked_every(every: object) -> Every:
    """Answers `every` if it says how often to save.

    Raises:
        ValueError: It does not.
    """
    if every is None or every == "auto":
        return every
    if isinstance(every, int) and not isinstance(every, bool) and every >= 1:
        return every
    msg = "Expected `checkpoint_every` to be 'auto', a number of epochs, or None."
    raise ValueError(f"{msg} Received: checkpoint_every={every!r}.")


class CheckpointSchedule:
    """Says when to save.

    With `"auto"`, all saves so far and the next one, which is expected to cost what the last one
    did, stay within `SHARE` of the time since training began. Where an epoch takes 33 times as
    long as a save that is every epoch.

    Args:
        every: See `Every`.
        clock: Seconds.
    """

    def __init__(self, every: Every, clock: Callable[[], float] = time.monotonic) -> None:
        self.every = every
        self.spent = 0.0
        """Seconds that saving has taken so far."""
        self._expected = 0.0
        self._clock = clock
        self._began = clock()

    def begin(self, size: int, *, remote: bool) -> None:
        """Training begins.

        Args:
            size: Bytes of a state.
            remote: Whether it is saved over a network.
        """
        self._began = self._clock()
        self.spent = 0.0
        self.foresee(size, remote=remote)

    def foresee(self, size: int, *, remote: bool) -> None:
        """Tells the size of a state, which counts until a save has told what one takes."""
        if not self.spent:
            self._expected = (REMOTE if remote else LOCAL) + size / BYTES_PER_SECOND

    def due(self, epochs: int) -> bool:
        """Whether to save now.

        Args:
            epochs: Number of epochs since the last save.
        """
        if self.every is None:
            return False
        if self.every == "auto":
            return self.spent + self._expected <= SHARE * (self._clock() - self._began)
        return epochs >= self.every

    def took(self, seconds: float) -> None:
        """A save has cost this long: what training waited, and what its thread worked."""
        self.spent += seconds
        self._expected = seconds


logger = logging.getLogger(__name__)


class StateWriter:
    """Writes states while training goes on.

    A state that could not be written costs at most the epochs up to the next one, so the trial
    goes on; unless the store refuses us or is full, which no waiting will change.

    Args:
        place: Where states go.
        schedule: Is told what saving takes.
    """

    def __init__(self, place: StatePlace, schedule: CheckpointSchedule) -> None:
        self._place = place
        self._schedule = schedule
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
            self._schedule.took(under_way.result() + self._waited)
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
