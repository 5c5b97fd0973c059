"""A Dask cluster of real processes: a scheduler, and workers as `trialflow worker` starts them."""

import os
import signal
import socket
import subprocess
import sys
import time

import psutil
from servers.namespaces import on


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Cluster:
    """Ends with the test, however that ends.

    Args:
        folder: For logs and scratch.
        env: Of all its processes.
        host: Address of this host, where the scheduler listens.
    """

    def __init__(self, folder, env, host="127.0.0.1"):
        self.folder = folder
        self.env = env
        self.host = host
        self.port = free_port()
        self.scheduler = None
        self.workers = {}

    @property
    def address(self):
        return f"{self.host}:{self.port}"

    def start_scheduler(self):
        words = ["--host", self.host, "--port", str(self.port), "--no-dashboard"]
        # a frozen worker is given up soon
        ttl = {"DASK_DISTRIBUTED__SCHEDULER__WORKER_TTL": "6s"}
        self.scheduler = self._start(["distributed.cli.dask_scheduler", *words], ttl)

    def stop_scheduler(self):
        self.scheduler.kill()
        self.scheduler.wait()

    def start_worker(self, name, machine=None, **env):
        """Starts `trialflow worker`, on a machine of a `Network` where one is named."""
        words = ["worker", f"dask://{self.address}", "--slots", "1", "--name", name]
        self.workers[name] = self._start(
            ["flows", *words, "--scratch", str(self.folder / name)], env, machine
        )

    def nanny_and_worker(self, name):
        """The processes of Dask under `trialflow worker`, the nanny first."""
        family = psutil.Process(self.workers[name].pid).children(recursive=True)
        return [
            p
            for p in family
            if any(w in " ".join(p.cmdline()) for w in ("dask_host", "spawn_main"))
        ]

    def stop(self):
        for process in [*self.workers.values(), self.scheduler]:
            if process is not None and process.poll() is None:
                process.send_signal(signal.SIGKILL)
                process.wait()

    def _start(self, words, env, machine=None):
        with (self.folder / f"{words[0]}-{time.monotonic_ns()}.log").open("wb") as log:
            return subprocess.Popen(
                [*(on(machine) if machine else []), sys.executable, "-m", *words],
                env={**self.env, **env},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )


def kill(process):
    os.kill(process.pid, signal.SIGKILL)
