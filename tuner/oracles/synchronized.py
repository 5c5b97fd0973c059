"""Keras Tuner's decorator of oracles' methods."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar, cast

from tuner.core.trial import Trial

Method = TypeVar("Method", bound=Callable[..., Any])


def synchronized(func: Method, *args: Any, **kwargs: Any) -> Method:
    """Makes a method of an `Oracle` atomic; the lock is given back whatever happens.

    Further arguments are Keras Tuner's, and mean nothing.
    """
    del args, kwargs

    @functools.wraps(func)
    def locked(self: Any, *args: Any, **kwargs: Any) -> Any:
        with self.together():
            if func.__name__ == "end_trial":
                args, kwargs = _with_trial(self, *args, **kwargs)
            return func(self, *args, **kwargs)

    return cast("Method", locked)


def _with_trial(
    oracle: Any, trial: Any = None, status: str | None = None, **kwargs: Any
) -> tuple[tuple[Trial], dict[str, Any]]:
    """The arguments of `end_trial`, also where the id of a trial and a status are given.

    Subclasses older than Keras Tuner 1.3 do so.
    """
    trial = kwargs.pop("trial_id", trial)
    if isinstance(trial, str):
        trial = oracle.trials[trial]
        # Programs for Keras Tuner 1.0 may say "COMPLETE".
        trial.status = "COMPLETED" if status in (None, "COMPLETE") else status
    return (trial,), kwargs
