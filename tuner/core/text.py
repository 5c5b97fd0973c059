"""Text of unknown origin made fit to be shown and kept."""

from __future__ import annotations

import re

LONGEST_REPR = 200
"""Characters of a value in a message."""

LONGEST_MESSAGE = 1 << 15
"""Bytes of a trial's message; it goes into the journal, which every start reads."""

UNKNOWN = "\N{REPLACEMENT CHARACTER}"

_ENDS = r"(?:\x07|\x1b\\|\x9c|$)"
ESCAPE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursors
    rf"|(?:\x1b[\]PX^_]|[\x90\x98\x9d-\x9f])[^\x07\x1b\x9c\n]*{_ENDS}"  # titles, links, clipboards
    r"|\x1b[ -/]*[0-~]"
)
"""What tells a terminal to do something, complete."""
_UNPRINTABLE = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # controls but for tabulators and ends of lines
    "\u202a-\u202e\u2066-\u2069"  # what turns the direction of the text that follows
    "\ud800-\udfff\ufffe\uffff]"  # halves of characters, and none
)

_HALVES = re.compile("[\ud800-\udfff]")


def clean(text: str) -> str:
    r"""Text without escapes for terminals; what no page, XML or database takes is replaced.

    Example:
        >>> clean("a\x1b[31mb\x00c")
        'ab\ufffdc'
    """
    if text.isascii() and text.isprintable():
        return text
    return _UNPRINTABLE.sub(UNKNOWN, ESCAPE.sub("", text.replace("\r\n", "\n")))


def encodable(text: str) -> str:
    """Text without halves of characters, which no encoding has a form for."""
    return text if text.isascii() else _HALVES.sub(UNKNOWN, text)


def text_of(value: object) -> str:
    """What `str` says, also where the value's own code raises."""
    try:
        return str(value)
    except Exception as error:  # noqa: BLE001 - it is the user's class
        return f"<{type(value).__name__}, whose str() raised {type(error).__name__}>"


def short_repr(value: object) -> str:
    """What `repr` says, cut off, also where the value's own code raises."""
    try:
        found = clean(repr(value))
    except Exception as error:  # noqa: BLE001 - it is the user's class
        return f"<{type(value).__name__}, whose repr() raised {type(error).__name__}>"
    return found if len(found) <= LONGEST_REPR else f"{found[:LONGEST_REPR]}..."


def kept_message(text: str) -> str:
    """Why a trial failed, as it goes into the journal: not beyond a size, and in any encoding."""
    return ending(encodable(text), LONGEST_MESSAGE)


def ending(text: str, most: int) -> str:
    """The end of a text that may be too long, with what was cut off said at its head.

    Args:
        text: The end tells what went wrong.
        most: Bytes of UTF-8 to keep.
    """
    if len(text) <= most // 4:
        return text
    data = text.encode("utf-8", "replace")
    if len(data) <= most:
        return text
    kept = data[-most:].decode("utf-8", "ignore")
    return f"[{len(data) - most} bytes were cut off here]\n{kept}"
