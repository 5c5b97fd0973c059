"""Whatever is killed, the same command goes on and nothing is lost."""

import json
import os
import signal
import subprocess
import sys
import time

import psutil
import pytest
from support import STUDIES, finish, wait_for_end_of, wait_until

NAPS = STUDIES / "naps.py"
TINY = STUDIES / "tiny.py"

pytestmark = pytest.mark.story


def status(project, environment):
    run = subprocess.run(
        [sys.executable, "-m", "flows", "status", str(project), "--json"],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    return json.loads(run.stdout) if run.returncode == 0 else {"trials": []}


def completed(project, environment):
    trials = status(project, environment)["trials"]
    return {t["trial_id"]: t["score"] for t in trials if t["status"] == "COMPLETED"}


def states_of_runs(ask, name):
    """States of the flow runs of a name, the oldest first, and of their tasks."""
    runs = {"name": {"any_": [name]}}
    found = ask("flow_runs/filter", {"flow_runs": runs, "sort": "START_TIME_ASC"})
    tasks = ask("task_runs/filter", {"flow_runs": runs})
    return [run["state"]["type"] for run in found], {task["state"]["type"] for task in tasks}


def test_a_killed_search_keeps_every_completed_trial_and_ends_with_exactly_max_trials(
    trialflow, environment, ask, tmp_path
):
    project = tmp_path / "results" / "naps-killed"
    words = ["search", NAPS, "--slots", 2, "--project-name", "naps-killed"]
    traces = tmp_path / "traces"
    traces.mkdir()
    env = {"NAP_SECONDS": "0.5", "NAP_TRACES": str(traces)}
    first = trialflow(*words, NAP_LONG="0003", **env)
    # One that is sure to run when the search is killed.
    wait_until(lambda: list(traces.glob("run-0003-*")), first)
    wait_until(lambda: len(list((project / "trials").glob("*/result.json"))) >= 3, first)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    before = completed(project, environment)
    assert 2 <= len(before) < 8

    result = json.loads(finish(trialflow(*words, "--json", **env)))

    after = completed(project, environment)
    assert len(after) == result["completed"] == 8
    assert before.items() <= after.items()
    tries = {t["trial_id"]: t["tries"] for t in status(project, environment)["trials"]}
    assert set(tries.values()) == {1, 2}
    assert tries["0003"] == 2
    for trial_id in before:  # ended trials never ran again
        assert len(list(traces.glob(f"run-{trial_id}-*"))) == 1
    assert sorted(after) == [f"{n:04d}" for n in range(8)]
    # In Prefect, too, the run that was killed is over.
    assert states_of_runs(ask, "naps-killed") == (
        ["CRASHED", "COMPLETED"],
        {"CRASHED", "COMPLETED"},
    )


def test_children_die_with_a_killed_search(trialflow, tmp_path):
    search = trialflow("search", NAPS, "--slots", 2, NAP_SECONDS="60")
    trials = tmp_path / "results" / "naps" / "journal"
    wait_until(lambda: len(list(trials.rglob("*.json"))) >= 2, search)
    family = wait_until(lambda: _fork_server_and_child(search.pid), search)
    os.kill(search.pid, signal.SIGKILL)
    search.wait()
    wait_for_end_of(family)


def _fork_server_and_child(pid):
    family = psutil.Process(pid).children(recursive=True)
    return family if len(family) >= 2 else None


def test_a_killed_child_fails_only_its_own_trial_which_is_tried_again(
    trialflow, environment, tmp_path
):
    project = tmp_path / "results" / "tiny"
    search = trialflow("search", TINY, "--slots", 2, "--json", TINY_PAUSE="0.5")

    def child_of_a_second_trial():
        if not list((project / "trials").glob("*/result.json")):
            return None
        tree = psutil.Process(search.pid).children(recursive=True)
        leaves = [p for p in tree if not p.children() and "forkserver" in " ".join(p.cmdline())]
        return leaves[0] if len(leaves) == 2 else None

    victim = wait_until(child_of_a_second_trial, search)
    time.sleep(0.3)
    victim.kill()
    result = json.loads(finish(search))

    assert (result["completed"], result["failed"]) == (4, 0)
    tries = sorted(t["tries"] for t in status(project, environment)["trials"])
    assert tries == [1, 1, 1, 2]
    logs = [path.read_text() for path in (project / "trials").glob("*/log.txt")]
    assert len(logs) == 4


def test_a_trial_that_kills_its_process_each_time_ends_as_failed(trialflow, tmp_path):
    study = tmp_path / "deadly.py"
    study.write_text(
        NAPS.read_text().replace("time.sleep(SECONDS + pause)", "os.kill(os.getpid(), 9)")
    )
    search = trialflow("search", study, "--max-trials", 2, "--json")
    result = json.loads(finish(search))
    assert (result["completed"], result["failed"], result["best"]) == (0, 2, None)
