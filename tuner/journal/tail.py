"""The length of a journal, noted beside it, so that a lost last entry is noticed."""

from __future__ import annotations

from dataclasses import dataclass

from storage import CorruptError, ProjectPaths, Store, seal, unseal
from tuner.core.typed import parse

RESTORE = "Restore it from a backup, or mend what can be mended: `trialflow repair`."


@dataclass(frozen=True, slots=True)
class _Note:
    entries: int


class Tail:
    """The note of a journal's length, which the journal may have outgrown.

    Args:
        store: Of the project.
    """

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key = ProjectPaths.tail

    def note(self, entries: int) -> None:
        """Notes the length; that of an empty journal is not worth it."""
        if entries:
            self._store.replace(self._key, seal({"entries": entries}))

    def noted(self) -> int:
        """The length by the last note; 0 without one.

        Raises:
            CorruptError: The note is damaged.
        """
        found = self._store.read_many([self._key])
        if not found:
            return 0
        where = f"{self._store}/{self._key}"
        return parse(_Note, unseal(found[self._key], where), where).entries

    def check(self, entries: int, known: int) -> None:
        """Raises CorruptError where the journal has been longer.

        Args:
            entries: How many there are.
            known: How many there must be, by what else is known.
        """
        noted = max(self.noted(), known)
        if entries < noted:
            self.note(noted)  # what is known otherwise may be gone the next time
            where = f"{self._store}/{ProjectPaths().journal_entry(entries)}"
            msg = f"Expected an entry of the journal at {where}, which had {noted} of them."
            raise CorruptError(f"{msg} Received: nothing. {RESTORE}")
