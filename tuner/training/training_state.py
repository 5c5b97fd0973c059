"""The training state of one execution: what it goes on with, and what it leaves for a next time."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage import LocalStore
from tuner.journal.project import Project
from tuner.training.callback_states import reopen_logs
from tuner.training.model_state import (
    StateMismatchError,
    model_state,
    set_model_state,
    set_progress,
    size_of,
)
from tuner.training.shuffling import Order
from tuner.training.state_store import Snapshot, State, StateDamagedError, StatePlace
from tuner.training.state_writer import CheckpointSchedule, Every, StateWriter

logger = logging.getLogger(__name__)


class StartOverError(Exception):
    """The execution cannot go on from its state and must begin again, without it.

    Args:
        reason: Why.
        changed: Whether the model is another one, so that no earlier state would fit either.
    """

    def __init__(self, reason: str, *, changed: bool = False) -> None:
        super().__init__(reason)
        self.changed = changed


@dataclass(frozen=True, slots=True)
class Reports:
    """What a trial has reported on its way, which belongs to the state of its training."""

    get: Callable[[], Any]
    """Gives it; JSON."""
    set: Callable[[Any], None]
    """Takes over what `get` gave in an earlier process."""


class TrainingState:
    """Saves a training at epoch ends, and goes on with one that was cut off.

    With `fit`, which does the rest:

        state = tuner.training_state(trial, model)
        model.fit(x, y, epochs=10, initial_epoch=state.epoch, callbacks=[state.callback()])

    With a loop of one's own:

        state = tuner.training_state(trial, model)
        losses = state.restore().get("losses", [])
        for epoch in range(state.epoch, 10):
            losses.append(train_an_epoch(model))
            state.save(epoch + 1, losses=losses)

    Args:
        project: Where it lies.
        place: The execution's folder there.
        folder: A local one, for files on their way.
        every: See `CheckpointSchedule`.
        resume: Whether to go on with what lies there.
        model: The model, for a loop of one's own; `fit` tells its callbacks.
        seed: Of the execution; None leaves the order of the data to Keras.
        keep_end: Whether the state at the end is wanted, in `end`.
        is_last_chance: Says whether training ends with this epoch, for another process to go on.
        reports: What else belongs to the state.
    """

    def __init__(
        self,
        project: Project,
        place: StatePlace,
        folder: Path,
        *,
        every: Every = "auto",
        resume: bool = True,
        model: Any = None,
        seed: int | None = None,
        keep_end: bool = False,
        is_last_chance: Callable[[], bool] = lambda: False,
        reports: Reports | None = None,
    ) -> None:
        self.order = None if seed is None else Order(seed)
        self.epoch = 0
        """The epoch to go on with, from 0: as many epochs are done."""
        self.best_file = folder / "checkpoint.weights.h5"
        """Weights of the best epoch so far, if they were written there."""
        self.end: State | None = None
        """The state at the end of training, where it was asked for."""
        self.keep_end = keep_end
        self._is_last_chance = is_last_chance
        self._reports = reports
        self._model = model
        self._place = place
        self._remote = not isinstance(project.store, LocalStore)
        self._schedule = CheckpointSchedule(every)
        self._writer = StateWriter(place, self._schedule)
        self._saved_file: tuple[int, int] | None = None
        self._saved_epoch = 0
        self._wrote = False
        self.inherited = False
        """Whether what it begins with is the end of another execution."""
        self._resumed = False
        self._pending: State | None = self._load() if resume else None
        if self._pending is not None:
            self.epoch = self._saved_epoch = self._pending["epoch"]
            self._saved_file = self._file_version()

    @property
    def found(self) -> bool:
        """Whether there is a state to go on with, that was not taken over yet."""
        return self._pending is not None

    def inherit(self, state: State) -> None:
        """Begins with the end of another execution."""
        self._pending, self.inherited = state, True

    def start_over(self) -> None:
        """Forgets the saved states."""
        self._writer.wait()
        self._place.discard()
        self.best_file.unlink(missing_ok=True)
        self._pending = self._saved_file = self.end = None
        self.epoch = self._saved_epoch = 0
        self.inherited = self._resumed = False

    # For `fit`.

    def callback(self) -> Any:
        """A fresh Keras callback, to be the first one of `fit`."""
        from tuner.training.callbacks import TrainingStateCallback

        return TrainingStateCallback(self)

    def train_begins(self, model: Any, callbacks: Sequence[Any], trainings: int) -> None:
        """Called by the callback.

        Args:
            model: The model.
            callbacks: All callbacks of this training whose state is to be kept.
            trainings: How many trainings of this execution have begun.
        """
        if trainings > 1:
            self._another_training_begins()
        self._schedule.begin(size_of(model), remote=self._remote)
        if self._pending is not None and not self.inherited:
            reopen_logs(callbacks, self.epoch)

    def epoch_begins(
        self, epoch: int, model: Any, callbacks: Sequence[Any], *, first: bool, save: bool
    ) -> None:
        """Takes the state over before the first epoch; saves it before a later one.

        Args:
            epoch: Its number.
            model: The model.
            callbacks: As in `train_begins`.
            first: Whether it is the first one of this training.
            save: Whether what is saved can be gone on with.
        """
        if self.order is not None:
            self.order.epoch = epoch
        if self._pending is not None:
            self._take_over(epoch, model, callbacks)
        elif not first and save:
            # Only now the optimizer has its variables, which are most of a state.
            self._schedule.foresee(size_of(model), remote=self._remote)
            self._save_if_due(epoch, lambda: model_state(model, callbacks))

    def train_ends(self, model: Any, callbacks: Sequence[Any]) -> None:
        """Called by the callback, before any other has its turn."""
        if self.order is not None:
            self.order.epoch = None
        if self._pending is not None and not self.inherited:
            msg = f"its {self.epoch} epochs are more than `fit` is to run"
            raise StartOverError(msg)
        if self.keep_end:
            done = getattr(getattr(model, "history", None), "epoch", None) or [-1]
            self.end = {**model_state(model, callbacks), "epoch": done[-1] + 1}

    # For loops of one's own.

    def restore(self) -> dict[str, Any]:
        """Gives the model what was saved; answers what was saved with it, nothing without.

        A state that does not fit the model is left aside, with a warning, and `epoch` is 0.
        """
        pending, self._pending = self._pending, None
        model = self._own_model()
        if pending is None:
            self._schedule.begin(size_of(model), remote=self._remote)
            return {}
        try:
            set_model_state(model, (), pending)
        except StateMismatchError as error:
            logger.warning("The training starts over: %s.", error)
            self.start_over()
            return {}
        self._schedule.begin(size_of(model), remote=self._remote)
        set_progress(None, pending)
        more: dict[str, Any] = pending["more"]
        return more

    def save(self, epochs: int, **more: Any) -> None:
        """Saves the state, if it is due.

        Args:
            epochs: Number of epochs that are done.
            **more: What `restore` is to answer; JSON and arrays.

        Raises:
            TypeError: Something is neither.
            StorageError: The store has refused an earlier state, or is full.
        """
        self._save_if_due(epochs, lambda: model_state(self._own_model(), ()), more)

    # At the end.

    def finish(self) -> None:
        """Deletes the state: the execution has ended."""
        try:
            self._writer.wait()
        finally:
            self._writer.close()
        if self._wrote or self._resumed or self._pending is not None:
            self._place.discard()

    def close(self) -> None:
        """Leaves the state for a next time."""
        self._writer.close()

    def _own_model(self) -> Any:
        if self._model is None:
            msg = "Expected a `model` in `training_state(trial, model)`. Received: None."
            raise ValueError(msg)
        optimizer = getattr(self._model, "optimizer", None)
        if optimizer is not None and not optimizer.built:
            optimizer.build(self._model.trainable_variables)
        return self._model

    def _load(self) -> State | None:
        try:
            return self._place.load(self.best_file)
        except StateDamagedError as error:
            logger.warning("The training starts over: %s.", error)
            self.best_file.unlink(missing_ok=True)
            return None

    def _another_training_begins(self) -> None:
        if self._resumed:
            # `fit` is called several times, and only the first call knew where it was.
            raise StartOverError("`fit` is called several times, which can only be repeated whole")
        self._writer.wait()
        if self._wrote:
            self._place.discard()

    def _take_over(self, epoch: int, model: Any, callbacks: Sequence[Any]) -> None:
        state, self._pending = self._pending, None
        assert state is not None  # callers have looked
        if not self.inherited and epoch != state["epoch"]:
            raise StartOverError(
                f"expected `fit` to begin with initial_epoch={state['epoch']}, which "
                f"`HyperModel.fit` is given; received {epoch}"
            )
        try:
            set_model_state(model, callbacks, state)
        except StateMismatchError as error:
            reason = f"the model's code has changed: {error}"
            raise StartOverError(reason, changed=True) from error
        if not self.inherited:
            set_progress(model, state)
            if self._reports is not None:
                self._reports.set(state["more"].get("reports"))
        self._resumed = not self.inherited
        self._saved_epoch = epoch

    def _save_if_due(
        self, epochs: int, state: Callable[[], State], more: dict[str, Any] | None = None
    ) -> None:
        last_chance = self._schedule.every is not None and self._is_last_chance()
        if self._schedule.every == "auto" and self._writer.busy and not last_chance:
            return
        if not self._writer.busy:
            self._writer.wait()  # so that the schedule knows what the last one took
        if not last_chance and not self._schedule.due(epochs - self._saved_epoch):
            return
        began = time.monotonic()
        reports = {} if self._reports is None else {"reports": self._reports.get()}
        snapshot = Snapshot.of({**state(), "epoch": epochs, "more": {**reports, **(more or {})}})
        version = self._file_version()
        file = self.best_file if version not in (None, self._saved_file) else None
        self._writer.write(snapshot, file, time.monotonic() - began)
        self._saved_epoch, self._saved_file, self._wrote = epochs, version, True

    def _file_version(self) -> tuple[int, int] | None:
        try:
            status = self.best_file.stat()
        except FileNotFoundError:
            return None
        return status.st_ino, status.st_mtime_ns
