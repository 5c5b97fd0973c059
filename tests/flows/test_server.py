"""The Prefect server that lives as long as one command."""

import functools
import os
import re
import signal
import sqlite3
import urllib.request

import psutil
import pytest
from support import STUDIES, finish, output_of, wait_for_end_of, wait_until

NAPS = STUDIES / "naps.py"

pytestmark = pytest.mark.story


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    return tmp_path_factory.mktemp("home")


@pytest.fixture
def alone(command_line, home):
    """Starts the command line without a Prefect server to go to."""
    return functools.partial(command_line, PREFECT_HOME=str(home))


def task_runs(home):
    """Name, state and flow run's name of all task runs, from the server's own database."""
    query = (
        "select t.name, t.state_type, f.name from task_run t join flow_run f"
        " on t.flow_run_id = f.id order by t.name"
    )
    with sqlite3.connect(f"file:{home}/prefect.db?mode=ro", uri=True) as connection:
        return list(connection.execute(query))


def test_every_trial_is_a_task_run_that_outlives_the_server(alone, home):
    out = finish(alone("search", NAPS, "--slots", 4, NAP_SECONDS="0", NAP_FAIL="0003"))
    assert re.search(r"Prefect UI while this runs: http://127\.0\.0\.1:\d+", out)
    found = task_runs(home)
    states = ["FAILED" if n == 3 else "COMPLETED" for n in range(8)]
    assert found == [(f"trial-{n:04d}", states[n], "naps") for n in range(8)]


def test_the_server_shows_its_pages_and_dies_with_a_killed_command(alone):
    search = alone("search", NAPS, NAP_SECONDS="60")
    page = None
    while page is None:
        line = search.stdout.readline()
        assert line, search.communicate()
        page = re.search(r"UI while this runs: (\S+)", line)
    with urllib.request.urlopen(page[1], timeout=30) as answer:
        assert b"<html" in answer.read()
    children = wait_until(lambda: psutil.Process(search.pid).children(recursive=True), search)
    assert any("flows.server" in child.cmdline() for child in children)
    os.kill(search.pid, signal.SIGKILL)
    search.wait()
    wait_for_end_of(children)


def test_a_signal_to_every_process_of_a_search_lets_it_end_its_epoch_and_say_so(
    alone, home, tmp_path
):
    """As SLURM stops a job: the server, the fork server and the children get it too."""
    words = ["search", STUDIES / "epochs.py", "--project-name", "signalled", "--max-trials", 1]
    search = alone(*words, EPOCH_SECONDS="0.5", EPOCH_TRACES=str(tmp_path))
    wait_until(lambda: list(tmp_path.glob("trial-0000-epoch-1")), search)
    family = psutil.Process(search.pid).children(recursive=True)
    assert len(family) >= 3  # the server, the fork server, a child
    for process in [*family, psutil.Process(search.pid)]:
        process.terminate()
    _, err = output_of(search)
    assert search.returncode == 143, err
    assert "Stopped. To go on: trialflow search" in err
    wait_for_end_of(family)
    assert ("trial-0000", "CANCELLED", "signalled") in task_runs(home)
    log = (tmp_path / "results/signalled/trials/0000/log.txt").read_text()
    assert "was ended" not in log
