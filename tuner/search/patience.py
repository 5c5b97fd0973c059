"""Waits for an oracle that has no trial to give, though none is running."""

from __future__ import annotations

import time

from tuner.errors import FatalRuntimeError
from tuner.oracle import Oracle

SHORTEST, LONGEST = 0.05, 5.0
"""Seconds between two questions."""


class Patience:
    """Asks an idle oracle again after a while, each time a longer one.

    Args:
        oracle: One that overrides `propose` has no reason to change its mind; one that overrides
            `populate_space` may be calculating in a thread.
    """

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self._seconds = SHORTEST

    def wait(self) -> None:
        """Waits before the next question.

        Raises:
            FatalRuntimeError: The same answer would come for ever.
        """
        if not self.oracle.keeps_state:
            msg = f"Expected {type(self.oracle).__name__} to propose a trial or to stop."
            raise FatalRuntimeError(f"{msg} Received: IDLE while no trial is running.")
        time.sleep(self._seconds)
        self._seconds = min(2 * self._seconds, LONGEST)

    def renew(self) -> None:
        """There was a trial."""
        self._seconds = SHORTEST
