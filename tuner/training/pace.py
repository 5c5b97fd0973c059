"""How often a training state is saved."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal

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


class Pace:
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
