"""Mends a journal from what is left of it. The caller must hold the lease."""

import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from storage.check import JournalState, joined
from storage.journal import Entry, encode
from storage.paths import ENTRIES_PER_FOLDER, ProjectPaths
from storage.store import Store

Bodies = Sequence[Mapping[str, Any]]


class Aside:
    """A folder of a store where what is replaced is kept.

    Args:
        store: Of the project.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        now = datetime.fromtimestamp(time.time(), UTC)
        self.folder = f"{ProjectPaths.damaged}/{now:%Y%m%dT%H%M%S.%fZ}"

    def keep(self, key: str) -> None:
        """Copies an object there; one that is missing or empty holds nothing to keep."""
        data = self._store.read_many([key]).get(key)
        if data:
            self._store.create(f"{self.folder}/{key}", data)

    def move(self, key: str) -> None:
        self.keep(key)
        self._store.delete([key])


def repair_journal(
    store: Store, state: JournalState, owner: str, replacing: Mapping[int, Bodies], aside: Aside
) -> list[str]:
    """Writes what is damaged anew: from segments, from entries, and from what the caller knows.

    The number of an entry that is lost stays taken: free, a writer that slept through all this
    would take it.

    Args:
        store: Of the project.
        state: What is left.
        owner: Who repairs.
        replacing: Events by the number of a lost entry.
        aside: Where the damaged objects go.

    Returns:
        What was done, a line each.
    """
    done, lines = [], dict(state.lines)
    for number in sorted(state.restorable):
        key = ProjectPaths().journal_entry(number)
        aside.keep(key)
        store.replace(key, lines[number])
        done.append(f"{key}: written anew from its segment")
    for number, events in sorted(replacing.items()):
        key = ProjectPaths().journal_entry(number)
        plain = tuple(dict(event) for event in events)
        lines[number] = encode(Entry(number, owner, time.time(), plain))
        aside.keep(key)
        store.replace(key, lines[number])
        done.append(f"{key}: replaced by what the trials' results tell")
    for folder in sorted(
        {*state.segments, *(number // ENTRIES_PER_FOLDER for number in replacing)}
    ):
        done += _mend_segment(store, lines, folder, aside)
    return done


def _mend_segment(store: Store, lines: Mapping[int, bytes], folder: int, aside: Aside) -> list[str]:
    whole = joined(lines, folder)
    key = ProjectPaths().segment(folder)
    if whole is None or store.read_many([key]).get(key) == whole:
        return []
    aside.keep(key)
    store.replace(key, whole)
    return [f"{key}: written anew from its entries"]
