"""The ordered facts of a search: only ever added to, by one writer at a time."""

from __future__ import annotations

import json
import logging
import re
import secrets
import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from storage.documents import DEEPEST, is_too_deep, parse_json
from storage.errors import CorruptError, FencedError, NewerFormatError, StorageError
from storage.paths import ENTRIES_PER_FOLDER, ProjectPaths
from storage.store import Store

VERSION = 1
"""Version of an entry's format; a newer one is refused."""

_LINE = re.compile(rb'\{"v":(\d{1,9}),"crc32":"([0-9a-f]{8})","entry":(\{.*\})\}\n', re.DOTALL)
_ANY_VERSION = re.compile(rb'\{"v":(\d{1,9}),')


@dataclass(frozen=True, slots=True)
class Entry:
    """Events that were written together."""

    number: int
    owner: str
    time: float
    """Of the writer's clock, in seconds since 1970."""
    events: tuple[dict[str, Any], ...]


def encode(entry: Entry) -> bytes:
    """An entry as one line: the same entry never gives the same line twice."""
    body = {
        "number": entry.number,
        "owner": entry.owner,
        "time": entry.time,
        "nonce": secrets.token_hex(8),
        "events": entry.events,
    }
    text = to_json(body).encode()
    return b'{"v":%d,"crc32":"%08x","entry":%s}\n' % (VERSION, zlib.crc32(text, VERSION), text)


def decode(line: bytes, number: int, where: str) -> Entry:
    """The entry of a line.

    Args:
        line: What `encode` answered.
        number: The number the entry must have.
        where: What the message calls it.

    Raises:
        CorruptError: The line is damaged or is another entry's.
        NewerFormatError: A newer Trialflow wrote it.
    """
    parts = _LINE.fullmatch(line)
    version = _ANY_VERSION.match(line)
    # The checksum starts from the version: a flipped version is damage, not news.
    intact = parts is not None and zlib.crc32(parts[3], int(parts[1])) == int(parts[2], 16)
    if version and int(version[1]) > VERSION and (intact or not parts):
        raise NewerFormatError(
            f"Expected version {VERSION} or older at {where}. Received: version={int(version[1])}. "
            "A newer Trialflow wrote it: update this one."
        )
    if parts is None or not intact:
        raise corrupt(where, f"bytes={len(line)}, damaged")
    body = parse_json(parts[3], where)
    match body:
        case {"number": int(found), "owner": str(owner), "time": int() | float(), "events": list()}:
            if found != number:
                raise corrupt(where, f"number={found}")
        case _:
            raise corrupt(where, f"fields={sorted(body)}")
    if not all(isinstance(event, dict) for event in body["events"]):
        raise corrupt(where, "events that are no objects")
    return Entry(number, owner, body["time"], tuple(body["events"]))


def corrupt(where: str, received: str) -> CorruptError:
    """The error for what is not what was written."""
    return CorruptError(
        f"Expected what was written to the journal at {where}. Received: {received}. Restore the "
        "object from a backup, or mend what can be mended: `trialflow repair`."
    )


def to_json(value: object) -> str:
    """Strict and short JSON.

    Raises:
        ValueError: It is not strict, or so deep that it could not be read again.
    """
    try:
        text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    except RecursionError as error:
        raise ValueError(f"Expected JSON of at most {DEEPEST} levels. Received: more.") from error
    if is_too_deep(text.encode()):
        raise ValueError(f"Expected JSON of at most {DEEPEST} levels. Received: more.")
    return text


_ENTRY_NAME = re.compile(r"(\d{9})\.json")
_FOLDER_NAME = re.compile(r"(\d{6})")
_SEGMENT_NAME = re.compile(r"(\d{6})\.jsonl")

_logger = logging.getLogger(__name__)


class Journal:
    """Entries numbered without gaps, each created exclusively under its number.

    The number is the fence: a writer that is not up to date loses the create and learns who won.
    What `append` has answered survives anything. Thread-safe.

    Args:
        store: Where it lies.
        owner: Who writes, for the error of the loser.
        clock: Seconds since 1970.

    Example:
        journal = Journal(open_store("memory://doc/journal"), owner="me")
        journal.append([{"type": "search_opened"}])
        assert [entry.number for entry in journal.load()] == [0]
    """

    def __init__(self, store: Store, *, owner: str, clock: Callable[[], float] = time.time) -> None:
        self._store = store
        self._owner = owner
        self._clock = clock
        self._paths = ProjectPaths()
        self._lock = threading.Lock()
        self._next = 0
        self._pending: tuple[Entry, bytes] | None = None
        self._without_segment: set[int] = set()
        self._written: dict[int, bytes] = {}

    @property
    def next_number(self) -> int:
        """The number the next entry will have, as far as we have read."""
        return self._next

    def load(self) -> list[Entry]:
        """Reads all entries.

        Raises:
            CorruptError: An entry is damaged or missing.
            NewerFormatError: A newer Trialflow wrote one.
        """
        with self._lock:
            self._next = 0
            return self._read_on()

    def refresh(self) -> list[Entry]:
        """Reads the entries that were added since they were read last; raises what `load` does."""
        with self._lock:
            return self._read_on()

    def append(self, events: Sequence[Mapping[str, Any]]) -> Entry:
        """Writes an entry.

        When it raised something else than `FencedError`, the entry may or may not be there. Append
        the same events again to find out: they are not written twice. If other events come
        instead, the entry is written before theirs.

        Raises:
            FencedError: Another process has written an entry we have not read.
            ValueError: The events are not strict JSON; NaN and infinity are not.
        """
        with self._lock:
            plain = tuple(json.loads(to_json([dict(event) for event in events])))
            if self._pending is not None:
                earlier = self._write(*self._pending)
                if earlier.events == plain:
                    return earlier
            entry = Entry(self._next, self._owner, self._clock(), plain)
            return self._write(entry, encode(entry))

    def _write(self, entry: Entry, line: bytes) -> Entry:
        # Kept until the outcome is known: another line would collide with our own.
        self._pending = (entry, line)
        key = self._paths.journal_entry(entry.number)
        if not self._store.create(key, line):
            self._pending = None
            other = decode(self._store.read(key), entry.number, self._where(key))
            raise FencedError(entry.number, other.owner)
        self._pending = None
        self._next = max(self._next, entry.number + 1)
        self._written[entry.number] = line
        if (entry.number + 1) % ENTRIES_PER_FOLDER == 0:
            self._without_segment.add(entry.number // ENTRIES_PER_FOLDER)
            self._write_segments()
            self._written.clear()
        return entry

    def _write_segments(self) -> None:
        """Joins full folders. Best effort: a segment only saves requests."""
        for folder in sorted(self._without_segment):
            try:
                lines = self._full_folder(folder)
                # Not `create`: a function of the entries alone, it may mend a damaged one.
                self._store.replace(self._paths.segment(folder), b"".join(lines.values()))
            except StorageError:
                _logger.warning("Could not write segment %d of the journal.", folder, exc_info=True)
                return
            self._without_segment.discard(folder)

    def _full_folder(self, folder: int) -> dict[int, bytes]:
        """Its entries, read only if we did not write them all ourselves."""
        first = folder * ENTRIES_PER_FOLDER
        numbers = range(first, first + ENTRIES_PER_FOLDER)
        if all(number in self._written for number in numbers):
            return {number: self._written[number] for number in numbers}
        lines = self._lines(first, whole=True)
        self._decode_all(lines)
        return lines

    def _read_on(self) -> list[Entry]:
        entries: list[Entry] = []
        if self._next % ENTRIES_PER_FOLDER:
            entries += self._decode_all(self._lines(self._next, whole=False))
        if (self._next + len(entries)) % ENTRIES_PER_FOLDER == 0:
            entries += self._read_folders((self._next + len(entries)) // ENTRIES_PER_FOLDER)
        self._next += len(entries)
        return entries

    def _read_folders(self, folder: int) -> list[Entry]:
        """Reads from the start of a folder to the end of the journal."""
        # Listed first: what is not the last folder now must be full when it is read.
        folders = self._numbers(self._paths.journal, _FOLDER_NAME)
        segments = self._read_segments(folder)
        last = max([folder, *folders, *segments])
        entries: list[Entry] = []
        while True:
            part = segments.get(folder)
            if part is None:
                lines = self._lines(folder * ENTRIES_PER_FOLDER, whole=folder < last)
                part = self._decode_all(lines)
                if len(part) == ENTRIES_PER_FOLDER:
                    self._without_segment.add(folder)
            entries += part
            if len(part) < ENTRIES_PER_FOLDER:
                return entries
            folder += 1

    def _read_segments(self, first: int) -> dict[int, list[Entry]]:
        """The undamaged segments from folder `first` on."""
        numbers = [n for n in self._numbers(self._paths.segments, _SEGMENT_NAME) if n >= first]
        keys = {number: self._paths.segment(number) for number in numbers}
        found = self._store.read_many(keys.values())
        segments = {}
        for folder, key in keys.items():
            try:
                segments[folder] = self._decode_segment(folder, found.get(key, b""))
            except (CorruptError, NewerFormatError) as error:
                _logger.warning("Reading the entries instead of their segment: %s", error)
        return segments

    def _decode_segment(self, folder: int, data: bytes) -> list[Entry]:
        where = self._where(self._paths.segment(folder))
        lines = data.splitlines(keepends=True)
        if len(lines) != ENTRIES_PER_FOLDER:
            raise corrupt(where, f"lines={len(lines)}")
        first = folder * ENTRIES_PER_FOLDER
        return [decode(line, first + i, where) for i, line in enumerate(lines)]

    def _lines(self, first: int, *, whole: bool) -> dict[int, bytes]:
        """Entries from number `first` to the end of its folder, all of which is there if `whole`.

        The listing only tells the last one: what a folder lists while it grows may have holes.
        """
        folder = first // ENTRIES_PER_FOLDER
        end = (folder + 1) * ENTRIES_PER_FOLDER
        if not whole:
            listed = self._numbers(self._paths.journal_folder(folder), _ENTRY_NAME)
            end = min(end, max(listed, default=-1) + 1)
        keys = {number: self._paths.journal_entry(number) for number in range(first, end)}
        found = self._store.read_many(keys.values())
        for key in keys.values():
            if key not in found:
                raise corrupt(self._where(key), "nothing")
        return {number: found[key] for number, key in keys.items()}

    def _decode_all(self, lines: Mapping[int, bytes]) -> list[Entry]:
        key = self._paths.journal_entry
        return [decode(line, n, self._where(key(n))) for n, line in lines.items()]

    def _numbers(self, prefix: str, pattern: re.Pattern[str]) -> list[int]:
        matches = (pattern.fullmatch(name) for name in self._store.list(prefix))
        return [int(match[1]) for match in matches if match]

    def _where(self, key: str) -> str:
        return f"{self._store}/{key}"
