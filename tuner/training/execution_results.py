"""What each execution of a trial leaves, so that it never runs again."""

from __future__ import annotations

import json
import logging
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from storage import CorruptError, KeyMissingError
from tuner.jsonable import from_json, to_json
from tuner.state.project import Project
from tuner.training.returned_metrics import is_history, is_number

logger = logging.getLogger(__name__)

FORMAT = 1


@dataclass
class ExecutionResult:
    """The outcome of one execution, and what the trial has come to with it."""

    result: Any
    """What `HyperModel.fit` returned: a History, metrics, a number, or a list of these."""
    best_value: float | None = None
    """The best objective over all executions so far."""
    record: dict[str, Any] = field(default_factory=dict)
    """What of the trial's record the executions so far have given."""
    reports: Any = None
    """What the trial has reported on its way."""

    def to_json(self) -> dict[str, Any]:
        """Raises TypeError for a result of an unknown kind."""
        return {
            "format": FORMAT,
            "result": _encode(self.result),
            "best_value": to_json(self.best_value),
            "record": to_json(self.record),
            "reports": self.reports,
        }

    @classmethod
    def from_json(cls, state: Mapping[str, Any]) -> ExecutionResult:
        """Raises ValueError for what is no result of ours."""
        if state.get("format") != FORMAT:
            raise ValueError(f"Expected format={FORMAT}. Received: format={state.get('format')}.")
        return cls(
            _decode(state["result"]),
            from_json(state["best_value"]),
            from_json(state["record"]),
            state["reports"],
        )


class ExecutionResults:
    """The results of the executions of one trial.

    Args:
        project: Where they lie.
        trial_id: The trial.
        retry: Which try of the trial; another try has nothing to do with them.
    """

    def __init__(self, project: Project, trial_id: str, retry: int) -> None:
        self._project = project
        self._paths = project.paths.trial(trial_id)
        self._retry = retry

    def read(self, execution: int) -> ExecutionResult | None:
        """What an execution left, None if it left nothing that can be used."""
        key = self._key(execution)
        try:
            return ExecutionResult.from_json(json.loads(self._project.store.read(key)))
        except KeyMissingError:
            return None
        except (ValueError, KeyError, TypeError, CorruptError) as error:
            url = f"{self._project.url}/{key}"
            logger.warning("An execution is run again, since %s cannot be used: %s", url, error)
            return None

    def keep(self, execution: int, result: ExecutionResult) -> ExecutionResult:
        """Keeps what an execution gave; answers what is kept, since an earlier result stays."""
        try:
            state = result.to_json()
        except TypeError:
            return result  # the trial will say what is wrong with it
        state |= {"time": time.time(), "host": socket.gethostname(), "pid": os.getpid()}
        data = json.dumps(state, allow_nan=False).encode()
        if self._project.store.create(self._key(execution), data):
            return result
        return self.read(execution) or result

    def _key(self, execution: int) -> str:
        return self._paths.execution(execution, self._retry).result


def _encode(result: Any) -> dict[str, Any]:
    if is_history(result):
        return {"history": to_json(result.history), "epochs": [int(e) for e in result.epoch]}
    if is_number(result):
        return {"number": to_json(float(result))}
    if isinstance(result, Mapping):
        return {"metrics": {str(name): _number(value) for name, value in result.items()}}
    if isinstance(result, list):
        return {"list": [_encode(item) for item in result]}
    raise TypeError(f"Expected a result of `fit`. Received: {result!r}.")


def _number(value: Any) -> Any:
    if isinstance(value, str | int):
        return value
    return to_json(float(value))


def _decode(state: Mapping[str, Any]) -> Any:
    if "history" in state:
        import keras

        history = keras.callbacks.History()
        history.history, history.epoch = from_json(state["history"]), state["epochs"]
        return history
    if "number" in state:
        return from_json(state["number"])
    if "metrics" in state:
        return from_json(state["metrics"])
    return [_decode(item) for item in state["list"]]
