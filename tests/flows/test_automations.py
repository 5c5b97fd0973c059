"""A killed search is seen to be gone by a real server."""

import json
import os
import signal
import urllib.request

import pytest
from support import STUDIES, finish, output_of, wait_until

pytestmark = pytest.mark.story


def test_a_killed_search_is_marked_as_crashed(trialflow, prefect_server, tmp_path):
    def states():
        request = urllib.request.Request(
            f"{prefect_server}/api/flow_runs/filter",
            json.dumps({"flow_runs": {"name": {"any_": ["vanished"]}}}).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return [run["state"]["type"] for run in json.loads(answer.read())]

    for _ in range(2):  # the second one replaces the first
        assert "marked as crashed" in finish(trialflow("setup-automations", "--after", "60"))
    search = trialflow(
        "search", STUDIES / "naps.py", "--project-name", "vanished", NAP_SECONDS="600"
    )
    wait_until((tmp_path / "results" / "vanished" / "journal").exists, search)
    wait_until(lambda: states() == ["RUNNING"], search)
    os.kill(search.pid, signal.SIGKILL)
    wait_until(lambda: states() == ["CRASHED"])


def test_without_a_server_that_stays_it_says_what_to_do(command_line):
    process = command_line("setup-automations")
    _, err = output_of(process)
    assert process.returncode == 1
    assert "prefect server start" in err
