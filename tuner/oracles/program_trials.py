"""Trials that a program has made itself, as subclasses of Keras Tuner's oracles do."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from tuner.core.hyperparameters import HyperParameters
from tuner.core.hyperparameters.sampling import values_key
from tuner.core.runtime import Clock
from tuner.core.trial import Trial
from tuner.journal.events import Event
from tuner.journal.folding import replay
from tuner.journal.history import History
from tuner.journal.ledger import Ledger, trial_taken_in
from tuner.oracles.settings import Settings


class ProgramTrials:
    """Tells a history, and its journal, of trials that a program has put into it.

    Args:
        settings: The oracle's.
        grown: The events that add a trial's hyperparameters to the space.
        clock: Tells the time.
    """

    def __init__(
        self,
        settings: Settings,
        grown: Callable[[HyperParameters], Sequence[Event]],
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._grown = grown
        self._clock = clock
        self._waiting: list[Trial] = []
        """Those that no journal has yet."""

    def put(self, trial: Trial, ledger: Ledger) -> None:
        """Takes in a trial; without a journal that can be written, until there is one.

        Raises:
            ValueError: It has completed without a score, or has ended and is changed now.
        """
        self.record(trial, ledger, ended=trial.ended)
        if not ledger.writing:
            self._waiting.append(trial)

    def join(self, ledger: Ledger, put: Callable[[Trial], None]) -> None:
        """Has the trials of a history take in more by `put`, and those that wait at once."""
        ledger.history.trials.take_in = put
        for trial in self._waiting:
            self.record(trial, ledger, ended=trial.ended)
        if ledger.writing:
            self._waiting.clear()

    def record(self, trial: Trial, ledger: Ledger, *, ended: bool) -> None:
        """Records what the history lacks, and has it hold the object that the program holds.

        An ended trial with the values and the score of another is left out: a program that is run
        again puts in again what it knows.
        """
        history = ledger.history
        if ended and trial.trial_id not in history.trials and _is_known(trial, history):
            return
        grown = self._grown(trial.hyperparameters) if ended else ()
        seed, now = self._settings.seed, self._clock.time()
        told = [*grown, *trial_taken_in(trial, history, seed, now, ended=ended)]
        if ledger.writing:
            ledger.record(*told)
        else:
            replay(history, told)
        history.hold(trial)


def _is_known(trial: Trial, history: History) -> bool:
    key = values_key(trial.values)
    return key in history.tried and any(
        other.ended and other.score == trial.score and values_key(other.values) == key
        for other in history.trials.values()
    )
