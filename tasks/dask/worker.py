"""The part on a Dask worker: a supervisor with one warm child.

The functions at the end are what the search calls there, by `Client.submit` and `Client.run`;
they take and give JSON. A worker needs no Prefect.
"""

from __future__ import annotations

import threading
import traceback
from typing import Any

from distributed import get_worker

from tasks.messages import Report, to_dict
from tasks.process.warm_slot import Json, WarmSlot, why_not

NEWS = 0.5
"""Seconds between two messages about a trial that runs."""

TAIL = 5000
"""Lines that come with the answer, should the scheduler have been away when they were printed."""


class News:
    """Sends what a trial prints and reports, in few messages.

    What is lost while the scheduler is away is no loss: the lines come again with the answer.

    Args:
        worker: Dask's.
        topic: Of the search.
        trial_id: The trial.
    """

    def __init__(self, worker: Any, topic: str, trial_id: str) -> None:
        self._topic = topic
        self._trial_id = trial_id
        self._worker = worker
        self._lock = threading.Lock()
        self._lines: list[str] = []
        self._sent = 0
        self._dropped = 0
        self._messages: list[Json] = []
        self._done = threading.Event()
        self._thread = threading.Thread(target=self._send_now_and_then, name="news", daemon=True)
        self._thread.start()

    def line(self, text: str) -> None:
        with self._lock:
            self._lines.append(text)
            surplus = len(self._lines) - 2 * TAIL
            if surplus > 0 and self._sent >= self._dropped + surplus:
                del self._lines[:surplus]
                self._dropped += surplus

    def message(self, report: Report) -> None:
        with self._lock:
            self._messages.append(to_dict(report))

    def end(self) -> Json:
        """The last lines, and the number of the first of them."""
        self._done.set()
        self._thread.join()
        self._send()
        with self._lock:
            tail = self._lines[-TAIL:]
            return {"lines": tail, "first": self._dropped + len(self._lines) - len(tail)}

    def _send_now_and_then(self) -> None:
        while not self._done.wait(NEWS):
            self._send()

    def _send(self) -> None:
        with self._lock:
            lines = self._lines[self._sent - self._dropped :]
            messages, self._messages = self._messages, []
            first, self._sent = self._sent, self._dropped + len(self._lines)
        if lines or messages:
            news = {"trial": self._trial_id, "first": first, "lines": lines, "messages": messages}
            self._worker.log_event(self._topic, {**news, "worker": self._worker.address})


_slots: dict[str, WarmSlot] = {}
"""By the address of the worker: what Dask calls here has no other way to find it."""


def run_request(job: Json) -> Json:
    """Runs a trial, or finds out the search space.

    Args:
        job: `search` and `topic` of the search, `setup`, `preload` and `limits` of its slots,
            `digest` of its study, and the `request` for `tasks.process.child`.

    Returns:
        The last lines printed, and one of `answer`, `lost`, `stopped`, `refused` and `error`.
    """
    worker = get_worker()
    refusal = why_not(job)
    if refusal is not None:
        return {"refused": refusal, "worker": worker.address}
    news = News(worker, job["topic"], job["request"].get("trial", {}).get("trial_id", ""))
    try:
        result = _slot_of(worker).run(job, news)
    except Exception:  # noqa: BLE001 - its own errors are Dask's way to say that a worker is gone
        result = {"error": traceback.format_exc()}
    return {**result, **news.end()}


# `Client.run` calls these, and gives them the worker.


def check(job: Json, dask_worker: Any = None) -> Json:
    """Whether this worker can run trials of a search, and which one it runs just now."""
    return {"refused": why_not(job), "running": running(job["search"], dask_worker)}


def running(search: str, dask_worker: Any = None) -> str | None:
    """The trial of a search that runs here; empty while it finds out the search space."""
    under_way = _slot_of(dask_worker).running
    return under_way[1] if under_way is not None and under_way[0] == search else None


def end_early(search: str, trial_id: str, reason: str, dask_worker: Any = None) -> None:
    """Has the trial end after the epoch at hand, if it is the one that runs here."""
    slot = _slot_of(dask_worker)
    if slot.running == (search, trial_id):
        slot.stop_reason = reason


def interrupt(search: str, trial_id: str, dask_worker: Any = None) -> None:
    """Interrupts the trial, if it is the one that runs here."""
    slot = _slot_of(dask_worker)
    if slot.running == (search, trial_id):
        slot.interrupt()


def leave(search: str, dask_worker: Any = None) -> None:
    """Gives back what a search holds here, unless a trial is at work."""
    del search
    _slot_of(dask_worker).leave()


def _slot_of(worker: Any) -> WarmSlot:
    return _slots.setdefault(worker.address, WarmSlot())
