import pytest

from storage import Aside, Journal, LocalStore, ProjectPaths, check_journal, repair_journal

PATHS = ProjectPaths()


@pytest.fixture
def store(tmp_path):
    store = LocalStore(tmp_path, durable=False)
    journal = Journal(store, owner="me")
    for number in range(258):
        journal.append([{"n": number}])
    return store


def test_entries_are_restored_from_their_segment_and_segments_from_entries(store):
    lines = {n: store.read(PATHS.journal_entry(n)) for n in range(258)}
    segment = store.read(PATHS.segment(0))
    store.replace(PATHS.journal_entry(5), lines[5][:30])
    store.delete([PATHS.journal_entry(9)])
    store.replace(PATHS.segment(0), segment.replace(lines[7], b"x" * len(lines[7])) + b"{}")

    state = check_journal(store)
    assert dict(state.restorable) == {5: "damaged", 9: "missing"}
    assert (dict(state.lost), state.next_number) == ({}, 258)
    assert list(state.segments) == [0]
    aside = Aside(store)
    done = repair_journal(store, state, "mender", {}, aside)

    assert len(done) == 3
    assert {n: store.read(PATHS.journal_entry(n)) for n in range(258)} == lines
    assert store.read(PATHS.segment(0)) == segment
    assert store.read(f"{aside.folder}/{PATHS.journal_entry(5)}") == lines[5][:30]
    assert not any([*check_journal(store).lost, *check_journal(store).segments])


def test_an_entry_that_is_nowhere_keeps_its_number_taken(store):
    for key in (PATHS.segment(0), PATHS.journal_entry(3), PATHS.journal_entry(257)):
        store.replace(key, b"no entry")
    state = check_journal(store)
    assert dict(state.lost) == {3: "damaged", 257: "damaged"}
    repair_journal(store, state, "mender", {3: [{"n": "?"}], 257: []}, Aside(store))
    entries = Journal(store, owner="reader").load()
    assert [entry.events for entry in entries[2:5]] == [({"n": 2},), ({"n": "?"},), ({"n": 4},)]
    assert [(entry.number, entry.owner) for entry in entries[257:]] == [(257, "mender")]


def test_a_newer_entry_is_no_damage_that_could_be_mended(store):
    store.replace(PATHS.journal_entry(257), b'{"v":2,"zstd":"..."}\n')
    state = check_journal(store)
    assert (list(state.newer), dict(state.lost)) == ([257], {})
