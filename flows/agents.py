"""The Prefect flow that is one slot of a search: an agent on a work pool."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from prefect import flow, get_run_logger, runtime
from prefect.client.orchestration import get_client
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed, Running

from flows.forms import takes, with_form
from flows.parameters import AgentParameters
from tasks.hardware.claims import claim_gpus
from tasks.prefect.agent import WAITING, Agent, Farewell
from tasks.prefect.mailbox import Mailbox
from tasks.process.warm_slot import Json, WarmSlot, why_not
from tuner.journal.project import Project

INTERVAL = 5.0
"""Least seconds between two updates of the run's state: each one is a request."""


@with_form
@flow(name="agent", persist_result=False)
@takes(AgentParameters)
def agent(told: AgentParameters) -> Any:
    """Holds one warm slot, and runs trial after trial of one search until it is told to end."""
    log = get_run_logger()
    with claim_gpus(told.gpus_per_trial) as placement, _Shown() as shown:
        where = f"GPU {placement.devices}" if placement.devices else "processors"
        log.info("An agent of %s, on %s.", told.project_url, where)

        def say(line: str) -> None:
            if line != WAITING:  # between two trials of milliseconds it would fill the log
                log.info(line)
            shown.show(line)

        mailbox = Mailbox(Project.at(told.project_url).store)
        run = runtime.flow_run
        works = Agent(
            mailbox,
            str(run.id),
            str(run.name),
            WarmSlot(placement),
            told.idle,
            say,
            _why_not,
            is_dismissed=_is_cancelled,
        )
        with _saves_when_terminated(works):
            farewell = works.run()
    return _state_of(farewell)


def _why_not(job: Json) -> str | None:
    """Why this machine cannot run trials of a search, None when it can.

    Goes to the folder of the search first, where the machine has it: a study may be a module of
    that folder, and read files beside it.
    """
    folder = job.get("folder", "")  # a search of another version names none
    if folder and Path(folder).is_dir():
        os.chdir(folder)
        if folder not in sys.path:
            sys.path.append(folder)
    return why_not(job)


def _is_cancelled() -> bool:
    """Whether this run was cancelled; not if the server does not say so."""
    try:
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(UUID(str(runtime.flow_run.id))).state
    except Exception:  # noqa: BLE001 - a server that is away
        return False
    return state is not None and (state.is_cancelling() or state.is_cancelled())


def _state_of(farewell: Farewell) -> Any:
    if farewell.is_failure:
        return Failed(message=farewell.reason)
    return Completed(message=farewell.reason)


@contextmanager
def _saves_when_terminated(agent: Agent) -> Iterator[None]:
    """SIGTERM, as of a cancel or a pre-emption, first lets the trial end its epoch.

    Then it does what it would have done.
    """
    received: list[int] = []

    def terminate(number: int, frame: object) -> None:
        del frame
        received.append(number)
        agent.terminated = True

    if threading.current_thread() is not threading.main_thread():
        yield  # signals belong to the main thread
        return
    before = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
    if received:
        signal.raise_signal(signal.SIGTERM)


class _Shown:
    """Keeps the message of the flow run's state up to date, in a thread of its own."""

    def __init__(self) -> None:
        self._id = runtime.flow_run.id
        self._line = self._last = ""
        self._left = threading.Event()
        self._thread = threading.Thread(target=self._keep, name="agent-state", daemon=True)

    def show(self, line: str) -> None:
        self._line = line

    def _keep(self) -> None:
        while not self._left.is_set():
            if self._line != self._last:
                self._attempt(self._update)
                self._left.wait(INTERVAL)
            self._left.wait(0.2)

    def _update(self) -> None:
        line = self._line
        with get_client(sync_client=True) as client:
            state = client.read_flow_run(UUID(str(self._id))).state
            # A cancel has the last word.
            if state is not None and state.is_running():
                name = line.capitalize() if line.startswith("trial ") else "Running"
                new: State[Any] = Running(name=name, message=line)
                client.set_flow_run_state(UUID(str(self._id)), new, force=True)
        self._last = line

    @staticmethod
    def _attempt(update: Callable[[], None]) -> None:
        try:
            update()
        except Exception:  # noqa: BLE001 - a server that is away stops no trial
            time.sleep(INTERVAL)

    def __enter__(self) -> Self:
        if self._id is not None:
            self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._left.set()
        if self._thread.is_alive():
            self._thread.join(timeout=INTERVAL)
