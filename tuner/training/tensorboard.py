"""TensorBoard: a folder for each execution, and what the HParams page shows."""

from __future__ import annotations

import logging
import posixpath
from collections.abc import Sequence
from typing import Any

from tuner.core.hyperparameters import HyperParameter, HyperParameters, Numerical
from tuner.core.hyperparameters.sampling import is_countable
from tuner.core.trial import Trial

logger = logging.getLogger(__name__)

LISTED = 1000
"""Values up to which a stepped parameter is shown as a list."""


def configure(callbacks: list[Any], trial: Trial, execution: int) -> None:
    """Gives TensorBoard callbacks the folder of an execution, and adds one for HParams.

    Nothing is imported where there is no such callback.

    Args:
        callbacks: Of one execution; changed.
        trial: Its trial.
        execution: Its number, from 0.
    """
    for callback in [c for c in callbacks if type(c).__name__ == "TensorBoard"]:
        callback.log_dir = folder_of(callback.log_dir, trial.trial_id, execution)
        callbacks += _hparams_callback(callback.log_dir, trial)


def folder_of(log_dir: Any, trial_id: str, execution: int) -> str:
    """Where the logs of an execution lie."""
    return posixpath.join(str(log_dir), trial_id, f"execution{execution}")


def _hparams_callback(log_dir: str, trial: Trial) -> list[Any]:
    try:
        from tensorboard.plugins.hparams import api
    except ImportError:
        logger.warning("HParams need tensorboard: pip install 'trialflow[tensorboard]'.")
        return []
    hparams = hparams_of(trial.hyperparameters, api)
    return [api.KerasCallback(writer=log_dir, hparams=hparams, trial_id=trial.trial_id)]


def hparams_of(hp: HyperParameters, api: Any) -> dict[Any, Any]:
    """The values of the active hyperparameters, by their HParam.

    Args:
        hp: A configuration.
        api: The module `tensorboard.plugins.hparams.api`.
    """
    return {
        api.HParam(parameter.name, _domain(parameter, api)): hp.values[parameter.name]
        for parameter in _active(hp)
    }


def _active(hp: HyperParameters) -> Sequence[HyperParameter]:
    active = {p.name: p for p in hp.space if hp.is_active(p) and p.name in hp.values}
    return list(active.values())


def _domain(parameter: HyperParameter, api: Any) -> Any:
    if not isinstance(parameter, Numerical):
        return api.Discrete(list(parameter.values))
    if parameter.step not in (None, 1) and is_countable(parameter):
        values = parameter.values
        if len(values) <= LISTED:
            return api.Discrete(list(values))
    bounds = (parameter.min_value, parameter.max_value)
    if all(isinstance(bound, int) for bound in bounds):
        return api.IntInterval(*bounds)
    return api.RealInterval(*map(float, bounds))
