"""Keras callbacks a trial trains with. Imports keras: only what fits models imports this."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import keras

from tuner.model_size import check_size
from tuner.objective import Objective
from tuner.trial import Trial

if TYPE_CHECKING:
    from tuner.tuner import Tuner


class TunerCallback(keras.callbacks.Callback):  # type: ignore[misc]  # keras has no types
    """Calls the tuner's hooks for epochs."""

    def __init__(self, tuner: Tuner, trial: Trial) -> None:
        super().__init__()
        self.tuner = tuner
        self.trial = trial

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
            self.model.save_weights(self.filepath, overwrite=True)
            return
        value = self.objective.get_value(logs)
        if value != value:  # noqa: PLR0124 - NaN
            return
        if self.best_value is None or self.objective.better_than(value, self.best_value):
            self.best_value = value
            self.model.save_weights(self.filepath, overwrite=True)
