"""A cancel that is over does not end the run that was retried after it."""

import asyncio
import importlib.metadata
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from prefect._internal.observers import FlowRunCancellingObserver
from prefect.events import Event, Resource
from prefect.settings import PREFECT_API_URL, temporary_settings
from prefect.states import AwaitingRetry, Cancelled, Cancelling, Running
from support import run_apart

from flows.confirmed_cancels import CANCELLING, ConfirmedEvents, confirm_cancels

NOW = datetime.now(UTC)


def event_of(run, name=CANCELLING, occurred=NOW):
    resource = Resource({"prefect.resource.id": f"prefect.flow-run.{run}"})
    return Event(event=name, resource=resource, occurred=occurred, id=uuid.uuid4())


class Stream:
    """Prefect's stream, as far as it is used."""

    def __init__(self, events):
        self._events = list(events)
        self.is_open = False

    async def __aenter__(self):
        self.is_open = True
        return self

    async def __aexit__(self, *_):
        self.is_open = False

    async def __anext__(self):
        if not self._events:
            raise StopAsyncIteration
        return self._events.pop(0)


def passed_on(events, state):
    """The events that come through while all runs have a state."""

    async def state_of(_):
        if isinstance(state, Exception):
            raise state
        return state

    async def read():
        stream = Stream(events)
        async with ConfirmedEvents(stream, state_of) as confirmed:
            assert stream.is_open
            found = [event async for event in confirmed]
        assert not stream.is_open
        return found

    return run_apart(read())


def at(state, seconds):
    return state.model_copy(update={"timestamp": NOW + timedelta(seconds=seconds)})


@pytest.mark.parametrize(
    ("state", "is_obeyed"),
    [
        (at(Running(), 5), False),
        (at(AwaitingRetry(), 5), False),
        (at(Cancelling(), 0), True),
        (at(Cancelled(), 5), True),
        (at(Running(), -5), True),  # the state of the cancel cannot be read yet
        (ConnectionError("the server is away"), True),
        (None, True),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_a_cancel_is_obeyed_unless_its_run_has_gone_on_since(state, is_obeyed):
    cancel = event_of(uuid.uuid4())
    assert passed_on([cancel], state) == ([cancel] if is_obeyed else [])


def test_other_events_come_through_unread():
    other = event_of("no id", name="prefect.flow-run.Suspended")
    assert passed_on([other], at(Running(), 5)) == [other]


def test_prefects_workers_import_what_confirms_cancels():
    points = importlib.metadata.entry_points(group="prefect.collections")
    ours = {point.value for point in points if point.name == "trialflow"}
    assert ours == {"flows.confirmed_cancels"}, "the installed package is older: pip install -e ."


def test_confirming_twice_is_confirming_once():
    from prefect._internal import observers

    before = observers.get_events_subscriber
    confirm_cancels()
    assert observers.get_events_subscriber is before


@pytest.mark.story
def test_a_listener_of_prefect_is_not_told_of_the_cancel_of_a_run_that_was_retried(
    prefect_server, ask
):
    """The worst case: the run is known to the listener before the replay begins."""
    flow = ask("flows/", {"name": "cancelled"})["id"]
    deployment = ask("deployments/", {"name": "cancelled", "flow_id": flow})["id"]

    def cancel(run):
        state = {"type": "CANCELLING", "name": "Cancelling"}
        ask(f"flow_runs/{run}/set_state", {"state": state, "force": True})

    def cancelled():
        found = ask(f"deployments/{deployment}/create_flow_run", {"state": {"type": "RUNNING"}})
        cancel(found["id"])
        return uuid.UUID(found["id"])

    retried = cancelled()
    for state in ("CANCELLED", "SCHEDULED", "RUNNING"):
        ask(f"flow_runs/{retried}/set_state", {"state": {"type": state}, "force": True})

    async def listen():
        """The runs that were told when a cancel came that is to be obeyed."""
        told = asyncio.Queue()
        async with FlowRunCancellingObserver(on_cancelling=told.put_nowait) as observer:
            observer.add_in_flight_flow_run_id(retried)
            awaited = await asyncio.to_thread(cancelled)
            observer.add_in_flight_flow_run_id(awaited)
            # Again, should its event have come before the listener knew it.
            await asyncio.to_thread(cancel, awaited)
            assert await told.get() == awaited
        assert retried not in [told.get_nowait() for _ in range(told.qsize())]

    with temporary_settings({PREFECT_API_URL: f"{prefect_server}/api"}):
        run_apart(listen())
