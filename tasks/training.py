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
from tasks.outcomes import Outcome
from tuner import errors
from tuner.jsonable import to_json
from tuner.search.proxy import OracleProxy
from tuner.trial import Trial


def main(connection: Connection, setup: Mapping[str, Any]) -> None:
    """Answers requests until the supervisor closes the connection.

    Requests are `{"do": "discover"}` and `{"do": "run", "trial": state}`. Answers end with one of
    `{"kind": "space"}`, `{"kind": "ended"}`, `{"kind": "interrupted"}`, `{"kind": "lost"}` and
    `{"kind": "fatal"}`. `{"kind": "began"}` comes before, and `{"kind": "metrics"}` and
    `{"kind": "epoch"}`, which the supervisor answers with `{"do": "go_on", "stop": reason}`. It may
    send `{"do": "interrupt"}` at any time.
    """
    channel = Channel(connection)
    worker: Worker | None = None
    while True:
        request = channel.next_request()
        try:
            worker = worker or Worker(channel, setup)
            worker.answer(request)
        except errors.TrialInterruptedError:
            channel.send(kind="interrupted")
        except errors.TriesAnotherProcessError:
            channel.send(kind="lost", outcome=Outcome.OUT_OF_MEMORY, message=traceback.format_exc())
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
        self._requests: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._replies: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()
        self._asking = threading.Lock()
        self.interrupted = threading.Event()
        """The trial at hand is to end as soon as it can go on from there another time."""
        threading.Thread(target=self._read, name="requests", daemon=True).start()

    def send(self, **message: Any) -> None:
        with self._lock:
            self._connection.send_bytes(json.dumps(to_json(message)).encode())

    def ask(self, **message: Any) -> dict[str, Any]:
        """Sends a message and waits for what the search says to it."""
        with self._asking:  # a trial may report from several threads
            self.send(**message)
            return self._replies.get()

    def next_request(self) -> dict[str, Any]:
        return self._requests.get()

    def _read(self) -> None:
        try:
            while True:
                self._sort(json.loads(self._connection.recv_bytes()))
        except (EOFError, OSError):
            os._exit(1)  # nobody is left to train for

    def _sort(self, request: dict[str, Any]) -> None:
        match request["do"]:
            case "interrupt":
                self.interrupted.set()
            case "go_on":
                self._replies.put(request)
            case _:
                self._requests.put(request)


class Worker:
    """The tuner, with its data loaded once."""

    def __init__(self, channel: Channel, setup: Mapping[str, Any]) -> None:
        self.channel = channel
        self.assembly = assemble(setup)
        self.tuner = self.assembly.tuner
        self.oracle = OracleProxy(self.tuner.oracle, self._tell, channel.interrupted.is_set)
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
        self.channel.send(kind="began")
        self.tuner.run_assigned(trial, *args, **kwargs)
        self.tuner.has_fresh_process = False
        self.channel.send(**self._checked_outcome())

    def _tell(self, **message: Any) -> str | None:
        """Passes on what the trial tells; the answer is why it is to end early, if it is."""
        if message["kind"] == "ended":
            # Held back until the last hook is through: whoever hears of it may end this process.
            self._outcome = message
            return None
        reason: str | None = self.channel.ask(**message)["stop"]
        return reason

    def _checked_outcome(self) -> dict[str, Any]:
        if self._outcome is None:
            name = type(self.tuner).__name__
            msg = f"Expected `{name}.on_trial_end` to call `super().on_trial_end(trial)`."
            raise RuntimeError(f"{msg} Received: no end of the trial.")
        return self._outcome
