"""The Prefect server that is configured, for commands that leave something on it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from prefect.client.orchestration import SyncPrefectClient


@contextmanager
def configured_server() -> Iterator[SyncPrefectClient]:
    """A client of the server that PREFECT_API_URL or a profile names.

    Raises:
        ValueError: Neither names one.
        ConnectionError: It does not answer.
    """
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    url = PREFECT_API_URL.value()
    if not url:
        msg = (
            "Expected PREFECT_API_URL to name a Prefect server that stays. Received: none. "
            "Start one (prefect server start), and set PREFECT_API_URL to what it says."
        )
        raise ValueError(msg)
    with get_client(sync_client=True) as client:
        error = client.api_healthcheck()
        if error is not None:
            msg = (
                f"Expected a Prefect server at PREFECT_API_URL={url}. Received: {error}. "
                "Start it (prefect server start), or correct the address, which ends in /api."
            )
            raise ConnectionError(msg)
        yield client
