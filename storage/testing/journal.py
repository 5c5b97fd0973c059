# ruff: noqa: PLR2004 - expected values are literals

"""The suite of `Journal`."""

import pytest

from storage.errors import CorruptError, FencedError, NewerFormatError
from storage.journal import Journal
from storage.paths import ENTRIES_PER_FOLDER, ProjectPaths
from storage.store import Store
from storage.testing.backend import Backend, in_threads


class JournalTests(Backend):
    """The contract of `Journal` on a store."""

    def test_what_was_appended_is_loaded(self, store: Store) -> None:
        journal = Journal(store, owner="me", clock=lambda: 42.5)
        written = [journal.append([{"n": n}, {"text": "ä\n"}]) for n in range(3)]
        assert Journal(store, owner="you").load() == written
        assert [(e.number, e.owner, e.time) for e in written] == [(n, "me", 42.5) for n in range(3)]
        assert journal.next_number == 3

    def test_an_empty_journal_has_no_entries(self, store: Store) -> None:
        assert Journal(store, owner="me").load() == []

    def test_a_follower_reads_what_is_new(self, store: Store) -> None:
        journal, follower = Journal(store, owner="me"), Journal(store, owner="you")
        for count in (2, 0, 2 * ENTRIES_PER_FOLDER, 1):
            written = [journal.append([{"n": n}]) for n in range(count)]
            assert follower.refresh() == written

    def test_whoever_is_not_up_to_date_is_fenced(self, store: Store) -> None:
        mine, yours = Journal(store, owner="me"), Journal(store, owner="you")
        mine.append([{"n": 0}])
        for _ in range(2):
            with pytest.raises(FencedError, match="owner=me") as caught:
                yours.append([{"n": 1}])
            assert (caught.value.number, caught.value.owner) == (0, "me")
        yours.load()
        assert yours.append([{"n": 1}]).number == 1

    def test_many_writers_lose_and_double_nothing(self, store: Store) -> None:
        def write(racer: int) -> int:
            journal, fenced, number = Journal(store, owner=f"w{racer}"), 0, 0
            while number < 20:
                try:
                    journal.append([{"racer": racer, "n": number}])
                    number += 1
                except FencedError:
                    fenced += 1
                    journal.refresh()
            return fenced

        assert sum(in_threads(4, write)) > 0
        entries = Journal(store, owner="reader").load()
        events = [(entry.events[0]["racer"], entry.events[0]["n"]) for entry in entries]
        assert sorted(events) == [(racer, n) for racer in range(4) for n in range(20)]
        assert all(entry.owner == f"w{entry.events[0]['racer']}" for entry in entries)

    @pytest.mark.parametrize("damage", ["torn", "empty", "flipped", "misnumbered"])
    def test_a_damaged_entry_is_named(self, store: Store, damage: str) -> None:
        fill(store, 3)
        keys = [ProjectPaths().journal_entry(number) for number in range(3)]
        data = self.raw_read(store, keys[1])
        damaged = {
            "torn": data[:-5],
            "empty": b"",
            "flipped": data[:40] + bytes([data[40] ^ 1]) + data[41:],
            "misnumbered": self.raw_read(store, keys[2]),
        }
        self.raw_write(store, keys[1], damaged[damage])
        with pytest.raises(CorruptError, match=keys[1]):
            Journal(store, owner="me").load()

    def test_a_missing_entry_is_named(self, store: Store) -> None:
        fill(store, ENTRIES_PER_FOLDER + 1)
        store.delete([ProjectPaths().segment(0)])
        for number in (1, ENTRIES_PER_FOLDER - 1):
            key = ProjectPaths().journal_entry(number)
            data = self.raw_read(store, key)
            store.delete([key])
            with pytest.raises(CorruptError, match=key):
                Journal(store, owner="me").load()
            self.raw_write(store, key, data)

    def test_a_newer_version_is_refused(self, store: Store) -> None:
        key = ProjectPaths().journal_entry(0)
        self.raw_write(store, key, b'{"v":2,"zstd":"..."}\n')
        with pytest.raises(NewerFormatError, match=rf"{key}.*version=2"):
            Journal(store, owner="me").load()

    def test_a_damaged_segment_is_read_from_the_entries(self, store: Store) -> None:
        fill(store, ENTRIES_PER_FOLDER + 2)
        entries = Journal(store, owner="me").load()
        segment = ProjectPaths().segment(0)
        whole = self.raw_read(store, segment)
        for damaged in (b"", whole[:-9]):
            self.raw_write(store, segment, damaged)
            assert Journal(store, owner="me").load() == entries


def fill(store: Store, count: int) -> None:
    journal = Journal(store, owner="me")
    for number in range(count):
        journal.append([{"n": number}])
