"""Several processes write one journal: what was acknowledged is there, once."""

import os
import signal

import pytest

from storage import Journal, Lease, Owner, open_store

RACE = """
    import sys
    from storage import FencedError, Journal, open_store
    url, me, count = sys.argv[1], sys.argv[2], int(sys.argv[3])
    journal = Journal(open_store(url), owner=me)
    journal.load()
    print("ready", flush=True)
    sys.stdin.readline()
    number = fenced = 0
    while number < count:
        try:
            journal.append([{"who": me, "n": number}])
            number += 1
        except FencedError:
            fenced += 1
            journal.refresh()
    print(fenced)
"""

# Of another machine as far as anybody can tell: only its beats show that it lives.
WRITE = """
    import sys
    from storage import FencedError, Journal, Lease, open_store
    from storage.testing import elsewhere
    store = open_store(sys.argv[1])
    journal = Journal(store, owner="first")
    with Lease(store, owner=elsewhere(), ttl=2):
        try:
            while True:
                entry = journal.append([{"who": "first", "n": journal.next_number}])
                print(entry.number, flush=True)
        except FencedError as error:
            print("fenced by", error.owner, flush=True)
            sys.exit(3)
"""


def entries_of(url):
    events = [entry.events[0] for entry in Journal(open_store(url), owner="reader").load()]
    return [(event["who"], event["n"]) for event in events]


@pytest.mark.story
def test_of_three_that_race_nothing_is_lost_or_doubled(url, start_python):
    remote = str(url).startswith("s3:")
    count = int(os.environ.get("TRIALFLOW_RACE_ENTRIES", "60" if remote else "500"))
    racers = [start_python(RACE, url, name, count) for name in "abc"]
    for racer in racers:
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        racer.stdin.write("go\n")
        racer.stdin.flush()
    fenced = [int(racer.stdout.read()) for racer in racers]
    assert [racer.wait() for racer in racers] == [0, 0, 0]
    assert sum(fenced) > 0
    entries = entries_of(url)
    assert len(entries) == 3 * count
    for name in "abc":
        assert [n for who, n in entries if who == name] == list(range(count))


def read_acknowledged(writer, count):
    return [int(writer.stdout.readline()) for _ in range(count)][-1]


def take_over(url):
    """Becomes the writer as a search does, and writes."""
    store = open_store(url)
    with Lease(store, owner=Owner.of_this_process(), ttl=2) as lease:
        lease.acquire(wait=None)
        journal = Journal(store, owner="second")
        journal.load()
        return journal.append([{"who": "second", "n": journal.next_number}])


@pytest.fixture
def writer(url, start_python):
    return start_python(WRITE, url)


@pytest.mark.story
def test_a_killed_owner_is_taken_over(url, writer):
    read_acknowledged(writer, 20)
    writer.kill()
    rest = [int(line) for line in writer.stdout.read().split("\n")[:-1]]
    entry = take_over(url)
    entries = entries_of(url)
    assert [n for _, n in entries] == list(range(len(entries)))
    assert entries[-1] == ("second", entry.number)
    assert entry.number > max(rest, default=19)


@pytest.mark.story
def test_a_frozen_owner_is_taken_over_and_fenced_when_it_wakes(url, writer):
    read_acknowledged(writer, 20)
    writer.send_signal(signal.SIGSTOP)
    entry = take_over(url)
    writer.send_signal(signal.SIGCONT)
    rest = writer.stdout.read().split("\n")[:-1]
    assert rest[-1] == "fenced by second"
    assert writer.wait() == 3
    assert entry.number > max([19, *map(int, rest[:-1])])
    entries = entries_of(url)
    assert [n for _, n in entries] == list(range(entry.number + 1))
    assert [who for who, _ in entries].count("second") == 1
