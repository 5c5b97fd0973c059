"""Hyperparameters that a process has met before the journal has them, and how the space grows."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tuner.core.hyperparameters import HyperParameters
from tuner.core.hyperparameters.sampling import complete_values
from tuner.core.jsonable import to_json
from tuner.journal.events import SpaceGrown, ValuesEnqueued
from tuner.journal.ledger import Ledger, space_grown
from tuner.oracles.changes import space_changed
from tuner.oracles.settings import Settings, admitted


class DeclaredSpace:
    """The space that a program declares, and the values that it asks for.

    While the journal is not this process's to write, both wait for that.

    Args:
        settings: The oracle's.
        given: The hyperparameters the user gave in advance.
        find_ledger: Answers the ledger of the search, which may become another.
    """

    def __init__(
        self, settings: Settings, given: HyperParameters, find_ledger: Callable[[], Ledger]
    ) -> None:
        self.given = given
        """The hyperparameters that the user gave in advance, which override the model's."""
        self.initial = given.copy()
        """These, and what was declared before the search started."""
        self._settings = settings
        self._find_ledger = find_ledger
        self._wanted: list[dict[str, Any]] = []

    @property
    def known(self) -> HyperParameters:
        """The space; before the search starts, with what only this process knows of it."""
        ledger = self._find_ledger()
        if ledger.writing:
            return ledger.history.space
        space = ledger.history.space.copy()
        space.merge(self.initial.space)
        return space

    def grown_by(self, hyperparameters: HyperParameters) -> Sequence[SpaceGrown]:
        """The event that adds those that are not in the space yet.

        Raises:
            RuntimeError: There are some, and no more may join.
        """
        space = self.known
        new = [p for p in hyperparameters.difference(space) if not p.name.startswith("tuner/")]
        return space_grown(hyperparameters, space) if admitted(self._settings, new) else []

    def grow(self, hyperparameters: HyperParameters) -> None:
        """Adds the hyperparameters that are not in the space yet.

        Raises:
            RuntimeError: There are some, and no more may join.
        """
        grown, ledger = self.grown_by(hyperparameters), self._find_ledger()
        if ledger.writing:
            ledger.record(*grown)
        elif grown:
            # Not ours to write yet; the start of the search will.
            self.initial.merge(hyperparameters.space)

    def begin_with(self, space: HyperParameters) -> None:
        """Adds a space; before the search starts, also what is declared in it from now on."""
        if self._find_ledger().writing:
            self.grow(space)
        else:
            space.merge(self.initial.difference(space))
            self.initial = space

    def preview(self) -> None:
        """For those who ask an oracle by hand; a start records the space, and reads all anew."""
        ledger = self._find_ledger()
        if not ledger.writing:
            ledger.history.space.merge(self.initial.difference(ledger.history.space))

    def record(self) -> None:
        """Records, at the start of a search, what the journal does not know."""
        ledger = self._find_ledger()
        if not ledger.history.trials:
            ledger.record(*space_grown(self.initial, ledger.history.space))
        ledger.record(*space_changed(ledger.history, self.initial, whole=False))

    def enqueue(self, values: Mapping[str, Any]) -> None:
        """Asks for a trial of these values; see `Oracle.enqueue`."""
        checked = to_json(dict(values))
        space = self.known
        if space.space:
            complete_values(space, checked)
        self._wanted.append(checked)
        if self._find_ledger().writing:
            self.record_wanted()

    def record_wanted(self) -> None:
        """Records the values that were asked for while the journal was not ours to write."""
        ledger = self._find_ledger()
        for values in self._wanted:
            if not ledger.history.was_asked_for(values):
                ledger.record(ValuesEnqueued(values))
        self._wanted.clear()
