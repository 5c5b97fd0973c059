"""Searches on agents of a work pool, all of them real processes: each trial is told once."""

import json
import os
import random
import shutil
import signal
import time

import psutil
import pytest
from servers.work_pool import WorkPool
from support import STUDIES, finish
from waiting import finish_beside, output_beside, wait_beside

pytestmark = pytest.mark.story

NAPS = STUDIES / "naps.py"
EPOCHS = STUDIES / "epochs.py"


@pytest.fixture
def pool(environment, prefect_server, tmp_path):
    traces = tmp_path / "traces"
    traces.mkdir()
    env = {"NAP_TRACES": str(traces), "EPOCH_TRACES": str(traces), "NAP_SECONDS": "0.5"}
    pool = WorkPool(f"{prefect_server}/api", tmp_path, {**environment, **env})
    yield pool
    pool.stop()


@pytest.fixture
def search(trialflow, pool):
    """Starts a search on the pool's agents; one that is silent for 10 s is lost."""

    def start(study, *words, **env):
        engine = ["--engine", pool.engine, "--json"]
        return trialflow("search", study, *engine, *words, TRIALFLOW_AGENT_SECONDS="10", **env)

    return start


def trials_of(trialflow, project):
    return json.loads(finish(trialflow("status", project, "--json")))["trials"]


def results(tmp_path):
    return sorted(tmp_path.glob("results/*/trials/*/result.json"))


def log_of(tmp_path, project, trial_id):
    return (tmp_path / f"results/{project}/trials/{trial_id}/log.txt").read_text()


def told(tmp_path, project):
    """Ids of the trials whose end stands in the journal, once for each time."""
    events = []
    for path in sorted(tmp_path.glob(f"results/{project}/journal/*/*.json")):
        events += json.loads(path.read_text())["entry"]["events"]
    return sorted(event["trial_id"] for event in events if event["type"] == "trial_ended")


def check_gone(pool):
    """No agent's process is left, and no run is under way or to come."""
    wait_beside(lambda: not pool.processes(), None)
    states = {run["state"]["type"] for run in pool.runs().values()}
    assert not states & {"RUNNING", "SCHEDULED", "PENDING", "CANCELLING"}, states


def begun(pool, tmp_path, pattern, search):
    """The run of the agent that has left a trace of this pattern, and its process."""
    wait_beside(lambda: list((tmp_path / "traces").glob(pattern)), search)
    run = next(run for run in pool.runs().values() if run["state"]["type"] == "RUNNING")
    return run, pool.agent_process(run["id"])


def test_agents_are_runs_of_the_search_and_are_gone_at_its_end(search, pool, tmp_path, ask):
    morning = tmp_path / "morning"
    pool.start_worker("a", EPOCH_UNTIL=str(morning))
    process = search(EPOCHS, "--slots", 2, "--max-trials", 4)
    run, _ = begun(pool, tmp_path, "trial-0000-epoch-19", process)
    # The second agent joins late, and not before there is a worker for it.
    pool.start_worker("b", EPOCH_UNTIL=str(morning))
    begun(pool, tmp_path, "trial-0001-epoch-19", process)
    parents = ask("task_runs/filter", {"task_runs": {"id": {"any_": [run["parent_task_run_id"]]}}})
    parent = ask("flow_runs/filter", {"flow_runs": {"id": {"any_": [parents[0]["flow_run_id"]]}}})
    assert parent[0]["name"] == "epochs"

    def shown():
        return {each["name"]: each["state"]["name"] for each in pool.runs().values()}

    names = {"epochs agent 1", "epochs agent 2"}
    wait_beside(lambda: set(shown().values()) == {"Trial 0000", "Trial 0001"}, process)
    assert set(shown()) == names
    morning.touch()
    result = json.loads(finish_beside(process))
    assert (result["completed"], result["failed"]) == (4, 0)
    assert told(tmp_path, "epochs") == ["0000", "0001", "0002", "0003"]
    check_gone(pool)
    assert {run["state"]["type"] for run in pool.runs().values()} == {"COMPLETED"}
    assert not (tmp_path / "results/epochs/agents").exists()


def test_a_killed_agent_costs_its_trial_nothing_but_the_epoch_at_hand(
    search, pool, trialflow, tmp_path
):
    for name in "ab":
        pool.start_worker(name, TINY_PAUSE="2")
    process = search(STUDIES / "tiny.py", "--slots", 1, "--max-trials", 1)
    manifest = "results/tiny/trials/0000/execution-0/manifest.json"
    wait_beside((tmp_path / manifest).exists, process)
    run = next(run for run in pool.runs().values() if run["state"]["type"] == "RUNNING")
    pool.agent_process(run["id"]).kill()
    result = json.loads(finish_beside(process))
    assert (result["completed"], result["failed"]) == (1, 0)
    log = log_of(tmp_path, "tiny", "0000")
    assert "is lost; the trial goes on elsewhere" in log
    assert log.count("epoch 0 has ended") <= 1  # the second agent did not begin anew
    assert log.count("epoch 2 has ended") == 1
    assert [t["tries"] for t in trials_of(trialflow, "results/tiny")] == [1]
    check_gone(pool)


def test_an_agent_that_was_frozen_comes_back_and_its_trial_is_told_once(
    search, pool, trialflow, tmp_path
):
    morning = tmp_path / "morning"
    pool.start_worker("a", NAP_UNTIL=str(morning))
    process = search(NAPS, "--slots", 2, "--max-trials", 2)
    _, frozen = begun(pool, tmp_path, "run-0000-*", process)
    frozen.suspend()
    pool.start_worker("b")
    result_file = tmp_path / "results/naps/trials/0000/result.json"
    wait_beside(result_file.exists, process)
    first = result_file.read_bytes()
    morning.touch()
    frozen.resume()
    result = json.loads(finish_beside(process))
    assert (result["completed"], result["failed"]) == (2, 0)
    assert result_file.read_bytes() == first
    assert told(tmp_path, "naps") == ["0000", "0001"]
    assert len(list((tmp_path / "traces").glob("run-0000-*"))) == 2
    check_gone(pool)


def test_a_killed_search_adopts_its_agents_and_what_they_run(search, pool, tmp_path):
    pool.start_worker("a", NAP_SECONDS="45")
    words = ["--slots", 1, "--max-trials", 1]
    first = search(NAPS, *words)
    run, _ = begun(pool, tmp_path, "run-0000-*", first)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    result = json.loads(finish_beside(search(NAPS, *words)))
    assert (result["completed"], result["failed"]) == (1, 0)
    assert len(list((tmp_path / "traces").glob("run-0000-*"))) == 1
    assert list(pool.runs()) == [run["name"]]
    assert "goes on where it was, on naps agent 1" in log_of(tmp_path, "naps", "0000")
    check_gone(pool)


def test_a_search_goes_on_after_its_agents_have_gone_for_lack_of_trials(search, pool, tmp_path):
    pool.start_worker("a")
    first = search(NAPS, "--slots", 1, "--agent-idle", 2)
    wait_beside(lambda: len(results(tmp_path)) >= 2, first)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    wait_beside(lambda: not pool.processes(), None)  # nobody asks them for anything
    ended = wait_beside(
        lambda: [r for r in pool.runs().values() if r["state"]["type"] == "COMPLETED"], None
    )
    assert "No trial came for 2 s" in ended[0]["state"]["message"]
    result = json.loads(finish_beside(search(NAPS, "--slots", 1)))
    assert (result["completed"], result["failed"]) == (8, 0)
    assert told(tmp_path, "naps") == [f"{n:04d}" for n in range(8)]
    check_gone(pool)


def test_a_search_that_is_stopped_leaves_no_agent(search, pool, tmp_path):
    pool.start_worker("a", EPOCH_SECONDS="0.5")
    process = search(EPOCHS, "--slots", 3)  # two of them never begin
    begun(pool, tmp_path, "trial-0000-epoch-1", process)
    process.send_signal(signal.SIGTERM)
    _, err = output_beside(process)
    assert process.returncode == 143, err
    assert "To go on: trialflow search" in err
    check_gone(pool)
    assert {run["state"]["type"] for run in pool.runs().values()} == {"COMPLETED", "CANCELLED"}


@pytest.mark.parametrize("how", ["cancelled", "terminated"])
def test_an_agent_that_is_cancelled_or_pre_empted_saves_its_trial_which_moves(
    how, search, pool, trialflow, tmp_path
):
    pool.start_worker("a", TINY_PAUSE="2")
    process = search(STUDIES / "tiny.py", "--slots", 2, "--max-trials", 1)
    manifest = "results/tiny/trials/0000/execution-0/manifest.json"
    wait_beside((tmp_path / manifest).exists, process)
    run = next(run for run in pool.runs().values() if run["state"]["type"] == "RUNNING")
    if how == "cancelled":
        pool.cancel(run["id"])
    else:
        pool.agent_process(run["id"]).terminate()
    pool.start_worker("b")
    result = json.loads(finish_beside(process))
    assert (result["completed"], result["failed"]) == (1, 0)
    assert [t["tries"] for t in trials_of(trialflow, "results/tiny")] == [1]
    # It was no loss: it said that it stopped, and what it had trained was kept.
    log = log_of(tmp_path, "tiny", "0000")
    assert "is lost" not in log
    assert log.count("epoch 0 has ended") <= 1
    wait_beside(
        lambda: (
            pool.runs()[run["name"]]["state"]["type"]
            == ("CANCELLED" if how == "cancelled" else "CRASHED")
        ),
        None,
    )
    if how == "cancelled":  # somebody wanted it to end: there is none in its place
        assert len(pool.runs()) == 2
    check_gone(pool)


def test_an_agent_with_another_study_is_named_and_gets_no_trial(search, pool, tmp_path):
    for name in ("good", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "shared_naps.py").write_text(f"# {name}\n{NAPS.read_text()}")
    good = {"PYTHONPATH": str(tmp_path / "good")}
    pool.start_worker("old", PYTHONPATH=str(tmp_path / "old"))
    process = search("shared_naps", "--slots", 1, **good)
    states = lambda: (tmp_path / "results/shared_naps/agents").glob("*/state.json")  # noqa: E731
    wait_beside(lambda: any("is another" in path.read_text() for path in states()), process)
    # The old one is first in the queue, and keeps its place: the next agent begins elsewhere.
    pool.start_worker("good", **good)
    _, err = output_beside(process)
    assert process.returncode == 0, err
    assert "gets no trial: its study shared_naps is another" in err
    assert told(tmp_path, "shared_naps") == [f"{n:04d}" for n in range(8)]
    check_gone(pool)
    ends = {name: run["state"]["type"] for name, run in pool.runs().items()}
    assert ends == {"shared_naps agent 1": "FAILED", "shared_naps agent 2": "COMPLETED"}


def test_searches_of_several_folders_share_the_agents_of_a_pool(search, pool, tmp_path):
    pool.start_worker("a", NAP_SECONDS="0")
    for name in ("one", "two"):
        folder = tmp_path / name
        folder.mkdir()
        shutil.copy(NAPS, folder / "own_naps.py")
        words = ["--slots", 1, "--max-trials", 1, "--agent-idle", 1]
        # A module, which only an agent in the search's own folder finds.
        result = json.loads(finish_beside(search("own_naps", *words, cwd=folder)))
        assert (result["completed"], result["failed"]) == (1, 0)
        assert result["project"] == str(folder / "results" / "own_naps")
        check_gone(pool)
        shutil.rmtree(folder)


def test_a_paused_pool_is_named_and_goes_on_when_it_is_resumed(search, pool, tmp_path):
    pool.pause(paused=True)
    pool.start_worker("a", NAP_SECONDS="0")
    process = search(NAPS, "--slots", 1, "--max-trials", 2)
    wait_beside(lambda: "naps agent 1" in pool.runs(), process)
    time.sleep(35)  # a word is due after half a minute
    assert not list((tmp_path / "traces").glob("run-*"))
    pool.pause(paused=False)
    _, err = output_beside(process)
    assert process.returncode == 0, err
    assert f"The work pool {pool.name} is paused" in err
    assert told(tmp_path, "naps") == ["0000", "0001"]


@pytest.mark.timeout(1800)
def test_whatever_happens_to_workers_each_trial_is_told_once(search, pool, tmp_path):
    """The short form; `make chaos-agents` is the long one."""
    trials = int(os.environ.get("CHAOS_TRIALS", "12"))
    rng = random.Random(int(os.environ.get("CHAOS_SEED", "1")))
    for name in "abc":
        pool.start_worker(name, NAP_SECONDS="1")
    process = search(NAPS, "--slots", 3, "--max-trials", trials)
    kills = 2 if trials < 20 else 6
    for number in range(1, kills + 1):
        enough = number * trials // (kills + 2)
        wait_beside(lambda enough=enough: len(results(tmp_path)) >= enough, process)
        victim = rng.choice(sorted(pool.workers))
        print("killing worker", victim)
        family = psutil.Process(pool.workers[victim].pid).children(recursive=True)
        pool.workers[victim].kill()
        pool.workers[victim].wait()
        if rng.random() < 0.5:  # its machine is gone
            for child in family:
                if child.is_running():
                    child.kill()
        pool.start_worker(victim, NAP_SECONDS="1")
    result = json.loads(finish_beside(process))
    assert (result["completed"], result["failed"]) == (trials, 0)
    assert told(tmp_path, "naps") == [f"{number:04d}" for number in range(trials)]
    check_gone(pool)
