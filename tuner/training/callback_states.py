"""The state of callbacks: attributes that training changes."""

from __future__ import annotations

import contextlib
import csv
import io
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tuner.training.arrays import join, separate

logger = logging.getLogger(__name__)

OF_KERAS: Mapping[str, Sequence[str]] = {
    "EarlyStopping": ("wait", "stopped_epoch", "best", "best_epoch", "best_weights"),
    "ReduceLROnPlateau": ("wait", "best", "cooldown_counter"),
    "ModelCheckpoint": ("best", "_batches_seen_since_last_saving", "_last_batch_seen"),
    "TensorBoard": ("_global_train_batch", "_global_test_batch"),
    "SwapEMAWeights": ("_ema_weights_in_model",),
}
"""Attributes by class; a subclass has those of its bases."""


def states_of(callbacks: Sequence[Any]) -> list[list[Any]]:
    """Class name and state of each callback; None for one that has none to tell."""
    return [[type(callback).__name__, _state_of(callback)] for callback in callbacks]


def check_states(callbacks: Sequence[Any], states: Sequence[Sequence[Any]]) -> None:
    """Raises ValueError unless the states are those of such callbacks."""
    expected, found = [name for name, _ in states], [type(c).__name__ for c in callbacks]
    if expected != found:
        raise ValueError(f"expected the callbacks {expected}, received {found}")


def set_states(callbacks: Sequence[Any], states: Sequence[Sequence[Any]]) -> None:
    """Takes over what `states_of` gave."""
    for callback, (_, state) in zip(callbacks, states, strict=True):
        if state is None:
            continue
        if _tells(callback):
            callback.set_state(state)
        else:
            vars(callback).update(state)


def reopen_logs(callbacks: Sequence[Any], epoch: int) -> None:
    """Has each `CSVLogger` go on with its file, without the epochs that will be run again.

    Args:
        callbacks: Of a training that begins.
        epoch: The first one it will run.
    """
    for callback in callbacks:
        if "CSVLogger" in _names_of_keras(callback):
            callback.append = True
            with contextlib.suppress(FileNotFoundError):
                _cut(Path(callback.filename), callback.sep, epoch)


def _state_of(callback: Any) -> Any:
    if _tells(callback):
        state = callback.get_state()
        try:
            plain, arrays = separate(state)
        except TypeError as error:
            logger.warning("The state of %s is not kept: %s", type(callback).__name__, error)
            return None
        return join(plain, [array.copy() for array in arrays])  # it may go on changing them
    names = [name for cls in _names_of_keras(callback) for name in OF_KERAS.get(cls, ())]
    state = {name: vars(callback)[name] for name in names if name in vars(callback)}
    return state or None


def _tells(callback: Any) -> bool:
    return all(callable(getattr(callback, name, None)) for name in ("get_state", "set_state"))


def _names_of_keras(callback: Any) -> list[str]:
    return [
        cls.__name__ for cls in type(callback).__mro__ if cls.__module__.split(".")[0] == "keras"
    ]


def _cut(path: Path, separator: str, epoch: int) -> None:
    """Drops the last rows as far as they are of this epoch or a later one."""
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.reader(file, delimiter=separator))
    while rows and not _is_before(rows[-1], epoch):
        rows.pop()
    text = io.StringIO()
    csv.writer(text, delimiter=separator).writerows(rows)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")


def _is_before(row: Sequence[str], epoch: int) -> bool:
    if row[:1] == ["epoch"]:
        return True
    try:
        return int(row[0]) < epoch
    except (ValueError, IndexError):
        return False  # cut off in the middle
