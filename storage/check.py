"""Finds all damage to a journal, where loading it would stop at the first."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from storage.errors import CorruptError, NewerFormatError
from storage.journal import Entry, decode
from storage.paths import ENTRIES_PER_FOLDER, ProjectPaths
from storage.store import Store

_NUMBER = re.compile(rb'"number":(\d{1,12})')
_DIGITS = re.compile(r"(\d{1,12})\.jsonl?")
_FOLDER = re.compile(r"\d{1,9}")
_MOST_LOST = 100
"""Folders of the journal that may be missing; a name beyond these is no entry."""


@dataclass(frozen=True, slots=True)
class Damage:
    """Something that is not what was written."""

    key: str
    problem: str
    mending: str = ""
    """What `trialflow repair` does about it; empty if it can do nothing."""


@dataclass(frozen=True, slots=True)
class JournalState:
    """What is left of a journal."""

    entries: Mapping[int, Entry]
    """The intact ones, by number."""
    lines: Mapping[int, bytes]
    """Their bytes, and those of the ones a segment still has."""
    lost: Mapping[int, str]
    """What is wrong with the entries that are nowhere intact."""
    restorable: Mapping[int, str]
    """What is wrong with the entries that a segment still has."""
    segments: Mapping[int, str]
    """What is wrong with segments."""
    newer: Mapping[int, str] = field(default_factory=dict)
    """Entries that a newer version wrote."""

    @property
    def next_number(self) -> int:
        return max([-1, *self.lines, *self.lost, *self.newer]) + 1


def check_journal(store: Store, at_least: int = 0) -> JournalState:
    """Reads every entry and every segment; raises for none of their damage.

    Args:
        store: Of the project.
        at_least: How many entries there must be, by what else is known.
    """
    segments = _read_segments(store)
    last = max(_last_number(store, segments), at_least - 1)
    lines: dict[int, bytes] = {}
    entries: dict[int, Entry] = {}
    lost, restorable, newer = {}, {}, {}
    keys = {n: ProjectPaths().journal_entry(n) for n in range(last + 1)}
    found = store.read_many(keys.values())
    in_segments = {n: line for data in segments.values() for n, line in _lines_of(data).items()}
    for number, key in keys.items():
        try:
            entries[number] = _entry(found.get(key), number)
            lines[number] = found[key]
        except NewerFormatError as error:
            newer[number] = str(error)
        except CorruptError as error:
            if number in in_segments:
                lines[number] = in_segments[number]
                entries[number] = _entry(lines[number], number)
                restorable[number] = str(error)
            else:
                lost[number] = str(error)
    return JournalState(
        entries, lines, lost, restorable, _wrong_segments(segments, lines, last), newer
    )


def joined(lines: Mapping[int, bytes], folder: int) -> bytes | None:
    """What the segment of a folder must hold; None if the folder is not full and intact."""
    numbers = range(folder * ENTRIES_PER_FOLDER, (folder + 1) * ENTRIES_PER_FOLDER)
    if not all(number in lines for number in numbers):
        return None
    return b"".join(lines[number] for number in numbers)


def _read_segments(store: Store) -> dict[int, bytes]:
    matches = (_DIGITS.fullmatch(name) for name in store.list(ProjectPaths.segments))
    keys = {int(match[1]): ProjectPaths().segment(int(match[1])) for match in matches if match}
    found = store.read_many(keys.values())
    return {folder: found[key] for folder, key in keys.items() if key in found}


def _last_number(store: Store, segments: Mapping[int, bytes]) -> int:
    names = filter(_FOLDER.fullmatch, store.list(ProjectPaths.journal))
    folders = [int(name) for name in names]
    most = len(folders) + len(segments) + _MOST_LOST
    # A segment is written when its folder is full.
    known = [(folder + 1) * ENTRIES_PER_FOLDER - 1 for folder in segments if folder < most]
    listed = [folder for folder in folders if folder < most]
    if listed:
        newest = max(listed)
        inside = store.list(ProjectPaths().journal_folder(newest))
        numbers = [int(match[1]) for match in map(_DIGITS.fullmatch, inside) if match]
        known += [number for number in numbers if number // ENTRIES_PER_FOLDER == newest]
    return max(known, default=-1)


def _lines_of(segment: bytes) -> dict[int, bytes]:
    """The intact lines of a segment, by number."""
    intact = {}
    for line in segment.splitlines(keepends=True):
        match = _NUMBER.search(line)
        try:
            if match:
                _entry(line, int(match[1]))
                intact[int(match[1])] = line
        except (CorruptError, NewerFormatError):
            continue
    return intact


def _entry(line: bytes | None, number: int) -> Entry:
    if line is None:
        raise CorruptError("missing")
    try:
        return decode(line, number, "here")
    except CorruptError as error:
        problem = "empty" if not line else "damaged"
        raise CorruptError(problem) from error


def _wrong_segments(
    segments: Mapping[int, bytes], lines: Mapping[int, bytes], last: int
) -> dict[int, str]:
    wrong = {}
    for folder in range((last + 1) // ENTRIES_PER_FOLDER):
        whole = joined(lines, folder)
        if folder not in segments:
            wrong[folder] = "missing"
        elif segments[folder] != (segments[folder] if whole is None else whole):
            wrong[folder] = "not what its entries say"
        elif whole is None and len(_lines_of(segments[folder])) < ENTRIES_PER_FOLDER:
            wrong[folder] = "damaged"
    return wrong
