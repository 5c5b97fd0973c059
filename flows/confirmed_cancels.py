"""Cancels that Prefect's workers and runners confirm before they obey them.

They hear of a cancel from the server's stream of events, whose last minute is replayed to each new
listener, and each run that a worker starts has a listener of its own (`FlowRunCancellingObserver`,
Prefect 3.8.8 to 3.9.1). So a run that is retried within a minute of its cancel may be ended once
more, by the cancel of before. With this module imported, the event of a cancel is passed over if
its run has had a later state that is none of a cancel.

Prefect itself imports it where it starts a worker: it is an entry point of `prefect.collections`,
the group of packages that add something to Prefect.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self
from uuid import UUID

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State
    from prefect.events import Event

logger = logging.getLogger(__name__)

CANCELLING = "prefect.flow-run.Cancelling"
RUN = "prefect.flow-run."

StateOf = Callable[[UUID], Awaitable["State | None"]]
"""Reads the state of a flow run."""


class ConfirmedEvents:
    """A stream of events without the cancels that are over.

    Args:
        subscriber: The stream of Prefect.
        state_of: Reads the state that a run has now.
    """

    def __init__(self, subscriber: Any, state_of: StateOf) -> None:
        self._subscriber = subscriber
        self._state_of = state_of

    async def __aenter__(self) -> Self:
        await self._subscriber.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        where: TracebackType | None,
    ) -> None:
        await self._subscriber.__aexit__(kind, error, where)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Event:
        while True:
            event: Event = await self._subscriber.__anext__()
            if event.event != CANCELLING or not await self._is_over(event):
                return event

    async def _is_over(self, event: Event) -> bool:
        """Whether a cancelled run has gone on since; in doubt it has not."""
        try:
            state = await self._state_of(UUID(event.resource.id.removeprefix(RUN)))
        except Exception as error:  # noqa: BLE001 - a server that is away does not take a cancel back
            logger.debug("Obeying a cancel that could not be confirmed: %r", error)
            return False
        if state is None or state.is_cancelling() or state.is_cancelled():
            return False
        # An event may arrive before the state that it tells of can be read.
        return state.timestamp > event.occurred


async def _state_of(run: UUID) -> State | None:
    from prefect.client.orchestration import get_client

    async with get_client() as client:
        found = await client.read_flow_run(run)
    return found.state


def confirm_cancels() -> None:
    """Has the workers and runners of this process confirm cancels; done twice, it is done once.

    A version of Prefect that listens in another way is left as it is.
    """
    try:
        observers: Any = importlib.import_module("prefect._internal.observers")
        subscribe = observers.get_events_subscriber
    except (ImportError, AttributeError):
        return
    if getattr(subscribe, "confirms", False):
        return

    def confirmed(*args: Any, **options: Any) -> Any:
        return ConfirmedEvents(subscribe(*args, **options), _state_of)

    confirmed.confirms = True  # type: ignore[attr-defined] # a mark for the second call
    observers.get_events_subscriber = confirmed


confirm_cancels()  # Prefect imports the module, and calls nothing in it
