# ruff: noqa: PLR2004, SLF001 - expected values are literals; beats come in fake time

"""The suite of `Lease`."""

from dataclasses import replace

import pytest

from storage.errors import LeaseHeldError
from storage.lease import Lease, lease_holder
from storage.owner import Owner
from storage.paths import ProjectPaths
from storage.store import Store
from storage.testing.backend import Backend, FakeTime


class LeaseTests(Backend):
    """The contract of `Lease` on a store; time is `FakeTime`."""

    def test_a_lease_is_held_until_it_is_released(self, store: Store) -> None:
        mine, yours = (Lease(store, owner=Owner.of_this_process()) for _ in range(2))
        assert lease_holder(store) is None
        mine.acquire()
        mine.acquire()
        with pytest.raises(LeaseHeldError, match="holder=") as caught:
            yours.acquire()
        assert caught.value.holder == lease_holder(store)
        mine.release()
        mine.release()
        assert lease_holder(store) is None
        with yours:
            assert lease_holder(store) != caught.value.holder

    def test_a_holder_elsewhere_that_beats_is_alive(self, store: Store) -> None:
        other = Lease(store, owner=elsewhere())
        time = FakeTime(lambda _: other._beat())
        lease = Lease(store, owner=Owner.of_this_process(), clock=time, sleep=time.sleep)
        with other:
            with pytest.raises(LeaseHeldError):
                lease.acquire()
            assert time.now < 30
            with pytest.raises(LeaseHeldError):
                lease.acquire(wait=50)
            assert time.now > 50

    def test_a_holder_elsewhere_that_stopped_beating_is_dead(self, store: Store) -> None:
        time = FakeTime()
        lease = Lease(store, owner=Owner.of_this_process(), clock=time, sleep=time.sleep)
        with Lease(store, owner=elsewhere(), ttl=60):
            lease.acquire()
            # Its own ttl counts, not ours.
            assert 60 <= time.now < 62
            assert lease_holder(store) == lease._owner
        # The other one, released, left ours alone.
        assert lease_holder(store) == lease._owner
        lease.release()

    def test_who_lost_the_lease_stops_beating(self, store: Store) -> None:
        time = FakeTime()
        other = Lease(store, owner=elsewhere())
        lease = Lease(store, owner=Owner.of_this_process(), clock=time, sleep=time.sleep)
        with other, lease:
            before = self.raw_read(store, ProjectPaths.lease)
            assert not other._beat()
            assert self.raw_read(store, ProjectPaths.lease) == before

    def test_waiting_for_ever_ends_with_the_release(self, store: Store) -> None:
        other = Lease(store, owner=elsewhere())
        time = FakeTime(lambda now: other._beat() if now < 100 else other.release())
        other.acquire()
        lease = Lease(store, owner=Owner.of_this_process(), clock=time, sleep=time.sleep)
        lease.acquire(wait=None)
        assert 100 <= time.now < 102
        lease.release()

    @pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"owner": 1}'])
    def test_an_unreadable_lease_is_free(self, store: Store, data: bytes) -> None:
        self.raw_write(store, ProjectPaths.lease, data)
        assert lease_holder(store) is None
        with Lease(store, owner=Owner.of_this_process()):
            assert lease_holder(store) is not None


def elsewhere() -> Owner:
    """An owner of whom nothing can be known but what it writes."""
    return replace(Owner.of_this_process(), host="elsewhere", machine="another/boot")
