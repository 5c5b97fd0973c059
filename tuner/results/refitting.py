"""The best configuration, trained once more on all the data there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tuner.search.search_options import with_values
from tuner.seeds import seed_execution
from tuner.trial import Trial
from tuner.tuner import Tuner

_OF_VALIDATION = (
    "validation_data",
    "validation_split",
    "validation_steps",
    "validation_batch_size",
    "validation_freq",
    "callbacks",
)
"""Arguments without a meaning where nothing is held back."""


def refit(tuner: Tuner, trial: Trial, arguments: Mapping[str, Any]) -> Any:
    """A fresh model of a trial's configuration, trained on training and validation data together.

    It trains as many epochs as the trial's best one, without callbacks, since there is nothing
    left to stop by.

    Args:
        tuner: Builds the model.
        trial: A completed one.
        arguments: Of `search`, by keyword. `x` and `y`, and `sample_weight` where given, are
            joined with those of `validation_data` where both are arrays.

    Raises:
        TypeError: The validation data cannot be joined.
    """
    _, values = with_values(trial.hyperparameters, (), arguments)
    joined = _with_validation_data(values)
    joined["epochs"] = (trial.best_step or 0) + 1
    hp = trial.hyperparameters.copy()
    hp.values.pop("tuner/trial_id", None)  # it begins with fresh weights
    if trial.seed is not None:
        seed_execution(trial.seed, 0)
    model = tuner._try_build(hp)  # noqa: SLF001 - as a trial is built
    tuner.hypermodel.fit(hp, model, **joined)  # type: ignore[union-attr]  # it was built by it
    return model


def _with_validation_data(arguments: Mapping[str, Any]) -> dict[str, Any]:
    joined = {name: value for name, value in arguments.items() if name not in _OF_VALIDATION}
    held_back = arguments.get("validation_data")
    if held_back is None:
        return joined
    names = ("x", "y", "sample_weight")
    parts = dict(zip(names, held_back, strict=False)) if isinstance(held_back, tuple) else {}
    pairs = [(arguments.get(name), part) for name, part in parts.items()]
    arrays = all(isinstance(a, np.ndarray) and isinstance(b, np.ndarray) for a, b in pairs)
    given = {name for name in names if arguments.get(name) is not None}
    if not arrays or given != set(parts):
        msg = "Expected `x`, `y` and `validation_data` to be arrays, to be joined."
        raise TypeError(f"{msg} Received: validation_data={type(held_back).__name__}.")
    for name, part in parts.items():
        joined[name] = np.concatenate([arguments[name], part])
    return joined
