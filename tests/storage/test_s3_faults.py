"""The server fails below s3fs: nothing acknowledged is lost, nothing is written twice."""

import logging
import time

import pytest
from servers.s3 import ALWAYS

from storage import (
    Journal,
    Lease,
    Owner,
    Retry,
    S3Store,
    StorageError,
    StoreDeniedError,
    StoreFullError,
    TransientStoreError,
    UnsafeStoreError,
)

PASSING = [500, 503, 409, "reset", "answer lost", "time-out"]
BRIEF = {"config_kwargs": {"read_timeout": 1}}


@pytest.fixture
def store(s3_url):
    """A store that soon gives up waiting."""
    return S3Store(s3_url, BRIEF)


@pytest.fixture
def impatient(s3_url):
    """One that soon gives up at all."""
    return S3Store(s3_url, BRIEF, retry=Retry(seconds=0.3))


def numbers_of(store):
    return [entry.events[0]["n"] for entry in Journal(store, owner="reader").load()]


@pytest.mark.story
@pytest.mark.parametrize("kind", PASSING)
def test_what_passes_is_waited_for(store, s3_server, kind):
    journal = Journal(store, owner="me")
    journal.append([{"n": 0}])
    s3_server.fault(kind, "/journal/", times=2)
    for n in (1, 2):
        assert journal.append([{"n": n}]).number == n
    s3_server.fault(kind, "/journal/", method="GET", times=2)
    s3_server.fault(kind, "/project", method="GET", times=1)
    assert numbers_of(store) == [0, 1, 2]


@pytest.mark.story
@pytest.mark.parametrize("kind", PASSING)
def test_after_what_does_not_pass_the_same_append_goes_on(impatient, s3_server, kind):
    journal = Journal(impatient, owner="me")
    journal.append([{"n": 0}])
    s3_server.fault(kind, "/journal/", times=ALWAYS)
    with pytest.raises(TransientStoreError, match=r"journal/000000/000000001\.json .* go on"):
        journal.append([{"n": 1}])
    s3_server.calm()
    assert journal.append([{"n": 1}]).number == 1
    assert numbers_of(impatient) == [0, 1]


def test_a_create_whose_answer_was_lost_is_ours_and_nobody_elses(store, s3_server):
    s3_server.fault("answer lost", "/a$")
    assert store.create("a", b"mine")
    assert not store.create("a", b"yours")
    s3_server.fault("answer lost", "/a$")
    assert not store.create("a", b"yours")
    assert store.read("a") == b"mine"


@pytest.mark.parametrize(
    ("kind", "error", "words"),
    [
        (403, StoreDeniedError, "Check rights and credentials"),
        (507, StoreFullError, "Free some and go on"),
        (501, UnsafeStoreError, "conditional writes"),
    ],
)
def test_what_does_not_help_to_repeat_is_said_at_once(store, s3_server, kind, error, words):
    s3_server.fault(kind, "/a$", times=ALWAYS)
    with pytest.raises(error, match=words):
        store.create("a", b"one")
    assert [method for method, _, _ in s3_server.requests(store.url[5:])] == ["PUT"]
    s3_server.calm()
    assert store.create("a", b"one")


def test_a_store_that_ignores_conditions_is_refused(store, s3_server):
    s3_server.fault("unconditional", "/project/", times=ALWAYS)
    with pytest.raises(UnsafeStoreError, match=r"refuse a second object .* keeps two searches"):
        store.probe()
    assert store.list("") == []


def test_a_bucket_that_is_missing_is_named(s3_server):
    store = S3Store("s3://no-such-bucket/project", {})
    calls = [
        lambda: store.create("a", b"one"),
        lambda: store.replace("a", b"one"),
        lambda: store.list(""),
        store.probe,
    ]
    for call in calls:
        with pytest.raises(StorageError, match=r"bucket .* s3://no-such-bucket/.* Create it"):
            call()


@pytest.mark.story
def test_a_lease_outlives_an_outage(impatient, s3_server, caplog):
    with (
        caplog.at_level(logging.WARNING),
        Lease(impatient, owner=Owner.of_this_process(), ttl=0.5) as lease,
    ):
        s3_server.fault("reset", "lease.json", method=".*", times=ALWAYS)
        until(lambda: "Could not renew" in caplog.text)
        s3_server.calm()
        before = impatient.read("lease.json")
        until(lambda: impatient.read("lease.json") != before)
        assert lease._thread.is_alive()


@pytest.mark.story
def test_a_large_file_goes_up_and_down_through_faults(store, s3_server, tmp_path):
    data = bytes(range(256)) * 4096 * 110
    (tmp_path / "up").write_bytes(data)
    s3_server.fault("reset", "/file$", times=2)
    s3_server.fault(500, "/file$", method="GET")
    store.upload(tmp_path / "up", "file")
    parts = [query for method, _, query in s3_server.requests(store.url[5:]) if method == "PUT"]
    assert len([query for query in parts if "partNumber" in query]) > 3
    store.download("file", tmp_path / "down")
    assert (tmp_path / "down").read_bytes() == data


def until(condition):
    deadline = time.monotonic() + 60
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
