"""Output of a child: clean lines, of which a bounded number is kept and passed on."""

from __future__ import annotations

import codecs
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator

from tuner.core.text import ESCAPE, clean

LONGEST_ESCAPE = 256
"""Characters of an escape sequence whose end is waited for."""

LONGEST_LINE = 8192
"""Characters; a longer line goes on in the next one."""

KEPT_LINES, KEPT_BYTES = 20_000, 1 << 22
"""Of what one trial prints; the last ones, since the end tells what went wrong."""

BURST, RATE = 500, 100.0
"""Lines that are passed on at once, and in a second; Prefect takes no more for long."""

LONGEST_PASSED = 2000
"""Characters of a line that is passed on."""

END = 50
"""Lines that are passed on of what was left out."""


_UNFINISHED = re.compile(r"\x1b(?:\[[0-?]*[ -/]*|[\]PX^_][^\x07\x1b\x9c\n]*\x1b?|[ -/]*)?\Z")


class LineSink:
    r"""Turns raw output into the lines a terminal would have left standing.

    `\r` goes back to the start of the line, `\b` one column back, `\n` ends it; escapes are
    dropped. So a Keras progress bar, redrawn hundreds of times, becomes one line an epoch.

    Args:
        emit: Called with each finished line.
    """

    def __init__(self, emit: Callable[[str], None]) -> None:
        self.emit = emit
        self._decode = codecs.getincrementaldecoder("utf-8")("replace").decode
        self._line = ""
        self._column = 0
        self._rest = ""

    def feed(self, data: bytes) -> None:
        text = self._rest + self._decode(data)
        text, self._rest = _split_unfinished_escape(text)
        for piece in re.split(r"([\r\n\x08])", ESCAPE.sub("", text)):
            self._put(piece)

    def flush(self) -> None:
        """Emits what stands on the line, finished or not."""
        if self._line:
            self.emit(clean(self._line).rstrip())
        self._line, self._column = "", 0

    def _put(self, piece: str) -> None:
        match piece:
            case "\n":
                self.flush()
            case "\r":
                self._column = 0
            case "\x08":
                self._column = max(0, self._column - 1)
            case _:
                self._write(piece)

    def _write(self, piece: str) -> None:
        end = self._column + len(piece)
        line = self._line[: self._column] + piece + self._line[end:]
        while len(line) > LONGEST_LINE:
            self.emit(clean(line[:LONGEST_LINE]))
            line, end = line[LONGEST_LINE:], max(0, end - LONGEST_LINE)
        self._line, self._column = line, end


class LastLines:
    """The last lines that were printed, within limits.

    Args:
        lines: The most to keep.
        size: Likewise, in characters.
    """

    def __init__(self, lines: int = KEPT_LINES, size: int = KEPT_BYTES) -> None:
        self.left_out = 0
        """Number of lines that were printed before those that are kept."""
        self._most = lines, size
        self._lines: deque[str] = deque()
        self._size = 0

    def add(self, line: str) -> None:
        self._lines.append(line)
        self._size += len(line) + 1
        most, size = self._most
        while len(self._lines) > most or (self._size > size and len(self._lines) > 1):
            self._size -= len(self._lines.popleft()) + 1
            self.left_out += 1

    def text(self) -> str:
        """All that is kept, and how much is not."""
        head = [f"[{self.left_out} lines before this one were left out]"] if self.left_out else []
        return "\n".join([*head, *self._lines, ""])

    def __iter__(self) -> Iterator[str]:
        return iter(self._lines)


class Budget:
    """Lines that may be passed on now: a number at once, and so many in a second later.

    Args:
        burst: At once.
        rate: In a second.
        clock: Seconds.
    """

    def __init__(
        self,
        burst: float = BURST,
        rate: float = RATE,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._burst = self._left = burst
        self._rate = rate
        self._clock = clock
        self._filled = clock()
        self._lock = threading.Lock()

    def take(self) -> bool:
        """Whether one more line may be passed on; it counts as passed on then."""
        with self._lock:
            now = self._clock()
            self._left = min(self._burst, self._left + self._rate * (now - self._filled))
            self._filled = now
            if self._left < 1:
                return False
            self._left -= 1
            return True


class Forwarding:
    """Passes on what one trial prints, as far as a budget allows; of the rest the end, at its end.

    Args:
        emit: Gets each line that is passed on.
        budget: May be shared by several trials.
    """

    def __init__(self, emit: Callable[[str], None], budget: Budget) -> None:
        self._emit = emit
        self._budget = budget
        self._held = LastLines(END)
        self._is_held = False

    def line(self, text: str) -> None:
        if len(text) > LONGEST_PASSED:
            text = f"{text[:LONGEST_PASSED]} [{len(text) - LONGEST_PASSED} characters more]"
        # Once a line is held back the following are too, so that the end is in order.
        if not self._is_held and self._budget.take():
            self._emit(text)
        else:
            self._is_held = True
            self._held.add(text)

    def end(self) -> None:
        """Passes on the last lines of those that were held back."""
        if self._held.left_out:
            self._emit(f"[{self._held.left_out} lines are in the trial's log.txt only]")
        for text in self._held:
            self._emit(text)
        self._held, self._is_held = LastLines(END), False


def _split_unfinished_escape(text: str) -> tuple[str, str]:
    """Cuts off an escape sequence whose end has not arrived yet."""
    found = _UNFINISHED.search(text) if "\x1b" in text else None
    if found is None or len(text) - found.start() >= LONGEST_ESCAPE:
        return text, ""
    return text[: found.start()], found[0]
