"""However many searches are started on one project, one of them writes."""

import json
import os
import signal

import pytest
from support import STUDIES, finish, output_of, wait_until

from tuner.journal.check import check
from tuner.journal.project import Project

NAPS = STUDIES / "naps.py"

pytestmark = pytest.mark.story


def test_a_frozen_search_is_taken_over_and_when_it_wakes_it_says_so_and_ends(trialflow, tmp_path):
    project = tmp_path / "results" / "naps"
    env = {"NAP_SECONDS": "0.4", "TRIALFLOW_LEASE_SECONDS": "2"}
    frozen = trialflow("search", NAPS, **env)
    wait_until(lambda: len(list(project.glob("trials/*/result.json"))) >= 2, frozen)
    os.kill(frozen.pid, signal.SIGSTOP)
    waiting = trialflow("search", NAPS, "--wait", "--json", **env)
    out, err = output_of(waiting)
    assert waiting.returncode == 0, err
    assert f":{frozen.pid}" in err
    os.kill(frozen.pid, signal.SIGCONT)
    _, err = output_of(frozen)
    assert frozen.returncode == 3
    assert "Received: entry number=" in err
    assert "goes on with the search; let it" in err
    assert "Traceback" not in err
    result = json.loads(out)
    assert (result["completed"], result["failed"]) == (8, 0)
    status = json.loads(finish(trialflow("status", project, "--json")))
    assert [trial["status"] for trial in status["trials"]] == ["COMPLETED"] * 8
    assert check(Project.at(project)).damages == []
