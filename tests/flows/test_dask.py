"""Searches on a Dask cluster of real processes: each trial is told once, whatever is killed."""

import contextlib
import json
import os
import random
import signal
import time

import psutil
import pytest
from servers.dask_cluster import Cluster, kill
from support import STUDIES, finish, output_of, wait_until

pytest.importorskip("distributed")
pytestmark = pytest.mark.story

NAPS = STUDIES / "naps.py"


@pytest.fixture
def cluster(environment, tmp_path):
    folder = tmp_path / "cluster"
    folder.mkdir()
    traces = tmp_path / "traces"
    traces.mkdir()
    env = {**environment, "NAP_TRACES": str(traces), "NAP_SECONDS": "0.5"}
    cluster = Cluster(folder, env)
    cluster.start_scheduler()
    yield cluster
    cluster.stop()


def trials_of(trialflow, project="results/naps"):
    return json.loads(finish(trialflow("status", project, "--json")))["trials"]


def results(tmp_path):
    return sorted(tmp_path.glob("results/naps/trials/*/result.json"))


def test_a_worker_whose_study_is_another_or_missing_is_named_and_gets_no_trial(
    trialflow, cluster, tmp_path
):
    for name in ("good", "old"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "shared_naps.py").write_text(f"# {name}\n{NAPS.read_text()}")
    good = {"PYTHONPATH": str(tmp_path / "good"), "NAP_SECONDS": "0"}
    cluster.start_worker("old", PYTHONPATH=str(tmp_path / "old"))
    cluster.start_worker("without")
    words = ["search", "shared_naps", "--engine", f"dask://{cluster.address}"]
    search = trialflow(*words, **good)
    time.sleep(3)
    cluster.start_worker("good", **good)
    out = finish(search)
    assert "8 completed, 0 failed" in out
    assert "Dask worker old-0 gets no trial: its study shared_naps is another" in out
    assert "Dask worker without-0 gets no trial: FileNotFoundError" in out
    assert len(list((tmp_path / "results/shared_naps/trials").glob("*/result.json"))) == 8


def test_a_killed_flow_adopts_the_trials_that_workers_still_run(trialflow, cluster, tmp_path):
    # Longer than the second flow takes to begin, on a busy machine too.
    cluster.start_worker("one", NAP_SECONDS="20")
    words = ["search", NAPS, "--engine", f"dask://{cluster.address}", "--max-trials", 1, "--json"]
    first = trialflow(*words)
    traces = tmp_path / "traces"
    wait_until(lambda: list(traces.glob("run-0000-*")), first)
    first.send_signal(signal.SIGKILL)
    first.wait()
    result = json.loads(finish(trialflow(*words)))
    assert (result["completed"], result["failed"]) == (1, 0)
    assert len(list(traces.glob("run-0000-*"))) == 1
    assert "goes on where it was" in (tmp_path / "results/naps/trials/0000/log.txt").read_text()


def test_a_search_that_is_stopped_stops_its_trials_on_workers(trialflow, cluster, tmp_path):
    cluster.start_worker("one", NAP_SECONDS="60")
    search = trialflow("search", NAPS, "--engine", f"dask://{cluster.address}")
    wait_until(lambda: list((tmp_path / "traces").glob("run-0000-*")), search)
    search.send_signal(signal.SIGTERM)
    _, err = output_of(search)
    assert search.returncode == 143, err
    assert "To go on: trialflow search" in err

    def idle():
        family = psutil.Process(cluster.workers["one"].pid).children(recursive=True)
        return not [p for p in family if "tasks.process.forkserver" in " ".join(p.cmdline())]

    wait_until(idle)


def test_a_scheduler_that_is_away_loses_nothing(trialflow, cluster, tmp_path):
    cluster.start_worker("one", NAP_SECONDS="1")
    search = trialflow("search", NAPS, "--engine", f"dask://{cluster.address}", "--json")
    wait_until(lambda: len(results(tmp_path)) >= 2, search)
    cluster.stop_scheduler()
    time.sleep(4)
    cluster.start_scheduler()
    result = json.loads(finish(search))
    assert (result["completed"], result["failed"]) == (8, 0)
    assert [t["tries"] for t in trials_of(trialflow)] == [1] * 8


def test_whatever_happens_to_the_cluster_each_trial_is_told_once(trialflow, cluster, tmp_path):
    """The short form; `make chaos-dask` is the long one."""
    trials = int(os.environ.get("CHAOS_TRIALS", "8"))
    rng = random.Random(int(os.environ.get("CHAOS_SEED", "1")))
    steps = [kill_a_worker, freeze_a_worker]
    if trials > 8:
        more = [kill_a_worker, freeze_a_worker, restart_the_scheduler, add_a_worker]
        steps += [add_a_worker, restart_the_scheduler, *rng.choices(more, k=8)]
    words = ["search", NAPS, "--engine", f"dask://{cluster.address}", "--max-trials", trials]
    cluster.start_worker("first")
    cluster.start_worker("second")
    search = trialflow(*words, "--json")
    frozen = []
    for number, step in enumerate(steps, start=1):
        enough = min(number * trials // (len(steps) + 1), trials - 1)
        wait_until(lambda enough=enough: len(results(tmp_path)) >= enough, search)
        print(step.__name__)
        step(cluster, rng, frozen)
    wait_until(lambda: len(results(tmp_path)) >= trials - 2, search)
    for process in frozen:
        with contextlib.suppress(psutil.Error):
            process.resume()
    result = json.loads(finish(search))
    assert (result["completed"], result["failed"]) == (trials, 0)
    told = [event["trial_id"] for event in journal(tmp_path) if event["type"] == "trial_ended"]
    assert sorted(told) == [f"{number:04d}" for number in range(trials)]
    assert "napping with x=" in (tmp_path / "results/naps/trials/0005/log.txt").read_text()


def kill_a_worker(cluster, rng, frozen):
    kill(cluster.nanny_and_worker(rng.choice(sorted(cluster.workers)))[-1])


def freeze_a_worker(cluster, rng, frozen):
    """It lives, and hears nothing: as one that is cut off."""
    for process in cluster.nanny_and_worker(rng.choice(sorted(cluster.workers))):
        process.suspend()
        frozen.append(process)
    cluster.start_worker(f"spare-{len(cluster.workers)}")


def restart_the_scheduler(cluster, rng, frozen):
    cluster.stop_scheduler()
    time.sleep(rng.choice([2, 8, 60]))
    cluster.start_scheduler()


def add_a_worker(cluster, rng, frozen):
    cluster.start_worker(f"more-{len(cluster.workers)}")


def journal(tmp_path):
    for path in sorted(tmp_path.glob("results/naps/journal/*/*.json")):
        yield from json.loads(path.read_text())["entry"]["events"]
