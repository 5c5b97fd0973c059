import logging
import os
import signal
import threading
from dataclasses import replace

import pytest

from storage import (
    FencedError,
    Journal,
    Lease,
    LeaseHeldError,
    LocalStore,
    Owner,
    Retry,
    lease_holder,
)
from storage import owner as owner_module
from storage.testing import elsewhere

HOLD = """
    import sys, time
    from storage import Lease, Owner, open_store
    Lease(open_store(sys.argv[1]), owner=Owner.of_this_process(), ttl=float(sys.argv[2])).acquire()
    print("held", flush=True)
    time.sleep(600)
"""


@pytest.fixture
def store(tmp_path):
    return LocalStore(tmp_path)


@pytest.fixture
def holder(store, start_python):
    process = start_python(HOLD, store.url, 1)
    assert process.stdout.readline() == "held\n"
    return process


def never(_):
    pytest.fail("slept")


def test_a_live_process_of_this_machine_is_known_at_once(store, holder):
    with pytest.raises(LeaseHeldError, match=f":{holder.pid}, since=20"):
        Lease(store, owner=Owner.of_this_process(), sleep=never).acquire()
    assert lease_holder(store).pid == holder.pid


def test_a_live_process_outlasts_whoever_waits(store, holder):
    with pytest.raises(LeaseHeldError):
        Lease(store, owner=Owner.of_this_process(), ttl=5).acquire(wait=1)


def test_a_killed_process_of_this_machine_is_known_at_once(store, holder):
    holder.kill()
    holder.stdout.read()
    os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)  # now a zombie
    assert lease_holder(store) is None
    with Lease(store, owner=Owner.of_this_process(), sleep=never):
        assert lease_holder(store).pid == os.getpid()


def test_a_stopped_process_loses_the_lease_and_leaves_it(store, holder):
    holder.send_signal(signal.SIGSTOP)
    lease = Lease(store, owner=Owner.of_this_process(), ttl=1)
    with pytest.raises(LeaseHeldError):
        lease.acquire()
    lease.acquire(wait=None)
    holder.send_signal(signal.SIGCONT)
    with pytest.raises(LeaseHeldError, match=f":{os.getpid()}"):
        Lease(store, owner=elsewhere(), ttl=5).acquire(wait=1)
    assert lease_holder(store).pid == os.getpid()
    lease.release()


def test_a_later_process_of_the_same_pid_is_another(store):
    earlier = replace(Owner.of_this_process(), started=1)
    Lease(store, owner=earlier).acquire()
    assert lease_holder(store) is None
    with Lease(store, owner=Owner.of_this_process(), sleep=never) as lease:
        assert lease_holder(store) == lease._owner


@pytest.mark.parametrize(
    "change", [{"host": "h"}, {"machine": "m"}, {"machine": ""}, {"started": 0}]
)
def test_of_a_process_of_another_machine_nothing_is_known(change):
    assert replace(Owner.of_this_process(), pid=2**22 + 1, **change).is_alive() is None


def test_an_owner_survives_json_and_is_read_easily():
    owner = Owner.of_this_process()
    assert Owner.from_json(owner.to_json()) == owner
    assert owner != Owner.of_this_process()
    assert str(owner) == f"{os.uname().nodename}:{os.getpid()}"


def test_without_proc_a_machine_is_unknown(monkeypatch):
    def missing(*_, **__):
        raise FileNotFoundError

    monkeypatch.setattr(owner_module.Path, "read_text", missing)
    owner = Owner.of_this_process()
    assert (owner.machine, owner.started, owner.is_alive()) == ("", 0, None)


class Unsteady(LocalStore):
    def __init__(self, path):
        super().__init__(path, retry=Retry(0))
        self.down = False
        self.refused = threading.Event()

    def _replace(self, key, data):
        if self.down:
            self.refused.set()
            raise PermissionError(key)
        super()._replace(key, data)

    def _delete(self, key):
        if self.down:
            raise PermissionError(key)
        super()._delete(key)


def test_a_beat_that_fails_is_logged_and_tried_again(tmp_path, caplog):
    store = Unsteady(tmp_path)
    lease = Lease(store, owner=Owner.of_this_process(), ttl=0.05)
    lease.acquire()
    store.down = True
    with caplog.at_level(logging.WARNING):
        assert store.refused.wait(30)
        lease.release()
    assert "Could not renew" in caplog.text
    assert "Could not release" in caplog.text
    store.down = False
    with pytest.raises(LeaseHeldError):
        Lease(store, owner=elsewhere(), ttl=0.05).acquire()


def test_whoever_was_quicker_has_the_lease(store):
    lease = Lease(store, owner=elsewhere())
    lease._look = lambda: None
    with Lease(store, owner=Owner.of_this_process()):
        assert not lease._claim(None)


def test_whoever_lost_the_lease_has_to_acquire_it_again(store):
    loser = Lease(store, owner=Owner.of_this_process(), ttl=0.05)
    taker = Lease(store, owner=Owner.of_this_process())
    loser.acquire()
    while loser._thread.is_alive():  # a beat that had looked before may come after
        taker._claim(b"")
        loser._thread.join(timeout=0.2)
    with pytest.raises(LeaseHeldError):
        loser.acquire()
    loser.release()
    assert lease_holder(store) == taker._owner


def test_the_journal_fences_whoever_lost_the_lease(store):
    stale = Journal(store, owner="stale")
    Journal(store, owner="new").append([{"n": 0}])
    with pytest.raises(FencedError, match="owner=new"):
        stale.append([{"n": 0}])
