"""`trialflow worker`: what a machine with GPUs runs for searches on a Dask cluster."""

from __future__ import annotations

import contextlib
import os
import socket
import subprocess
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from flows.commands.answers import Debug, Json, answered, print_json
from flows.forms import with_options
from flows.parameters import SlotParameters, parse_slots
from flows.running.stopping import TerminatedError, raise_when_asked_to_stop, status_of
from tasks.dask.address import scheduler_address
from tasks.hardware.placement import AUTO, Placement, thread_limits
from tuner.core.own_packages import python_of_ours

SHORTEST, LONGEST = 1.0, 15.0
"""Seconds before a worker that has ended is started again."""

STEADY = 30.0
"""Seconds after which a worker is taken to have worked."""

PATIENCE = 30
"""Seconds a worker waits for its scheduler before it ends, to be started again."""


class HostedWorker:
    """A Dask worker that is started again whenever it ends.

    Args:
        address: Of the scheduler.
        name: Of the worker.
        env: Its environment: its GPUs, its share of the processors.
        scratch: Where Dask may write.
    """

    def __init__(self, address: str, name: str, env: dict[str, str], scratch: str | None) -> None:
        self.name = name
        self._env = {**os.environ, **env}
        options = ["--nthreads", "1", "--nworkers", "1", "--name", name, "--no-dashboard"]
        options += ["--resources", "GPU=1", "--memory-limit", "0"]
        options += ["--death-timeout", str(PATIENCE)]
        options += ["--local-directory", scratch] if scratch else []
        self._words = [address, *options]
        self._process: subprocess.Popen[bytes] | None = None
        self._began = 0.0
        self._pause = SHORTEST
        self._due = 0.0

    def keep(self) -> None:
        """Starts it, if it does not run and is due."""
        now = time.monotonic()
        if self._process is not None:
            if self._process.poll() is None:
                return
            steady = now - self._began > STEADY
            self._pause = SHORTEST if steady else min(2 * self._pause, LONGEST)
            self._process, self._due = None, now + self._pause
            typer.echo(f"{self.name} has ended; it is started again in {self._pause:g} s", err=True)
        elif now >= self._due:
            python, env = python_of_ours(self._env)
            command = [*python, "-m", "tasks.dask.host", str(os.getpid())]
            self._process = subprocess.Popen(  # noqa: S603 - our own module
                [*command, *self._words], env=env, stdin=subprocess.DEVNULL
            )
            self._began = now

    def ask_to_end(self) -> None:
        if self._process is not None:
            self._process.terminate()

    def end(self, deadline: float) -> None:
        if self._process is None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(max(0.1, deadline - time.monotonic()))
        self._process.kill()
        self._process.wait()


@with_options(SlotParameters, only=["gpus", "trials_per_gpu", "gpus_per_trial"])
def worker(
    address: Annotated[str, typer.Argument(help="Of the scheduler, such as tcp://host:8786.")],
    slots: Annotated[
        Any,
        typer.Option(parser=parse_slots, metavar="N|auto", help="Slots of this machine."),
    ] = AUTO,
    name: Annotated[
        str | None, typer.Option(help="Name of this machine.", show_default="its host name")
    ] = None,
    scratch: Annotated[
        Path | None, typer.Option(help="Folder for Dask's own files.", show_default="Dask's own")
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
    **options: Any,
) -> None:
    """Offer this machine's GPUs to searches on a Dask cluster, until it is stopped.

    One Dask worker for each slot, pinned to its GPU, with a nanny; started again whenever it ends,
    as it does when its scheduler has been away.
    """
    host = name or socket.gethostname()
    raise_when_asked_to_stop()
    with answered(debug=debug):
        places = SlotParameters(slots=slots, **options).places()
    folder = None if scratch is None else str(scratch)
    address = scheduler_address(address)
    limits = thread_limits(len(places))
    hosted = [
        HostedWorker(address, f"{host}-{number}", {**limits, **place.env}, folder)
        for number, place in enumerate(places)
    ]
    if as_json:
        devices = [place.devices or None for place in places]
        slots_of = [{"name": h.name, "gpus": d} for h, d in zip(hosted, devices, strict=True)]
        print_json({"scheduler": address, "slots": slots_of})
    else:
        described = ", ".join(map(_describe, places))
        typer.echo(f"{len(hosted)} slots for {address}: {described}", err=True)
    try:
        while True:
            for one in hosted:
                one.keep()
            time.sleep(0.2)
    except (KeyboardInterrupt, TerminatedError) as stop:
        for one in hosted:
            one.ask_to_end()
        deadline = time.monotonic() + 10
        for one in hosted:
            one.end(deadline)
        raise typer.Exit(status_of(stop)) from None


def _describe(place: Placement) -> str:
    return f"GPU {place.devices}" if place.devices else "processors"
