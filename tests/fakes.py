"""Fakes of what runs trials; they pass the suites that the real ones pass."""

import contextlib
import io
import queue
import threading
from contextlib import contextmanager

from tasks.messages import Fatal
from tasks.process.child import Worker
from tasks.slots import ChildLostError, SearchStoppedError
from tuner.core.outcome import Outcome
from tuner.errors import TrialInterruptedError
from tuner.search.loop import TrialLauncher

_ASSEMBLING = threading.Lock()
"""Held while a study is loaded: each real process has modules of its own."""


class ProcessEnd(BaseException):
    """What a study raises to end the process it is in, where that is a fake one."""

    def __init__(self, outcome=Outcome.EXITED):
        super().__init__(outcome)
        self.outcome = outcome


class _Channel:
    def __init__(self, on_report, stopped):
        self.ask = on_report
        self.interrupted = stopped

    def send(self, message):
        """`Began` means nothing where no process can stall."""


class FakeSlot:
    """Answers requests with a tuner in this process."""

    def __init__(self, setup, stopped):
        self._setup = setup
        self._stopped = stopped

    def ask(self, request, on_report, emit):
        if self._stopped.is_set():
            raise SearchStoppedError
        printed = io.StringIO()
        try:
            with contextlib.redirect_stdout(printed):
                with _ASSEMBLING:
                    worker = Worker(_Channel(on_report, self._stopped), self._setup)
                return worker.answer(request)
        except TrialInterruptedError:
            raise SearchStoppedError from None
        except ProcessEnd as end:
            raise ChildLostError("It has ended.", end.outcome) from None
        except Exception as error:  # noqa: BLE001 - as a training process does
            return Fatal(repr(error))
        finally:
            for line in printed.getvalue().splitlines():
                emit(line)


class FakeSlots:
    """Slots without processes."""

    def __init__(self, setup, count=1):
        self.count = count
        self.note = print
        self.stopped = threading.Event()
        self._free = queue.SimpleQueue()
        for _ in range(count):
            self._free.put(FakeSlot(setup, self.stopped))

    @contextmanager
    def lease(self):
        slot = self._wait_for_one()
        try:
            yield slot
        finally:
            self._free.put(slot)

    def _wait_for_one(self):
        while not self.stopped.is_set():
            with contextlib.suppress(queue.Empty):
                return self._free.get(timeout=0.01)
        raise SearchStoppedError

    def stop(self):
        self.stopped.set()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()


class RunnerLauncher(TrialLauncher):
    """Runs each trial with a `TrialRunner` until it has ended: a flow without Prefect."""

    def __init__(self, runner, slots=1):
        self._runner = runner
        self._names = [f"slot-{n}" for n in range(slots)]
        self._ended = []

    def prepare(self, *, may_have_changed):
        del may_have_changed
        return self._runner.ask_study(print)

    def free_slot(self, busy):
        return next((name for name in self._names if name not in busy), None)

    def launch(self, trial, slot):
        while self._runner.run(trial.trial_id, slot, print).status == "RUNNING":
            pass
        self._ended.append(slot)

    def wait(self):
        ended, self._ended = self._ended, []
        return ended

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


class Clock:
    """A clock that a test sets."""

    def __init__(self, now=1000.0):
        self.now = now

    def time(self):
        return self.now

    monotonic = time


def end_process():
    """What a study calls, in place of `os._exit`, where its process is a fake one."""
    raise ProcessEnd
