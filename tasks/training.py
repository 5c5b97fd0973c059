"""What a training child does: assembles its tuner once, then runs what it is handed."""

from __future__ import annotations

import json
import os
import queue
import threading
import traceback
from collections.abc import Mapping
from multiprocessing.connection import Connection
from typing import Any

from tasks.assembly import assemble
from tuner import errors
from tuner.display import Display
from tuner.jsonable import to_json
from tuner.proxy import OracleProxy
from tuner.trial import Trial


def main(connection: Connection, setup: Mapping[str, Any]) -> None:
    """Answers requests until the supervisor closes the connection.

    Requests are `{"do": "discover"}` and `{"do": "run", "trial": state}`. Answers end with one of
    `{"kind": "space"}`, `{"kind": "ended"}` and `{"kind": "fatal"}`; `{"kind": "metrics"}` and
    `{"kind": "epoch"}` come before.
    """
    channel = Channel(connection)
    worker: Worker | None = None
    while True:
        request = channel.next_request()
        try:
            worker = worker or Worker(channel, setup)
            worker.answer(request)
        except Exception as error:  # noqa: BLE001 - the user's code; its traceback goes to the user
            channel.send(kind="fatal", message=traceback.format_exc(), error=_name_of(error))


def _name_of(error: Exception) -> str | None:
    """The name of the `FatalError` it is, None for any other; a script may wait for it."""
    if not isinstance(error, errors.FatalError):
        return None
    return next(cls.__name__ for cls in type(error).__mro__ if cls.__module__ == errors.__name__)


class Channel:
    """The child's end of the connection to its supervisor."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._requests: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._read, name="requests", daemon=True).start()

    def send(self, **message: Any) -> None:
        with self._lock:
            self._connection.send_bytes(json.dumps(to_json(message)).encode())

    def next_request(self) -> dict[str, Any]:
        return self._requests.get()

    def _read(self) -> None:
        try:
            while True:
                self._requests.put(json.loads(self._connection.recv_bytes()))
        except (EOFError, OSError):
            os._exit(1)  # nobody is left to train for


class Worker:
    """The tuner, with its data loaded once."""

    def __init__(self, channel: Channel, setup: Mapping[str, Any]) -> None:
        self.channel = channel
        self.assembly = assemble(setup)
        self.tuner = self.assembly.tuner
        self.oracle = OracleProxy(self.tuner.oracle, self._tell)
        self.tuner.display = EpochReporter(self.tuner.oracle, channel)
        self._outcome: dict[str, Any] | None = None

    def answer(self, request: Mapping[str, Any]) -> None:
        args, kwargs = self.assembly.arguments
        if request["do"] == "discover":
            space = self.tuner.discover_space(**kwargs)
            self.channel.send(kind="space", space=space.get_config())
            return
        trial = Trial.from_state(request["trial"])
        self.oracle.trial = trial
        self.tuner.oracle = self.oracle
        self._outcome = None
        self.tuner.run_assigned(trial, *args, **kwargs)
        self.channel.send(**self._checked_outcome())

    def _tell(self, **message: Any) -> None:
        # Held back until the last hook is through: whoever hears of the end may end this process.
        if message["kind"] == "ended":
            self._outcome = message
        else:
            self.channel.send(**message)

    def _checked_outcome(self) -> dict[str, Any]:
        if self._outcome is None:
            name = type(self.tuner).__name__
            msg = f"Expected `{name}.on_trial_end` to call `super().on_trial_end(trial)`."
            raise RuntimeError(f"{msg} Received: no end of the trial.")
        return self._outcome


class EpochReporter(Display):
    """Tells the supervisor about each epoch."""

    def __init__(self, oracle: Any, channel: Channel) -> None:
        super().__init__(oracle)
        self.channel = channel

    def epoch_ended(self, trial: Trial, epoch: int, logs: Mapping[str, Any]) -> None:
        del trial
        self.channel.send(kind="epoch", epoch=epoch, logs=dict(logs))
