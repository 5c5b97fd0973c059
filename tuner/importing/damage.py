"""JSON files of the old project, and the one error that names what is wrong with one."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from storage import CorruptError, Store


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON object that was read from a file, with the file's name for the errors."""

    where: str
    state: Mapping[str, Any]

    @classmethod
    def parse(cls, data: bytes, where: str) -> Document:
        """Reads a file; NaN and infinities are numbers, as Keras Tuner writes them.

        Raises:
            CorruptError: It is no JSON object.
        """
        try:
            state = json.loads(data)
        except ValueError as error:
            raise damaged(where, "a whole JSON object", str(error)) from error
        if not isinstance(state, dict):
            raise damaged(where, "a JSON object", f"a {type(state).__name__}")
        return cls(where, state)

    def get(self, name: str, *kinds: type, default: Any = ...) -> Any:
        """The entry of a name.

        Raises:
            CorruptError: It is missing and has no default, or is of another type.
        """
        if name not in self.state:
            if default is ...:
                received = f"only {', '.join(sorted(self.state)) or 'an empty object'}"
                raise damaged(self.where, f"an entry `{name}`", received)
            return default
        value = self.state[name]
        if not isinstance(value, kinds):
            names = " or ".join("null" if kind is type(None) else kind.__name__ for kind in kinds)
            raise damaged(self.where, f"`{name}` to be {names}", f"{name}={value!r}")
        return value

    def part(self, name: str) -> Document:
        """An entry that is an object itself. Raises what `get` does."""
        return Document(self.where, self.get(name, dict))

    @contextmanager
    def reading(self, what: str) -> Iterator[None]:
        """Errors of whoever makes something of this file become one that names the file."""
        try:
            yield
        except CorruptError:
            raise
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError) as error:
            said = f"no {error}" if isinstance(error, KeyError) else str(error)
            raise damaged(self.where, f"readable {what}", said) from error


def damaged(where: str, expected: str, received: str) -> CorruptError:
    """The error of a damaged file."""
    return CorruptError(
        f"Expected {expected} in {where}. Received: {received.rstrip('.')}. Restore the file or "
        "take its trial out of the project; nothing was imported."
    )


def place(store: Store, key: str) -> str:
    """What messages call a file."""
    return f"{store}/{key}"
