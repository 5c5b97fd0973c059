"""Notices what became of a flow run in Prefect: cancelled, or taken for crashed.

Prefect's workers signal the processes they have started. A search that was started by hand has
no process to signal it, so it looks. And a server that hears no heartbeats for a while, since the
network was away or the machine was asleep, marks a run as crashed that lives.
"""

from __future__ import annotations

import logging
import threading
import time
from typing import Self
from uuid import UUID

from prefect import runtime
from prefect.client.orchestration import SyncPrefectClient, get_client
from prefect.client.schemas.objects import State
from prefect.states import Running

logger = logging.getLogger(__name__)

INTERVAL = 3.0
"""Seconds between two looks."""


class CancelledError(Exception):
    """The flow run was cancelled."""


class CancelWatch:
    """Looks, in a thread of its own, whether the flow run it is made in was cancelled.

    A run that was marked as crashed meanwhile is Running again, which it is.
    """

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
                if state is not None and state.is_crashed() and not self._left.is_set():
                    self._set_right(client, state)
        except Exception:  # noqa: BLE001 - a server that is away stops nothing
            time.sleep(self._interval)
            return False
        return state is not None and (state.is_cancelling() or state.is_cancelled())

    def _set_right(self, client: SyncPrefectClient, wrong: State) -> None:
        told = f"It lives; it was marked as crashed: {wrong.message}"
        # By the rules: what has become of the run since it was read stays as it is.
        client.set_flow_run_state(UUID(str(self._id)), Running(message=told))
        logger.warning("The flow run was marked as crashed, though it lives: it is Running again.")

    def __enter__(self) -> Self:
        if self._id is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
