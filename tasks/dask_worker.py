"""What runs on a Dask worker: the supervisor of one warm child.

The functions at the end are what the search calls there, by `Client.submit` and `Client.run`;
they take and give JSON. A worker needs no Prefect.
"""

from __future__ import annotations

import hashlib
import threading
import traceback
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from distributed import get_worker

from tasks.outcomes import ChildLostError
from tasks.slots import LocalSlots, Message, SearchStoppedError
from tasks.watchdog import Limits
from tuner.state.project import Project
from tuner.study import locate_study

PROTOCOL = 1
"""Version of what a search and its workers say to each other."""

IDLE = 120.0
"""Seconds after which a child that nobody asks for a trial gives its memory back."""

NEWS = 0.5
"""Seconds between two messages about a trial that runs."""

TAIL = 5000
"""Lines that come with the answer, should the scheduler have been away when they were printed."""

Json = dict[str, Any]


class Place:
    """Where a worker runs trials: one at a time, on a child that stays warm."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._setup: Json | None = None
        self._slots: LocalSlots | None = None
        self._idle: threading.Timer | None = None
        self.running: tuple[str, str] | None = None
        """Search and trial that are under way."""
        self.stop_reason: str | None = None
        """Why the trial under way is to end early."""

    def run(self, job: Json, news: News) -> Json:
        """Runs a job to its end.

        Args:
            job: See `run_request`.
            news: Is told what goes on.
        """
        with self._lock:
            if self._idle is not None:
                self._idle.cancel()
            self.stop_reason = None
            self.running = (job["search"], job["request"].get("trial", {}).get("trial_id", ""))
            try:
                return self._ask(job, news)
            finally:
                self.running = None
                self._idle = threading.Timer(IDLE, self.leave)
                self._idle.daemon = True
                self._idle.start()

    def interrupt(self) -> None:
        """Ends the trial under way; see `LocalSlots.stop`."""
        slots = self._slots
        if slots is not None:
            slots.stop()

    def leave(self) -> None:
        """Ends the child, unless it is at work."""
        if self._lock.acquire(blocking=False):
            try:
                self._end()
            finally:
                self._lock.release()

    def _ask(self, job: Json, news: News) -> Json:
        def heed(message: Message) -> str | None:
            news.message(message)
            return self.stop_reason

        with self._slots_for(job).lease() as slot:
            try:
                return {"answer": dict(slot.ask(job["request"], heed, news.line))}
            except ChildLostError as error:
                return {"lost": [str(error), str(error.outcome), error.hopeless]}
            except SearchStoppedError:
                pass
        self._end()  # what was stopped stays so
        return {"stopped": True}

    def _slots_for(self, job: Json) -> LocalSlots:
        key = {name: job[name] for name in ("setup", "preload", "limits", "digest")}
        if self._slots is None or key != self._setup:
            self._end()
            slots = LocalSlots(1, job["setup"], tuple(job["preload"]), Limits(**job["limits"]))
            self._slots, self._setup = slots.__enter__(), key
        return self._slots

    def _end(self) -> None:
        slots, self._slots, self._setup = self._slots, None, None
        if slots is not None:
            slots.__exit__(None, None, None)


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

    def message(self, message: Message) -> None:
        with self._lock:
            self._messages.append(dict(message))

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


_places: dict[str, Place] = {}
"""By the address of the worker: what Dask calls here has no other way to find it."""


def run_request(job: Json) -> Json:
    """Runs a trial, or finds out the search space.

    Args:
        job: `search` and `topic` of the search, `setup`, `preload` and `limits` of its slots,
            `digest` of its study, and the `request` for `tasks.training`.

    Returns:
        The last lines printed, and one of `answer`, `lost`, `stopped`, `refused` and `error`.
    """
    worker = get_worker()
    refusal = _why_not(job)
    if refusal is not None:
        return {"refused": refusal, "worker": worker.address}
    news = News(worker, job["topic"], job["request"].get("trial", {}).get("trial_id", ""))
    try:
        result = _place_of(worker).run(job, news)
    except Exception:  # noqa: BLE001 - its own errors are Dask's way to say that a worker is gone
        result = {"error": traceback.format_exc()}
    return {**result, **news.end()}


# `Client.run` calls these, and gives them the worker.


def check(job: Json, dask_worker: Any = None) -> Json:
    """Whether this worker can run trials of a search, and which one it runs just now."""
    return {"refused": _why_not(job), "running": running(job["search"], dask_worker)}


def running(search: str, dask_worker: Any = None) -> str | None:
    """The trial of a search that runs here; empty while it finds out the search space."""
    under_way = _place_of(dask_worker).running
    return under_way[1] if under_way is not None and under_way[0] == search else None


def end_early(search: str, trial_id: str, reason: str, dask_worker: Any = None) -> None:
    """Has the trial end after the epoch at hand, if it is the one that runs here."""
    place = _place_of(dask_worker)
    if place.running == (search, trial_id):
        place.stop_reason = reason


def interrupt(search: str, trial_id: str, dask_worker: Any = None) -> None:
    """Interrupts the trial, if it is the one that runs here."""
    place = _place_of(dask_worker)
    if place.running == (search, trial_id):
        place.interrupt()


def leave(search: str, dask_worker: Any = None) -> None:
    """Gives back what a search holds here, unless a trial is at work."""
    del search
    _place_of(dask_worker).leave()


def study_digest(study: str) -> str:
    """Digest of a study file.

    Raises:
        FileNotFoundError: There is none.
    """
    return hashlib.sha256(Path(locate_study(study)).read_bytes()).hexdigest()


def _place_of(worker: Any) -> Place:
    return _places.setdefault(worker.address, Place())


def _why_not(job: Mapping[str, Any]) -> str | None:
    """Why this worker cannot run trials of a search, None when it can."""
    if job["protocol"] != PROTOCOL:
        return f"it has another version of Trialflow (protocol {PROTOCOL}, not {job['protocol']})"
    try:
        own = study_digest(job["setup"]["study"])
        if own != job["digest"]:
            return f"its study {job['setup']['study']} is another (sha256 {own[:8]})"
        if Project(**job["setup"]["project"]).info() is None:
            url = "/".join(job["setup"]["project"].values())
            return f"it does not see the project at {url}; use a shared folder or an object store"
    except Exception as error:  # noqa: BLE001 - whatever is missing there
        return f"{type(error).__name__}: {error}"
    return None
