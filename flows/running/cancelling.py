"""Notices that a flow run was cancelled in Prefect.

Prefect's workers signal the processes they have started. A search that was started by hand has
nobody to signal it, so it looks.
"""

from __future__ import annotations

import threading
import time
from typing import Self
from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import get_client

INTERVAL = 3.0
"""Seconds between two looks."""


class CancelledError(Exception):
    """The flow run was cancelled."""


class CancelWatch:
    """Looks, in a thread of its own, whether the flow run it is made in was cancelled."""

    def __init__(self, interval: float = INTERVAL) -> None:
        self._interval = interval
        self._id = runtime.flow_run.id
        self._left = threading.Event()
        self._cancelled = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="cancel-watch", daemon=True)

    def check(self) -> None:
        """Raises `CancelledError` when the run was cancelled."""
        if self._cancelled.is_set():
            raise CancelledError("The flow run was cancelled; the same command goes on with it.")

    def _watch(self) -> None:
        while not self._left.wait(self._interval):
            if self._is_cancelled():
                self._cancelled.set()
                return

    def _is_cancelled(self) -> bool:
        try:
            with get_client(sync_client=True) as client:
                state = client.read_flow_run(UUID(str(self._id))).state
        except Exception:  # noqa: BLE001 - a server that is away stops nothing
            time.sleep(self._interval)
            return False
        return state is not None and (state.is_cancelling() or state.is_cancelled())

    def __enter__(self) -> Self:
        if self._id is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
