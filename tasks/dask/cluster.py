"""A Dask cluster as a search sees it: which workers it may use, and what they run."""

from __future__ import annotations

import contextlib
import logging
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError, ThreadPoolExecutor, wait
from concurrent.futures import Future as CallFuture
from queue import SimpleQueue
from typing import Any

from distributed import Client, Future
from distributed.client import ClosedClientError

from tasks.dask import worker as remote

logger = logging.getLogger(__name__)

AWAY = (CancelledError, ClosedClientError, OSError)
"""What a lost scheduler looks like; OSError includes TimeoutError."""

PATIENCE = 900.0
"""Seconds without a scheduler after which the search ends; the same command goes on with it."""

CONNECT, REFRESH, CHECK = 20.0, 1.0, 5.0
"""Seconds: to reach the scheduler; between two looks at the workers; for a worker to answer."""

RESOURCE = "GPU"
"""What a worker offers for each slot (`--resources GPU=1`), whether it has a GPU or not."""

Json = dict[str, Any]
Event = tuple[float, Json]


class Worker:
    """A worker that may be used."""

    def __init__(self, name: str, slots: int) -> None:
        self.name = name
        self.slots = slots
        self.adopted: str | None = None
        """A trial that it was running when this process met it."""


class Cluster:
    """Connects to a scheduler, again and again if need be, and looks after its workers.

    Args:
        address: Of the scheduler, such as `tcp://host:8786`.
        job: What each worker is checked for; see `tasks.dask.worker.run_request`.
        say: Gets a line when something happens that people should know.
    """

    def __init__(self, address: str, job: Json, say: Callable[[str], None]) -> None:
        self.address = address
        self._job = job
        self._say = say
        self._lock = threading.RLock()
        self._client: Client | None = None
        self._workers: dict[str, Worker] = {}
        self._seen: set[str] = set()
        self._checks: dict[str, CallFuture[Any]] = {}
        self._inboxes: dict[str, SimpleQueue[Json]] = defaultdict(SimpleQueue)
        self._lost: float | None = None
        self._left = threading.Event()
        self._calls = ThreadPoolExecutor(16, thread_name_prefix="dask-calls")
        self._keeper = threading.Thread(target=self._keep, name="dask-workers", daemon=True)

    @property
    def slots(self) -> int:
        """Trials that can run at the same time, now."""
        return sum(worker.slots for worker in list(self._workers.values()))

    def inbox(self, trial_id: str) -> SimpleQueue[Json]:
        """What the workers tell of a trial."""
        return self._inboxes[trial_id]

    def usable(self) -> list[str]:
        """Addresses of the workers that are free to take a trial."""
        self.client()
        return [a for a, worker in list(self._workers.items()) if worker.adopted is None]

    def is_there(self, address: str) -> bool:
        """Whether a worker is, as far as is known."""
        return address in self._workers

    def runs(self, trial_id: str) -> str | None:
        """The worker that has been running a trial since before this process knew of it."""
        self.client()
        workers = list(self._workers.items())
        return next((a for a, worker in workers if worker.adopted == trial_id), None)

    def submit(self, request: Json, workers: list[str]) -> Future[Json]:
        """Hands a request to one of the workers.

        Raises:
            AWAY: The scheduler cannot be reached.
        """
        return self.client().submit(
            remote.run_request,
            {**self._job, "request": request},
            pure=False,
            resources={RESOURCE: 1},
            workers=workers,
            allow_other_workers=False,
        )

    def owns(self, future: Future[Json]) -> bool:
        """Whether the connection still stands on which a request was handed over."""
        return self._client is not None and future.client is self._client

    def refuse(self, address: str, reason: str) -> None:
        """Gives no more trials to a worker."""
        worker = self._workers.pop(address, None)
        self._say_refused(worker.name if worker else address, reason)

    def still_runs(self, address: str, trial_id: str) -> bool:
        """Whether a worker is still at a trial; forgets what it was at when not."""
        answers = self._run([address], remote.running, self._job["search"])
        if answers.get(address) == trial_id:
            return True
        worker = self._workers.get(address)
        if worker is not None:
            worker.adopted = None
        return False

    def end_early(self, trial_id: str, address: str, reason: str) -> None:
        """Has a trial end after the epoch at hand."""
        search = self._job["search"]
        self._calls.submit(self._run, [address], remote.end_early, search, trial_id, reason)

    def interrupt(self, trial_id: str) -> None:
        """Has a trial end, wherever it runs."""
        search = self._job["search"]
        for address in list(self._workers):
            self._calls.submit(self._run, [address], remote.interrupt, search, trial_id)

    def connect(self) -> None:
        """Connects for the first time.

        Raises:
            ConnectionError: There is no scheduler.
        """
        try:
            self.client()
        except AWAY as error:
            msg = f"Expected a Dask scheduler at {self.address}. Received: {error!r}. Start one "
            hint = "(`dask scheduler`), and workers (`trialflow worker ADDRESS`)."
            raise ConnectionError(msg + hint) from None
        self._keeper.start()

    def close(self) -> None:
        """Has the workers give back what this search holds there."""
        self._left.set()
        calls = [
            self._calls.submit(self._run, [address], remote.leave, self._job["search"])
            for address in list(self._workers)
        ]
        deadline = time.monotonic() + 5
        for call in calls:
            with contextlib.suppress(Exception):
                call.result(timeout=max(0.1, deadline - time.monotonic()))
        self._calls.shutdown(wait=False, cancel_futures=True)
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(*AWAY, Exception):
                client.close(timeout=5)

    def client(self) -> Client:
        """The connection; a new one where the last is gone.

        Raises:
            AWAY: The scheduler cannot be reached.
            RuntimeError: It has been away for too long.
        """
        with self._lock:
            if self._client is not None and self._client.status == "running":
                return self._client
            if self._left.is_set():
                raise ClosedClientError("the search has left the cluster")
            try:
                return self._connect()
            except AWAY:
                self._lost = self._lost or time.monotonic()
                if time.monotonic() - self._lost > PATIENCE:
                    msg = f"Expected a Dask scheduler at {self.address} within {PATIENCE:g} s."
                    raise RuntimeError(f"{msg} Received: none.") from None
                raise

    def _connect(self) -> Client:
        old, self._client = self._client, None
        self._workers.clear()
        self._seen.clear()
        self._checks.clear()
        if old is not None:
            with contextlib.suppress(*AWAY, Exception):
                old.close(timeout=1)
        client = Client(self.address, set_as_default=False, timeout=CONNECT, name="trialflow")
        client.subscribe_topic(self._job["topic"], self._hear)
        self._client, self._lost = client, None
        self._look(client)
        return client

    def _hear(self, event: Event) -> None:
        _, news = event
        self._inboxes[news["trial"]].put(news)

    def _keep(self) -> None:
        while not self._left.wait(REFRESH):
            try:
                self._look(self.client())
            except Exception as error:  # noqa: BLE001 - tried again; trials tell of real trouble
                logger.debug("Looking at the workers: %r", error)

    def _look(self, client: Client) -> None:
        """Checks the workers that have joined, and forgets those that have left."""
        known = client.scheduler_info(n_workers=-1)["workers"]
        with self._lock:
            for address in [a for a in self._workers if a not in known]:
                del self._workers[address]
            self._seen &= known.keys()
            for address in known.keys() - self._seen:
                self._seen.add(address)
                self._checks[address] = self._calls.submit(
                    client.run,
                    remote.check,
                    self._job,
                    workers=[address],
                    on_error="return",
                )
            checks = dict(self._checks)
        wait(checks.values(), timeout=CHECK)
        for address, call in checks.items():
            if call.done() and self._checks.pop(address, None) is call and address in known:
                self._take(address, known[address], _outcome_of(call, address))

    def _take(self, address: str, info: Mapping[str, Any], answer: Any) -> None:
        """Gives a worker its trials from now on, or none at all."""
        worker = Worker(str(info["name"]), int(info["resources"].get(RESOURCE, 0)))
        refusal = _refusal(worker, answer)
        if refusal is not None:
            self._say_refused(worker.name, refusal)
            return
        worker.adopted = answer["running"]
        self._workers[address] = worker

    def _say_refused(self, name: str, reason: str) -> None:
        text = f"Dask worker {name} gets no trial: {reason}."
        self._say(f"{text} Mend that, and start the worker again.")

    def _run(self, workers: list[str], function: Callable[..., Any], *args: Any) -> Json:
        try:
            answers: Json = self.client().run(function, *args, workers=workers, on_error="ignore")
        except Exception as error:  # noqa: BLE001 - a worker that is gone needs no telling
            logger.debug("Calling %s: %r", function.__name__, error)
            return {}
        return answers


def _outcome_of(call: CallFuture[Any], address: str) -> Any:
    try:
        return call.result().get(address)
    except Exception as error:  # noqa: BLE001 - a worker that is gone again
        return error


def _refusal(worker: Worker, answer: Any) -> str | None:
    """Why a worker gets no trial, None when it gets some."""
    if isinstance(answer, BaseException):
        return f"{type(answer).__name__}: {answer}"
    if not isinstance(answer, dict):
        return "it does not answer"
    if answer["refused"] is not None:
        return str(answer["refused"])
    if worker.slots < 1:
        return f"it offers no slot (start it with --resources {RESOURCE}=1)"
    return None
