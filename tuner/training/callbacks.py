"""Keras callbacks a trial trains with. Imports keras: only what fits models imports this."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import keras

from storage.scratch import ScratchLostError
from tuner.core.objective import Objective
from tuner.core.trial import Trial
from tuner.errors import ObjectiveMissingError
from tuner.training.models import check_size
from tuner.training.plan import EpochObserver, Hooks


class TunerCallback(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Calls the tuner's hooks for epochs."""

    def __init__(self, tuner: Hooks, trial: Trial) -> None:
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

    def __init__(self, tuner: Hooks, trial: Trial) -> None:
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
        self.due: int | None = None
        """The epoch by whose end the objective is among the logs, from 0; None for whenever."""
        self.best_value: float | None = None
        self.has_saved = Path(filepath).exists()

    def on_epoch_end(self, epoch: int, logs: Any = None) -> None:
        self.check_not_lost()
        logs = logs or {}
        if not self.objective.has_value(logs):
            self._check_not_due(epoch, logs)
            self._save_weights()
            return
        self.due = None
        value = self.objective.get_value(logs)
        if value != value:  # noqa: PLR0124 - NaN
            return
        if self.best_value is None or self.objective.better_than(value, self.best_value):
            self.best_value = value
            self._save_weights()

    def _check_not_due(self, epoch: int, logs: Mapping[str, Any]) -> None:
        """Raises ObjectiveMissingError where no later epoch will have the objective."""
        own_fit = not type(self.model).fit.__module__.startswith("keras.")
        if self.due is None or epoch < self.due or own_fit:
            return
        msg = (
            f"Expected the objective, {self.objective.name}, among the metrics of an epoch. "
            f"Received, in the first one: {', '.join(sorted(logs))}. Name one of these as the "
            "objective; the trial then begins anew, and none is spent."
        )
        raise ObjectiveMissingError(msg)

    def get_state(self) -> dict[str, Any]:
        """The best value, and of what; the weights lie in the file."""
        return {"best_value": self.best_value, "objective": self.objective.to_json()}

    def set_state(self, state: dict[str, Any]) -> None:
        """Takes over what `get_state` gave."""
        own = self.objective.to_json()
        if state.get("objective", own) == own:  # else it says nothing of this one
            self.best_value = state["best_value"]

    def check_not_lost(self) -> None:
        """Raises ScratchLostError where the saved file was deleted."""
        if self.has_saved and not Path(self.filepath).exists():
            raise ScratchLostError(self.filepath)

    def _save_weights(self) -> None:
        # Aside, since a reader may still have the file of an earlier epoch open.
        path = Path(self.filepath)
        partial = path.with_name(f"new-{path.name}")
        self.model.save_weights(partial, overwrite=True)
        partial.replace(path)
        self.has_saved = True


class TrainingStateCallback(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Saves a training between two epochs, and takes it up there.

    Both at the beginning of an epoch, before any other callback: only then is everything that
    belongs to the epoch before done, and whether there is to be another one known.

    Args:
        state: What it tells.
    """

    def __init__(self, state: EpochObserver) -> None:
        super().__init__()
        _introduce_callbacks()
        self.state = state
        self.listed: list[Any] = []
        """The callbacks of the training, also those that `HyperModel.fit` has added."""
        self._trainings = 0
        self._first = True

    def on_train_begin(self, logs: Any = None) -> None:
        del logs
        self._trainings += 1
        self._first = True
        self.state.train_begins(self.model, self._others(), self._trainings)

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:
        del logs
        if not self._trainings:
            return  # a loop of the user's own, that tells callbacks a part only
        first, self._first = self._first, False
        # A loop of the user's own gives no parameters, and may not know `initial_epoch`.
        resumable = self._trainings == 1 and bool(self.params)
        self.state.epoch_begins(epoch, self.model, self._others(), first=first, save=resumable)

    def on_train_end(self, logs: Any = None) -> None:
        del logs
        self.state.train_ends(self.model, self._others())

    def _others(self) -> list[Any]:
        """The other callbacks, but for those whose state is kept otherwise."""
        return [c for c in self.listed if c is not self and not isinstance(c, _TRANSIENT)]


_TRANSIENT = (TunerCallback, keras.callbacks.History, keras.callbacks.ProgbarLogger)
"""Callbacks without a state of their own, or whose state is kept otherwise."""


@functools.cache
def _introduce_callbacks() -> None:
    """Has each list of callbacks tell a `TrainingStateCallback` in it of the others.

    Keras tells a callback of the model, and not of the callbacks beside it.
    """
    listing = keras.callbacks.CallbackList
    make = listing.__init__

    @functools.wraps(make)
    def introduce(self: Any, *args: Any, **kwargs: Any) -> None:
        make(self, *args, **kwargs)
        for callback in self.callbacks:
            if isinstance(callback, TrainingStateCallback):
                callback.listed = self.callbacks

    listing.__init__ = introduce
