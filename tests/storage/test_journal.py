import logging
import math

import pytest

from storage import (
    CorruptError,
    FencedError,
    Journal,
    LocalStore,
    ProjectPaths,
    Retry,
    StoreDeniedError,
    TransientStoreError,
)
from storage.journal import decode, encode
from storage.testing import FakeTime

PATHS = ProjectPaths()


class Faulty(LocalStore):
    """A disk whose next `create` fails, before or after it has written."""

    def __init__(self, path):
        time = FakeTime()
        super().__init__(path, durable=False, retry=Retry(0, clock=time, sleep=time.sleep))
        self.fails = None

    def _create(self, key, data):
        if self.fails == "before":
            raise ConnectionResetError
        super()._create(key, data)
        if self.fails == "after":
            raise ConnectionResetError


@pytest.fixture
def store(tmp_path):
    return Faulty(tmp_path)


def fail_once(store, when, journal, events):
    store.fails = when
    with pytest.raises(TransientStoreError):
        journal.append(events)
    store.fails = None


def events_of(store):
    return [entry.events[0]["n"] for entry in Journal(store, owner="reader").load()]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("read", ["nothing", "load", "refresh"])
class TestAfterAnAppendOfUnknownOutcome:
    def test_the_same_events_are_written_once(self, store, when, read):
        journal = Journal(store, owner="me")
        journal.append([{"n": 0}])
        fail_once(store, when, journal, [{"n": 1}])
        getattr(journal, read, lambda: None)()
        assert journal.append([{"n": 1}]).number == 1
        assert journal.append([{"n": 1}]).number == 2
        assert events_of(store) == [0, 1, 1]

    def test_other_events_come_after_it(self, store, when, read):
        journal = Journal(store, owner="me")
        fail_once(store, when, journal, [{"n": 0}])
        fail_once(store, when, journal, [{"n": 1}])
        getattr(journal, read, lambda: None)()
        assert journal.append([{"n": 2}]).number in (1, 2)
        assert events_of(store) in ([0, 2], [0, 1, 2])


def test_an_append_of_unknown_outcome_that_somebody_overtook_is_fenced(store):
    journal = Journal(store, owner="me")
    fail_once(store, "before", journal, [{"n": 0}])
    Journal(store, owner="you").append([{"n": 5}])
    journal.refresh()
    with pytest.raises(FencedError, match="owner=you"):
        journal.append([{"n": 0}])
    assert events_of(store) == [5]


def test_an_append_of_unknown_outcome_that_arrived_first_is_found_among_later_ones(store):
    journal, other = Journal(store, owner="me"), Journal(store, owner="you")
    fail_once(store, "after", journal, [{"n": 0}])
    other.refresh()
    other.append([{"n": 1}])
    journal.refresh()
    assert journal.append([{"n": 0}]).number == 0
    assert journal.append([{"n": 2}]).number == 2


@pytest.mark.parametrize("value", [math.nan, math.inf, {1}])
def test_what_is_not_strict_json_is_refused_and_forgotten(store, value):
    journal = Journal(store, owner="me")
    with pytest.raises((ValueError, TypeError)):
        journal.append([{"n": value}])
    journal.append([{"n": 0}])
    assert events_of(store) == [0]


def test_append_answers_what_a_reader_reads(store):
    entry = Journal(store, owner="me").append([{"n": (1, 2), 3: None}])
    assert entry.events == ({"n": [1, 2], "3": None},)
    assert Journal(store, owner="you").load() == [entry]


def test_every_flipped_bit_of_an_entry_is_noticed(store):
    entry = Journal(store, owner="me").append([{"n": 0}])
    line = encode(entry)
    for position in range(len(line) * 8):
        flipped = bytearray(line)
        flipped[position // 8] ^= 1 << position % 8
        with pytest.raises(CorruptError, match="here"):
            decode(bytes(flipped), 0, "here")


def test_no_entry_is_encoded_alike_twice(store):
    entry = Journal(store, owner="me").append([{"n": 0}])
    assert encode(entry) != encode(entry)


class SegmentsDenied(LocalStore):
    denied = True

    def _replace(self, key, data):
        if self.denied:
            raise PermissionError(key)
        super()._replace(key, data)


def test_a_segment_that_cannot_be_written_is_written_with_the_next(tmp_path, caplog):
    store = SegmentsDenied(tmp_path, durable=False)
    journal = Journal(store, owner="me")
    with caplog.at_level(logging.WARNING):
        for n in range(256):
            journal.append([{"n": n}])
    assert "segment 0" in caplog.text
    with pytest.raises(StoreDeniedError):
        store.replace("segments/x", b"x")
    store.denied = False
    for n in range(256, 512):
        journal.append([{"n": n}])
    assert store.list("segments") == ["000000.jsonl", "000001.jsonl"]
    assert events_of(store) == list(range(512))


def test_segments_spare_the_entries(store, monkeypatch):
    journal = Journal(store, owner="me")
    for n in range(600):
        journal.append([{"n": n}])
    read = []
    monkeypatch.setattr(
        store, "_read", lambda key: (read.append(key), LocalStore._read(store, key))[1]
    )
    assert len(Journal(store, owner="you").load()) == 600
    assert read[:2] == [PATHS.segment(0), PATHS.segment(1)]
    assert len(read) == 2 + 600 - 512


@pytest.mark.parametrize("damaged", [b"", b'{"v":2}\n', b"half"])
def test_who_noticed_a_damaged_segment_mends_it_with_the_next(store, damaged):
    journal = Journal(store, owner="me")
    for n in range(256):
        journal.append([{"n": n}])
    whole = store.read(PATHS.segment(0))
    store.replace(PATHS.segment(0), damaged)
    journal = Journal(store, owner="you")
    assert len(journal.load()) == 256
    for n in range(256, 512):
        journal.append([{"n": n}])
    assert store.read(PATHS.segment(0)) == whole
    assert events_of(store) == list(range(512))


def test_a_segment_is_written_from_what_was_written_not_read_again(store, monkeypatch):
    journal = Journal(store, owner="me")
    monkeypatch.setattr(store, "_read", lambda key: pytest.fail(f"read {key}"))
    for n in range(256):
        journal.append([{"n": n}])
    monkeypatch.undo()
    assert store.list("segments") == ["000000.jsonl"]
    assert events_of(store) == list(range(256))


def test_a_folder_that_lists_with_holes_while_it_grows_is_read_whole(store, monkeypatch):
    journal = Journal(store, owner="me")
    for n in range(5):
        journal.append([{"n": n}])
    holes = lambda key: [n for n in LocalStore._list(store, key) if "3.json" not in n]  # noqa: E731
    monkeypatch.setattr(store, "_list", holes)
    assert events_of(store) == [0, 1, 2, 3, 4]


def test_all_that_was_acknowledged_survives_a_kill(tmp_path, start_python):
    writer = start_python(
        """
        import sys
        from storage import Journal, open_store
        journal = Journal(open_store(sys.argv[1]), owner="me")
        while True:
            print(journal.append([{"n": journal.next_number}]).number, flush=True)
        """,
        tmp_path,
    )
    for _ in range(300):
        acknowledged = int(writer.stdout.readline())
    writer.kill()
    rest = writer.stdout.read().split("\n")[:-1]
    acknowledged = int(rest[-1]) if rest else acknowledged
    events = events_of(LocalStore(tmp_path))
    assert events == list(range(len(events)))
    assert acknowledged < len(events) <= acknowledged + 2
