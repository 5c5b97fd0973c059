"""The loop of a search: a new trial begins the moment there is room for one.

A script and a flow run this same loop; they differ in the launcher that runs the trials.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import TracebackType
from typing import Any, Protocol, Self

from tuner.core.declaration import Declaration
from tuner.core.trial import Trial, TrialStatus
from tuner.oracles.oracle import Oracle
from tuner.search.progress import Display, opening_line

logger = logging.getLogger(__name__)

SHORTEST, LONGEST = 0.05, 5.0
"""Seconds between two questions to an oracle that has no trial to give."""

LONG = 10.0
"""Seconds after which it is told that nothing happens."""

EVERY_TRIAL = "every trial has ended"


class Searching(Protocol):
    """What the loop calls of a tuner."""

    oracle: Any
    display: Display | None

    def pre_create_trial(self) -> None: ...

    def on_search_begin(self) -> None: ...

    def on_search_end(self) -> None: ...

    def export_if_any_ended(self, since: int) -> None: ...

    def save(self) -> None: ...

    @property
    def search_project(self) -> Any: ...


class TrialLauncher(Protocol):
    """Runs trials somewhere; entered for the time of a search."""

    def prepare(self, *, may_have_changed: bool) -> Declaration | None:
        """Called before the first trial; what the study declares as it is now.

        Args:
            may_have_changed: Whether it can be another than at the start before; None may be
                answered otherwise, where asking takes a training process.
        """

    def ready(self) -> None:
        """Called once that has been taken over."""

    def free_slot(self, busy: Collection[str]) -> str | None:
        """Name of a slot that may run a trial now, None when there is none.

        Args:
            busy: Names of the slots that run one.
        """

    def launch(self, trial: Trial, slot: str) -> None:
        """Begins to run a trial; may return before it has ended, or after."""

    def wait(self) -> Sequence[str]:
        """Names of slots whose trial has ended, after waiting for that or for a moment.

        Raises:
            Exception: The search cannot go on; trials that were running will run again.
        """

    def __enter__(self) -> Self: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...


def run_search(tuner: Searching, launcher: TrialLauncher, show: Callable[[Oracle], Display]) -> str:
    """Runs a search from its first trial to its last; says why there are no more.

    Args:
        tuner: Its hooks of a search are called.
        launcher: Runs the trials.
        show: Makes the display of the search.

    Raises:
        LeaseHeldError: Another process is searching on this project.
        RuntimeError: Too many trials in a row have failed.
    """
    oracle, reason = tuner.oracle, None
    oracle.start(searching=True)
    try:
        with show(oracle) as display:
            tuner.display = display
            display.note(opening_line(oracle, tuner.search_project.url))
            with launcher:
                tuner.on_search_begin()
                reason = _Loop(tuner, launcher, display).run()
                display.note(f"The search has ended: {reason}")
                tuner.on_search_end()
            tuner.export_if_any_ended(display.ended_before)
    finally:
        oracle.stop(reason)
        tuner.save()
    return reason


class _Loop:
    def __init__(self, tuner: Searching, launcher: TrialLauncher, display: Display) -> None:
        self._tuner = tuner
        self._oracle: Oracle = tuner.oracle
        self._launcher = launcher
        self._display = display
        self._patience = Patience(self._oracle)
        self._busy: set[str] = set()
        self._done: str | None = None

    def run(self) -> str:
        self._take_over_changes()
        while True:
            self._fill_slots()
            if len(self._oracle.end_order) > self._display.ended_before:
                self._display.advanced()
            if not self._busy:
                return self._done or EVERY_TRIAL
            self._busy.difference_update(self._launcher.wait())

    def _take_over_changes(self) -> None:
        """Compares the study with what the project knows, and says what is different."""
        oracle, display = self._oracle, self._display
        changed = oracle.session.may_have_changed
        declaration = self._launcher.prepare(may_have_changed=changed)
        for line in oracle.session.declare(declaration):
            display.note(line)
        self._launcher.ready()
        # What has been opened again counts once it ends again.
        display.ended_before = len(oracle.end_order)

    def _fill_slots(self) -> None:
        while self._done is None:
            slot = self._launcher.free_slot(self._busy)
            if slot is None:
                return
            self._tuner.pre_create_trial()
            trial = self._oracle.next_trial(slot)
            if trial.status == TrialStatus.STOPPED:
                self._done = trial.message or EVERY_TRIAL
            elif trial.status == TrialStatus.IDLE:
                if self._busy:
                    return
                self._patience.wait()
            else:
                self._patience.renew()
                self._oracle.take_in(trial)
                self._busy.add(slot)
                self._launcher.launch(trial, slot)


class Patience:
    """Asks an idle oracle again after a while, each time a longer one.

    It may be calculating in a thread, or wait for something outside.

    Args:
        oracle: The oracle.
    """

    def __init__(self, oracle: Oracle) -> None:
        self.oracle = oracle
        self._seconds = SHORTEST
        self._waited = 0.0

    def wait(self) -> None:
        """Waits before the next question; warns once when it has been long."""
        before, self._waited = self._waited, self._waited + self._seconds
        if before < LONG <= self._waited:
            logger.warning(
                "Expected %s to propose a trial or to stop. Received: IDLE for %.0f s, while no "
                "trial is running. It is asked again.",
                type(self.oracle).__name__,
                self._waited,
            )
        time.sleep(self._seconds)
        self._seconds = min(2 * self._seconds, LONGEST)

    def renew(self) -> None:
        """There was a trial."""
        self._seconds, self._waited = SHORTEST, 0.0


class InProcess:
    """Runs trials in the process that searches, one after the other.

    Args:
        slot: Name of the one slot: the id of the tuner.
        run: Runs a trial to its end.
        declare: Asks the study what it declares.
    """

    def __init__(
        self, slot: str, run: Callable[[Trial], None], declare: Callable[[], Declaration]
    ) -> None:
        self._slot = slot
        self._run = run
        self._declare = declare
        self._stack = ExitStack()

    def prepare(self, *, may_have_changed: bool) -> Declaration:
        del may_have_changed  # the digest of a function does not tell what it closes over
        return self._declare()

    def ready(self) -> None:
        pass

    def free_slot(self, busy: Collection[str]) -> str | None:
        return None if busy else self._slot

    def launch(self, trial: Trial, slot: str) -> None:
        del slot
        self._run(trial)

    def wait(self) -> Sequence[str]:
        return [self._slot]

    def __enter__(self) -> Self:
        self._stack.enter_context(quick_collections())
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()


@contextmanager
def quick_collections() -> Iterator[None]:
    """What is alive now is left out of garbage collections until the end.

    Keras collects garbage before each model is built. With TensorFlow imported that takes 0.2 s
    each time, nearly all of it for objects that stay as long as the process.
    """
    if gc.get_freeze_count():  # another library's, or a child's that was forked so
        yield
        return
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()
