"""What a child prints, as clean lines."""

from __future__ import annotations

import codecs
import re
from collections.abc import Callable

ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
LONGEST_ESCAPE = 32
LONGEST_LINE = 8192


class LineSink:
    r"""Turns raw output into the lines a terminal would have left standing.

    `\r` goes back to the start of the line, `\b` one column back, `\n` ends it; colours are
    dropped. So a Keras progress bar, redrawn hundreds of times, becomes one line an epoch.

    Args:
        emit: Called with each finished line.
    """

    def __init__(self, emit: Callable[[str], None]) -> None:
        self.emit = emit
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._line: list[str] = []
        self._column = 0
        self._rest = ""

    def feed(self, data: bytes) -> None:
        text = self._rest + self._decode(data)
        text, self._rest = _split_unfinished_escape(text)
        for piece in re.split(r"([\r\n\x08])", ANSI.sub("", text)):
            self._put(piece)

    def flush(self) -> None:
        """Emits what stands on the line, finished or not."""
        if self._line:
            self.emit("".join(self._line).rstrip())
        self._line, self._column = [], 0

    def _put(self, piece: str) -> None:
        match piece:
            case "\n":
                self.flush()
            case "\r":
                self._column = 0
            case "\x08":
                self._column = max(0, self._column - 1)
            case _:
                self._line[self._column : self._column + len(piece)] = piece
                self._column += len(piece)
                if len(self._line) > LONGEST_LINE:
                    self.flush()


def _split_unfinished_escape(text: str) -> tuple[str, str]:
    """Cuts off an escape sequence whose end has not arrived yet."""
    start = text.rfind("\x1b")
    if start < 0 or ANSI.match(text, start) or len(text) - start >= LONGEST_ESCAPE:
        return text, ""
    return text[:start], text[start:]
