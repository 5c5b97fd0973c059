"""The Prefect server of a command: the one that is configured, or one for the time of the command.

Prefect starts one by itself, without its UI, and leaves it behind when the command is killed.
This one has the UI and ends with the command, however that ends.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from tasks.prefect.runs import HEARTBEAT, HEARTBEAT_SETTING
from tuner.core.own_packages import python_of_ours

if TYPE_CHECKING:
    import uvicorn
    from prefect.client.orchestration import SyncPrefectClient


@contextmanager
def configured_server() -> Iterator[SyncPrefectClient]:
    """A client of the server that PREFECT_API_URL or a profile names.

    Raises:
        ValueError: Neither names one.
        ConnectionError: It does not answer.
    """
    from prefect.client.orchestration import get_client
    from prefect.settings import PREFECT_API_URL

    url = PREFECT_API_URL.value()
    if not url:
        msg = (
            "Expected PREFECT_API_URL to name a Prefect server that stays. Received: none. "
            "Start one (prefect server start), and set PREFECT_API_URL to what it says."
        )
        raise ValueError(msg)
    with get_client(sync_client=True) as client:
        error = client.api_healthcheck()
        if error is not None:
            msg = (
                f"Expected a Prefect server at PREFECT_API_URL={url}. Received: {error}. "
                "Start it (prefect server start), or correct the address, which ends in /api."
            )
            raise ConnectionError(msg)
        yield client


HOST = "127.0.0.1"
QUIET = 1.5
"""Seconds without news after which the server is taken to have written everything."""

ATTEMPTS = 3
"""How often a server is started that ends before it answers."""

START_TIMEOUT = 600.0
"""Seconds; the very first start creates the database: half a minute, and many on a busy machine."""


def hush_prefect() -> None:
    """Keeps Prefect out of the terminal; to be called before it is imported."""
    os.environ.setdefault(HEARTBEAT_SETTING, str(HEARTBEAT))
    # Its own log lines would tear the display; all of them still reach its API.
    os.environ.setdefault("PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL", "CRITICAL")
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("DO_NOT_TRACK", "1")  # a search sends nothing to anybody
    # What it would send after the end has no server to go to; it must not start a server for that.
    os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_ENABLED", "false")


@contextmanager
def prefect_server(say: Callable[[str], None]) -> Iterator[str | None]:
    """Makes sure a Prefect API is there, and configured.

    Args:
        say: Gets a line about what is going on.

    Yields:
        URL of the UI of the server that was started, None where an API was configured already.

    Raises:
        ConnectionError: The one that is configured does not answer.
    """
    import prefect.settings as prefect_settings

    configured = prefect_settings.PREFECT_API_URL.value()
    if configured:
        with configured_server():
            say(f"Using the Prefect server at {configured}")
        yield None
        return
    say("Starting Prefect's embedded server (half a minute the very first time) ...")
    base, process = _start_healthy()
    try:
        with _configured(f"{base}/api"):
            try:
                yield base
            finally:
                # Whatever ended the command: what is queued for a server that is gone is tried
                # again for a minute.
                _send_what_is_queued()
                _wait_until_recorded(base)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        try:
            process.wait(timeout=5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _configured(api: str) -> Iterator[None]:
    """Tells Prefect of its API, in all threads.

    Prefect's temporary settings are those of one context. What a trial prints is logged by a
    thread with a context of its own, where Prefect would start another server for it.
    """
    from prefect.context import refresh_global_settings_context

    os.environ["PREFECT_API_URL"] = api
    refresh_global_settings_context()
    try:
        yield
    finally:
        del os.environ["PREFECT_API_URL"]
        refresh_global_settings_context()


def _send_what_is_queued() -> None:
    """Prefect sends logs and events in the background; let them arrive before the server ends."""
    from prefect.events.worker import EventsWorker
    from prefect.logging.handlers import APILogWorker

    APILogWorker.drain_all(timeout=10)
    EventsWorker.drain_all(timeout=10)


def _wait_until_recorded(base: str) -> None:
    """Waits until the server has written the task runs it was told of.

    It takes them from a queue in its memory, which would end with it.
    """
    deadline = time.monotonic() + 30
    last, since = -1, time.monotonic()
    while time.monotonic() < min(deadline, since + QUIET):
        count = _count_ended_task_runs(base)
        if count != last:
            last, since = count, time.monotonic()
        time.sleep(0.2)


def _count_ended_task_runs(base: str) -> int:
    ended = {"type": {"any_": ["COMPLETED", "FAILED", "CRASHED", "CANCELLED"]}}
    request = urllib.request.Request(  # noqa: S310 - loopback
        f"{base}/api/task_runs/count",
        data=json.dumps({"task_runs": {"state": ended}}).encode(),
        headers={"Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310
            return int(answer.read())
    except (urllib.error.URLError, OSError):
        return -1


def main() -> None:
    """The server process: `python -m flows.server PORT PARENT_PID`."""
    from tasks.process.parent_death import die_with_parent

    die_with_parent(int(sys.argv[2]))
    # A signal to all processes of a job is meant for the search, which has to say how it ended.
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_IGN)
    import uvicorn

    class Server(uvicorn.Server):
        @contextmanager
        def capture_signals(self) -> Iterator[None]:
            """Leaves the signals as they are."""
            yield

    config = uvicorn.Config(
        "prefect.server.api.server:create_app",
        factory=True,
        host=HOST,
        port=int(sys.argv[1]),
        log_level="error",
        lifespan="on",
        timeout_graceful_shutdown=2,
    )
    server = Server(config)
    threading.Thread(target=_end_with_input, args=(server,), daemon=True).start()
    server.run()


def _end_with_input(server: uvicorn.Server) -> None:
    """Has the server end once its parent closes its standard input."""
    while os.read(0, 1):  # not `sys.stdin`, whose lock a thread must not hold at the end
        pass
    server.should_exit = True


def _start_healthy() -> tuple[str, subprocess.Popen[bytes]]:
    """URL and process of a server that answers.

    One that ends at once is started again: of two that make the database at the same time, as two
    jobs of one user do, one fails.

    Raises:
        RuntimeError: It does not answer.
    """
    for attempt in range(1, ATTEMPTS + 1):
        base = f"http://{HOST}:{_free_port()}"
        process = _start(base)
        try:
            _wait_until_healthy(base, process)
        except BaseException as error:
            has_ended = process.poll() is not None
            process.kill()
            process.wait()
            if not (isinstance(error, RuntimeError) and has_ended) or attempt == ATTEMPTS:
                raise
        else:
            return base, process
    raise AssertionError("the last attempt raises")


def _start(base: str) -> subprocess.Popen[bytes]:
    env = {
        **os.environ,
        "PREFECT__SERVER_FINAL": "1",
        # Without it the pages call port 4200, whatever port they came from.
        "PREFECT_SERVER_UI_API_URL": f"{base}/api",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "ERROR",
        "PREFECT_SERVER_LOGGING_LEVEL": "ERROR",
    }
    port = base.rsplit(":", 1)[-1]
    python, env = python_of_ours(env)
    return subprocess.Popen(  # noqa: S603 - our own module
        [*python, "-m", "flows.server", port, str(os.getpid())],
        env=env,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        # It logs a traceback for every request that its own end cuts off.
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )


def _wait_until_healthy(base: str, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if process.poll() is not None:
            break
        try:
            with urllib.request.urlopen(f"{base}/api/health", timeout=2):  # noqa: S310 - loopback
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.1)
    msg = (
        f"Expected Prefect's embedded server to answer at {base}. Received: nothing "
        f"(status={process.returncode}). Run `prefect server start` to see why, or set "
        "PREFECT_API_URL to a server that runs."
    )
    raise RuntimeError(msg)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
    return port


if __name__ == "__main__":
    main()
