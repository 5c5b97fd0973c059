"""Results of executions, saved so that none runs twice."""

from __future__ import annotations

import logging
import os
import socket
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from storage import CorruptError, KeyMissingError, seal
from tuner.core.jsonable import from_json, to_json
from tuner.core.metrics import MetricsTracker, number_of
from tuner.core.outcome import TrialRecord
from tuner.core.text import short_repr
from tuner.core.typed import understood
from tuner.journal.executions import check_document, check_execution
from tuner.journal.project import Project
from tuner.training.record import is_history, is_number

logger = logging.getLogger(__name__)

FORMAT = 1


@dataclass
class ExecutionResult:
    """The outcome of one execution, and what the trial has come to with it."""

    result: Any
    """What `HyperModel.fit` returned: a History, metrics, a number, or a list of these."""
    best_value: float | None = None
    """The best objective over all executions so far."""
    record: TrialRecord = field(default_factory=TrialRecord)
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
        """Raises one of `FORGED` for what is no result of ours."""
        if state.get("format") != FORMAT:
            raise ValueError(f"Expected format={FORMAT}. Received: format={state.get('format')}.")
        best, record = from_json(state["best_value"]), from_json(state["record"])
        if not isinstance(record, dict) or not isinstance(best, int | float | None):
            raise TypeError(f"expected a record, received {short_repr(record)}")
        if state["reports"] is not None:
            MetricsTracker.from_config(state["reports"])
        return cls(_decode(state["result"]), best, record, state["reports"])  # type: ignore[arg-type]  # what lies there may have been written by any version


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
            return parse_execution(self._project.store.read(key), f"{self._project.store}/{key}")
        except KeyMissingError:
            return None
        except CorruptError as error:
            logger.warning("An execution is run again: %s", error)
            return None

    def keep(self, execution: int, result: ExecutionResult) -> ExecutionResult:
        """Keeps what an execution gave; answers what is kept, since an earlier result stays."""
        try:
            state = result.to_json()
        except TypeError:
            return result  # the trial will say what is wrong with it
        state |= {"time": time.time(), "host": socket.gethostname(), "pid": os.getpid()}
        key = self._key(execution)
        if self._project.store.create(key, seal(state)):
            return result
        earlier = self.read(execution)
        if earlier is None:  # damaged, so there is nothing that could stay
            self._project.store.replace(key, seal(state))
        return earlier or result

    def _key(self, execution: int) -> str:
        return self._paths.execution(execution, self._retry).result


def parse_execution(data: bytes, where: str) -> ExecutionResult:
    """The result in a document.

    Raises:
        CorruptError: It is not what was written.
    """
    state = check_document(data, where)
    with understood(where):
        return ExecutionResult.from_json(state)


def _encode(result: Any) -> dict[str, Any]:
    if is_history(result):
        return {"history": to_json(result.history), "epochs": [int(e) for e in result.epoch]}
    if is_number(result):
        return {"number": to_json(number_of("objective", result))}
    if isinstance(result, Mapping):
        named = {str(name): number_of(str(name), value) for name, value in result.items()}
        return {"metrics": to_json(named)}
    if isinstance(result, list):
        return {"list": [_encode(item) for item in result]}
    raise TypeError(f"Expected a result of `fit`. Received: {result!r}.")


def _decode(state: Mapping[str, Any]) -> Any:
    if "history" in state:
        values, epochs = from_json(state["history"]), state["epochs"]
        check_execution({"metrics": {}, "epochs": epochs, "history": values})
        import keras

        history = keras.callbacks.History()
        history.history, history.epoch = values, epochs
        return history
    if "number" in state:
        return number_of("objective", from_json(state["number"]))
    if "metrics" in state:
        return {name: number_of(name, v) for name, v in from_json(state["metrics"]).items()}
    return [_decode(item) for item in state["list"]]
