"""A work pool with real workers, each of which runs one agent at a time as a process."""

import contextlib
import signal
import subprocess
import sys
import uuid

import psutil
from servers.prefect_api import ask_server, make_pool


class WorkPool:
    """Ends with the test, however that ends.

    Args:
        api: URL of a Prefect server's API.
        folder: For logs; where the search is started, and its agents.
        env: Of the workers and so of the agents.
    """

    def __init__(self, api, folder, env):
        self.name = f"pool-{uuid.uuid4().hex[:8]}"
        self.folder = folder
        self._api = api
        self._env = {**env, "PREFECT_API_URL": api, "PREFECT_WORKER_QUERY_SECONDS": "1"}
        self.workers = {}
        make_pool(self.ask, self.name)

    @property
    def engine(self):
        return f"prefect:{self.name}"

    def ask(self, path, body=None, method="POST"):
        """Asks the server's API, as its pages do."""
        return ask_server(self._api, path, body, method)

    def pause(self, paused):
        self.ask(f"work_pools/{self.name}", {"is_paused": paused}, "PATCH")

    def start_worker(self, name, limit=1, **env):
        words = ["worker", "start", "--pool", self.name, "--name", name, "--limit", str(limit)]
        with (self.folder / f"worker-{name}.log").open("ab") as log:
            self.workers[name] = subprocess.Popen(
                [sys.executable, "-m", "prefect", *words],
                env={**self._env, **env},
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self.workers[name]

    def runs(self):
        """The flow runs of the pool's agents, by name."""
        found = self.ask("flow_runs/filter", {"work_pools": {"name": {"any_": [self.name]}}})
        return {run["name"]: run for run in found}

    def cancel(self, run_id):
        state = {"type": "CANCELLING", "name": "Cancelling"}
        self.ask(f"flow_runs/{run_id}/set_state", {"state": state, "force": False})

    def agent_process(self, run_id):
        """The process in which an agent's flow runs, None when there is none."""
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("PREFECT__FLOW_RUN_ID") == run_id and not (
                    process.parent().environ().get("PREFECT__FLOW_RUN_ID")
                ):
                    return process
        return None

    def processes(self):
        """All processes that belong to the pool's agents."""
        ids = {run["id"] for run in self.runs().values()}
        found = []
        for process in psutil.process_iter():
            with contextlib.suppress(psutil.Error):
                if process.environ().get("PREFECT__FLOW_RUN_ID") in ids:
                    found.append(process)
        return found

    def stop(self):
        for worker in self.workers.values():
            if worker.poll() is None:
                worker.send_signal(signal.SIGKILL)
            worker.wait()
        for process in self.processes():
            with contextlib.suppress(psutil.Error):
                process.kill()
