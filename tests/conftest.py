"""Real processes and a real Prefect server for the tests that tell stories."""

import contextlib
import functools
import math
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from hypothesis import HealthCheck, settings
from servers.fixtures import azure_url, azurite_process, s3_process, s3_server, s3_url
from servers.prefect_api import ask_server
from support import ROOT

# How fast a busy machine draws examples says nothing of what is tested with them.
settings.register_profile("ours", suppress_health_check=[HealthCheck.too_slow], deadline=None)
settings.load_profile("ours")


def pytest_addoption(parser):
    parser.addoption(
        "--stories-until",
        type=float,
        default=math.inf,
        metavar="SECOND",
        help="skip stories that would begin after this second since 1970",
    )


def pytest_runtest_setup(item):
    if item.get_closest_marker("story") and time.time() > item.config.option.stories_until:
        pytest.skip("no time is left: --stories-until")


# Here and nowhere else: fsspec keeps its connections to the one server there is.
__all__ = ["azure_url", "azurite_process", "s3_process", "s3_server", "s3_url"]


@pytest.fixture(scope="session")
def prefect_home(tmp_path_factory):
    return tmp_path_factory.mktemp("prefect")


@pytest.fixture(scope="session")
def environment(prefect_home):
    """The environment of every process a test starts: nobody's Prefect profile, no server."""
    hidden = ("PREFECT_", "TRIALFLOW_", "KERAS_BACKEND", "COLUMNS", "LINES")
    env = {k: v for k, v in os.environ.items() if not k.startswith(hidden)}
    return {
        **env,
        "PREFECT_HOME": str(prefect_home),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PYTHONUNBUFFERED": "1",
    }


@pytest.fixture(scope="session")
def prefect_server(environment):
    """One Prefect server for the session: starting it takes longer than most searches here."""
    script = (
        "import sys\n"
        "from flows.server import prefect_server\n"
        "with prefect_server(lambda text: None) as url:\n"
        "    print(url, flush=True)\n"
        "    sys.stdin.read()\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    url = process.stdout.readline().strip()
    assert url.startswith("http"), "the server did not start"
    yield url
    process.communicate(timeout=30)


@pytest.fixture(scope="session")
def ask(prefect_server):
    """Asks the server's API, as its pages do."""
    return functools.partial(ask_server, f"{prefect_server}/api")


@pytest.fixture
def command_line(environment, tmp_path):
    """Starts the command line as a real process; what still runs at the end is killed."""
    started = []

    def start(*words, cwd=tmp_path, **env):
        process = subprocess.Popen(
            [sys.executable, "-m", "flows", *map(str, words)],
            env={**environment, **env},
            cwd=cwd,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
        process.communicate()


@pytest.fixture
def trialflow(command_line, prefect_server):
    """Starts the command line with a Prefect server to go to."""
    return functools.partial(command_line, PREFECT_API_URL=f"{prefect_server}/api")


@pytest.fixture
def prefect(environment, prefect_server, tmp_path):
    """Starts Prefect's command line in the repository's root; its output goes to a file."""
    started = []
    env = {**environment, "PREFECT_API_URL": f"{prefect_server}/api"}

    def start(*words, **more):
        with (tmp_path / f"prefect-{len(started)}.log").open("w") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", "prefect", *map(str, words)],
                env={**env, **more},
                cwd=ROOT,
                stdout=log,
                stderr=log,
                stdin=subprocess.DEVNULL,
            )
        process.family = psutil.Process(process.pid).children
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in [*process.family(recursive=True), process]:
                    child.kill()
        process.wait()
