"""The training process: assembles its tuner once, then answers requests."""

from __future__ import annotations

import os
import queue
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from multiprocessing.connection import Connection
from typing import Any, Self

from tasks.messages import (
    Answer,
    Began,
    Command,
    Declared,
    Discover,
    Ended,
    EpochReport,
    Fatal,
    GoOn,
    Interrupt,
    Interrupted,
    Message,
    MetricsReport,
    ProcessSpent,
    Report,
    Request,
    Run,
    decode,
    encode,
)
from tasks.process.payload import unpack
from tuner import errors
from tuner.core import runtime
from tuner.core.objective import check_objective_found, objective_from_json
from tuner.core.outcome import Outcome
from tuner.core.runtime import Role
from tuner.core.text import kept_message
from tuner.core.trial import Trial, TrialStatus
from tuner.errors import TrialInterruptedError
from tuner.oracles.oracle import Oracle
from tuner.tuners.base_tuner import BaseTuner
from tuner.tuners.study import load_study
from tuner.tuners.tuner import Tuner


class OracleProxy:
    """Stands in for the oracle where trials are run.

    It knows the trial at hand and sends what the trial reports to the process that searches. All
    else (the objective, limits, a subclass's own settings) is looked up on the study's oracle.

    Args:
        oracle: As the study built it; it has no history here.
        report: Takes what the trial reports; answers why it is to end early, if so.
        ended: Takes the trial when it has ended.
        interrupted: Whether the search is stopping.
    """

    def __init__(
        self,
        oracle: Oracle,
        report: Callable[[Report], str | None],
        ended: Callable[[Trial], None],
        interrupted: Callable[[], bool] = lambda: False,
    ) -> None:
        self._oracle = oracle
        self._report = report
        self._ended = ended
        self._interrupted = interrupted
        self.trial: Trial | None = None

    def get_trial(self, trial_id: str) -> Trial:
        """The trial at hand. Raises KeyError for any other."""
        if self.trial is None or self.trial.trial_id != trial_id:
            raise KeyError(trial_id)
        return self.trial

    def update_trial(self, trial_id: str, metrics: Mapping[str, Any], step: int = 0) -> Trial:
        trial = self.get_trial(trial_id)
        check_objective_found(self._oracle.objective, metrics)
        trial.report(metrics, step, self._oracle.objective)
        if self._report(MetricsReport(dict(metrics), step)) is not None:
            trial.status = TrialStatus.STOPPED
        return trial

    def report_epoch(self, trial_id: str, epoch: int, logs: Mapping[str, Any]) -> str | None:
        """Tells how far the trial is; answers why it is to end early, if it is."""
        del trial_id
        return self._report(EpochReport(epoch, dict(logs)))

    @property
    def interrupted(self) -> bool:
        """Whether the search is stopping."""
        return self._interrupted()

    def check_not_interrupted(self) -> None:
        """Raises `TrialInterruptedError` when the search is stopping."""
        if self._interrupted():
            raise TrialInterruptedError

    def end_trial(self, trial: Trial) -> None:
        self._ended(trial)

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Itself, as the oracle it stands for."""
        return self

    def __getattr__(self, name: str) -> Any:
        return getattr(self._oracle, name)


Arguments = tuple[Sequence[Any], Mapping[str, Any]]


@dataclass
class Assembly:
    """A tuner in the role `TRIAL`, and the arguments of its `search`, which may be large."""

    tuner: BaseTuner
    load: Callable[[], Arguments]

    @cached_property
    def arguments(self) -> Arguments:
        """Positional and keyword arguments; loaded when the first trial runs."""
        return self.load()


def assemble(setup: Mapping[str, Any]) -> Assembly:
    """Assembles what the supervisor describes.

    Args:
        setup: Either `{"study": path, "project": ..., "executions_per_trial": ..., "objective":
            ...}`, the last two None where they are the study's, or what
            `tasks.process.payload.pack` returned.
    """
    return _from_payload(setup) if "payload" in setup else _from_study(setup)


def _from_study(setup: Mapping[str, Any]) -> Assembly:
    study = load_study(setup["study"])
    tuner = study.build_tuner(Role.TRIAL, **setup["project"])
    executions = setup.get("executions_per_trial")
    if executions is not None and isinstance(tuner, Tuner):
        tuner.executions_per_trial = executions
    if setup.get("objective") is not None:
        tuner.oracle.objective = objective_from_json(setup["objective"])
    return Assembly(tuner, lambda: ((), _passed_on(tuner, study.load_data())))


def _passed_on(tuner: BaseTuner, arguments: dict[str, Any]) -> dict[str, Any]:
    """Arguments of `search` without those that it keeps for itself."""
    tuner._take_options(arguments)  # noqa: SLF001 - as `search` does
    return arguments


def _from_payload(setup: Mapping[str, Any]) -> Assembly:
    contents = unpack(setup)
    return Assembly(contents.tuner, lambda: (contents.args, contents.kwargs))


def main(connection: Connection, setup: Mapping[str, Any]) -> None:
    """Answers requests until the supervisor closes the connection; see `tasks.messages`."""
    channel = Channel(connection)
    worker: Worker | None = None
    while True:
        request = channel.next_request()
        try:
            worker = worker or Worker(channel, setup)
            channel.send(worker.answer(request))
        except errors.TrialInterruptedError:
            channel.send(Interrupted())
        except errors.TriesAnotherProcessError as error:
            channel.send(ProcessSpent(Outcome(error.outcome), kept_message(traceback.format_exc())))
        except errors.ObjectiveMissingError as error:  # its text says it all
            channel.send(Fatal(str(error), _name_of(error)))
        except Exception as error:  # noqa: BLE001 - the user's code; its traceback goes to the user
            channel.send(Fatal(kept_message(traceback.format_exc()), _name_of(error)))


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
        self._requests: queue.SimpleQueue[Request] = queue.SimpleQueue()
        self._replies: queue.SimpleQueue[GoOn] = queue.SimpleQueue()
        self._asking = threading.Lock()
        self.interrupted = threading.Event()
        """The trial at hand is to end as soon as it can go on from there another time."""
        threading.Thread(target=self._read, name="requests", daemon=True).start()

    def send(self, message: Message) -> None:
        with self._lock:
            self._connection.send_bytes(encode(message))

    def ask(self, report: Report) -> str | None:
        """Reports, and waits for what the search says to it: why the trial is to end, if it is."""
        with self._asking:  # a trial may report from several threads
            self.send(report)
            return self._replies.get().stop

    def next_request(self) -> Request:
        return self._requests.get()

    def _read(self) -> None:
        try:
            while True:
                self._sort(decode(self._connection.recv_bytes()))
        except (EOFError, OSError):
            os._exit(1)  # there is no search left to train for

    def _sort(self, command: Command) -> None:
        match command:
            case Interrupt():
                self.interrupted.set()
            case GoOn():
                self._replies.put(command)
            case Discover() | Run():
                self._requests.put(command)


class Worker:
    """The tuner, with its data loaded once."""

    def __init__(self, channel: Channel, setup: Mapping[str, Any]) -> None:
        self.channel = channel
        self.assembly = assemble(setup)
        self.tuner = self.assembly.tuner
        interrupted = channel.interrupted.is_set
        self.oracle = OracleProxy(self.tuner.oracle, channel.ask, self._take_end, interrupted)
        self._ended: list[Ended] = []
        self._is_fresh = True

    def answer(self, request: Request) -> Answer:
        args, kwargs = self.assembly.arguments
        match request:
            case Discover():
                return Declared(**self.tuner.declaration(*args, **kwargs).to_json())
            case Run(state):
                return self._run(Trial.from_state(state), args, kwargs)

    def _run(self, trial: Trial, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Ended:
        self.oracle.trial = trial
        self.tuner.oracle = self.oracle
        self._ended.clear()
        self.channel.send(Began())
        with runtime.become(is_fresh=self._is_fresh):
            self.tuner.run_assigned(trial, *args, **kwargs)
        self._is_fresh = False
        if not self._ended:
            name = type(self.tuner).__name__
            msg = f"Expected `{name}.on_trial_end` to call `super().on_trial_end(trial)`."
            raise RuntimeError(f"{msg} Received: no end of the trial.")
        return self._ended[-1]

    def _take_end(self, trial: Trial) -> None:
        # Held back until the last hook is through: its receiver may end this process.
        self._ended.append(Ended(trial.get_state()))
