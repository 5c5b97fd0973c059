"""One entry of a journal, and its line."""

import json
import re
import secrets
import zlib
from dataclasses import dataclass
from typing import Any

from storage.errors import CorruptError, NewerFormatError

VERSION = 1
"""Version of an entry's format; a newer one is refused."""

_LINE = re.compile(rb'\{"v":(\d+),"crc32":"([0-9a-f]{8})","entry":(\{.*\})\}\n', re.DOTALL)
_ANY_VERSION = re.compile(rb'\{"v":(\d+),')


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
    body = json.loads(parts[3])
    if body["number"] != number:
        raise corrupt(where, f"number={body['number']}")
    return Entry(number, body["owner"], body["time"], tuple(body["events"]))


def corrupt(where: str, received: str) -> CorruptError:
    """The error for what is not what was written."""
    return CorruptError(
        f"Expected what was written to the journal at {where}. Received: {received}. Restore the "
        "object from a backup; without it the search cannot go on."
    )


def to_json(value: object) -> str:
    """Strict and short JSON."""
    return json.dumps(value, allow_nan=False, separators=(",", ":"))
