"""Keras callbacks a trial trains with. Imports keras: only what fits models imports this."""

from __future__ import annotations

import sys
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Any

import keras

from tuner.objective import Objective
from tuner.training.model_size import check_size
from tuner.trial import Trial

if TYPE_CHECKING:
    from tuner.training.training_state import TrainingState
    from tuner.tuner import Tuner


class TunerCallback(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Calls the tuner's hooks for epochs."""

    def __init__(self, tuner: Tuner, trial: Trial) -> None:
        super().__init__()
        self.tuner = tuner
        self.trial = trial

    def set_params(self, params: Any) -> None:
        """Has Keras leave out its bars where the search's display is there instead.

        Its logger comes last and gets the same parameters. What a `fit` of the user's own asks
        for itself stays.
        """
        super().set_params(params)
        display = self.tuner.display
        if params and display is not None and display.replaces_bars:
            replaced = ("auto", self.tuner.oracle.verbose)
            if params.get("verbose") in replaced:
                params["verbose"] = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        # Here, since by now every callback has kept what the last epoch gave.
        self.tuner.oracle.check_not_interrupted()
        self.tuner.on_epoch_begin(self.trial, self.model, epoch, logs=logs)

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        if self.tuner.report_epoch(self.trial, epoch, logs or {}):
            self.model.stop_training = True
        self.tuner.on_epoch_end(self.trial, self.model, epoch, logs=logs)


class BatchTunerCallback(TunerCallback):
    """Calls the tuner's hooks for batches too.

    Apart, since Keras waits for the logs of every batch as soon as one callback asks for them.
    """

    def on_batch_begin(self, batch: int, logs: Any = None) -> None:
        self.tuner.on_batch_begin(self.trial, self.model, batch, logs)

    def on_batch_end(self, batch: int, logs: Any = None) -> None:
        self.tuner.on_batch_end(self.trial, self.model, batch, logs)


class WatchedTunerCallback(TunerCallback):
    """Tells the display of each batch; in place of Keras's bar, and no dearer."""

    async_safe = True  # Keras need not wait for the batch's metrics

    def __init__(self, tuner: Tuner, trial: Trial) -> None:
        super().__init__(tuner, trial)
        self._epoch = 0

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        super().on_epoch_begin(epoch, logs)
        self._epoch = epoch

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        del logs
        if self.tuner.display is not None:
            self.tuner.display.batch_ended(self.trial, self._epoch, batch, self.params)


class SizeLimit(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Refuses a model that is too large, once its first batch has built it.

    Args:
        limit: Number of trainable parameters.
    """

    def __init__(self, limit: int) -> None:
        super().__init__()
        self.limit = limit

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        del logs
        if batch == 0:
            check_size(self.model, self.limit)


class SaveBestEpoch(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Saves the weights when the objective improves; over all executions it is given to.

    Without the objective among the logs every epoch is saved, so the last one stays. A NaN never
    improves.

    Args:
        objective: What to improve.
        filepath: Local path, ending in `.weights.h5`.
    """

    def __init__(self, objective: Objective, filepath: str) -> None:
        super().__init__()
        self.objective = objective
        self.filepath = filepath
        self.best_value: float | None = None

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        del epoch
        logs = logs or {}
        if not self.objective.has_value(logs):
            self._save_weights()
            return
        value = self.objective.get_value(logs)
        if value != value:  # noqa: PLR0124 - NaN
            return
        if self.best_value is None or self.objective.better_than(value, self.best_value):
            self.best_value = value
            self._save_weights()

    def get_state(self) -> dict[str, Any]:
        """The best value; the weights lie in the file."""
        return {"best_value": self.best_value}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes over what `get_state` gave."""
        self.best_value = state["best_value"]

    def _save_weights(self) -> None:
        # Aside, since somebody may still be reading the file of an earlier epoch.
        path = Path(self.filepath)
        partial = path.with_name(f"new-{path.name}")
        self.model.save_weights(partial, overwrite=True)
        partial.replace(path)


class TrainingStateCallback(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Saves a training between two epochs, and takes it up there.

    Both at the beginning of an epoch, before any other callback: only then is everything that
    belongs to the epoch before done, and whether there is to be another one known.

    Args:
        state: What it tells.
    """

    def __init__(self, state: TrainingState) -> None:
        super().__init__()
        self.state = state
        self._trainings = 0
        self._first = True
        self._companions: list[Any] = []

    def on_train_begin(self, logs: Any = None) -> None:
        del logs
        self._trainings += 1
        self._first = True
        self._companions = [c for c in _callbacks_around(self) if not isinstance(c, _TRANSIENT)]
        self.state.train_begins(self.model, self._companions, self._trainings)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        del logs
        if not self._trainings:
            return  # a loop of the user's own, that tells callbacks a part only
        first, self._first = self._first, False
        # A loop of the user's own gives no parameters, and may not know `initial_epoch`.
        resumable = self._trainings == 1 and bool(self.params)
        self.state.epoch_begins(epoch, self.model, self._companions, first=first, save=resumable)

    def on_train_end(self, logs: Any = None) -> None:
        del logs
        self.state.train_ends(self.model, self._companions)


_TRANSIENT = (TunerCallback, keras.callbacks.History, keras.callbacks.ProgbarLogger)
"""Callbacks without a state of their own, or whose state is kept otherwise."""


def _callbacks_around(callback: keras.callbacks.Callback) -> list[Any]:
    """The other callbacks of the training; `HyperModel.fit` may have added some of its own.

    Nothing tells a callback of the others, but the list that is calling it.
    """
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - see above
    while frame is not None:
        caller = frame.f_locals.get("self")
        listed = getattr(caller, "callbacks", None)
        if isinstance(listed, list) and callback in listed:
            return [c for c in listed if c is not callback]
        frame = frame.f_back
    return []
