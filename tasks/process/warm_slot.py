"""One slot on another machine: a child that stays warm between requests.

A job is what such a machine needs to know of a search: `setup`, `preload` and `limits` of its
slots, the `digest` of its study, the `protocol`, and which `search` it is; JSON.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Protocol

from tasks.hardware.placement import Placement
from tasks.messages import Report, from_dict, to_dict
from tasks.process.local_slots import LocalSlots
from tasks.process.watchdog import TrialLimits
from tasks.slots import ChildLostError, SearchStoppedError
from tuner.journal.project import Project
from tuner.tuners.study import locate_study

PROTOCOL = 2
"""Version of what a search and the machines that run its trials say to each other."""

IDLE = 120.0
"""Seconds after which a child without a request gives its memory back."""

Json = dict[str, Any]


class Listener(Protocol):
    """Is told what a request prints and reports."""

    def line(self, text: str) -> None: ...

    def message(self, report: Report) -> None: ...


def make_job(
    setup: Mapping[str, Any], project: Project, preload: Sequence[str], limits: TrialLimits
) -> Json:
    """The job of a search.

    Raises:
        FileNotFoundError: Its study is not there.
    """
    return {
        "protocol": PROTOCOL,
        "search": hashlib.sha256(project.url.encode()).hexdigest()[:16],
        "setup": dict(setup),
        "preload": list(preload),
        "limits": asdict(limits),
        "digest": study_digest(setup["study"]),
    }


class WarmSlot:
    """Where another machine runs trials: one at a time, on a child that stays warm.

    Args:
        placement: Where its child runs.
    """

    def __init__(self, placement: Placement | None = None) -> None:
        self._placement = placement or Placement()
        self._lock = threading.Lock()
        self._setup: Json | None = None
        self._slots: LocalSlots | None = None
        self._idle: threading.Timer | None = None
        self.running: tuple[str, str] | None = None
        """Search and trial that are under way."""
        self.stop_reason: str | None = None
        """Why the trial under way is to end early."""

    def run(self, job: Json, news: Listener) -> Json:
        """Runs a job to its end.

        Args:
            job: With the `request` for `tasks.process.child`.
            news: Is told what goes on.

        Returns:
            One of `answer`, `lost` (message, outcome, whether hopeless) and `stopped`.
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

    def _ask(self, job: Json, news: Listener) -> Json:
        def take_in(report: Report) -> str | None:
            news.message(report)
            return self.stop_reason

        with self._slots_for(job).lease() as slot:
            try:
                answer = slot.ask(from_dict(job["request"]), take_in, news.line)
                return {"answer": to_dict(answer)}
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
            limits = TrialLimits(**job["limits"])
            slots = LocalSlots([self._placement], job["setup"], tuple(job["preload"]), limits)
            self._slots, self._setup = slots.__enter__(), key
        return self._slots

    def _end(self) -> None:
        slots, self._slots, self._setup = self._slots, None, None
        if slots is not None:
            slots.__exit__(None, None, None)


def study_digest(study: str) -> str:
    """Digest of a study file.

    Raises:
        FileNotFoundError: There is none.
    """
    return hashlib.sha256(Path(locate_study(study)).read_bytes()).hexdigest()


def why_not(job: Mapping[str, Any]) -> str | None:
    """Why this machine cannot run trials of a search, None when it can."""
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
