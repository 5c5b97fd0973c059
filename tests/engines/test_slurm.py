"""`deployments/dask/slurm.sh`, unmodified, on a real SLURM."""

import json
import sys
import time

import psutil
import pytest
from servers import slurm
from support import ROOT, STUDIES
from waiting import wait_elsewhere

SCRIPT = ROOT / "deployments" / "dask" / "slurm.sh"
SMALL = ["--nodes=1", "--cpus-per-task=1", "--gpus-per-node=1", "--chdir"]


@pytest.fixture(scope="session")
def cluster(tmp_path_factory):
    reason = slurm.missing()
    if reason is not None:
        pytest.skip(reason)
    cluster = slurm.Slurm(tmp_path_factory.mktemp("slurm"))
    cluster.start()
    yield cluster
    cluster.stop()


@pytest.fixture
def submit(cluster, environment, prefect_server, tmp_path):
    """Submits the script with the programs of this environment; what still runs is cancelled."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, module in [("dask", "dask"), ("trialflow", "flows")]:
        path = programs / name
        path.write_text(f'#!/bin/sh\nexec {sys.executable} -m {module} "$@"\n')
        path.chmod(0o755)
    jobs = []
    server = {"PREFECT_API_URL": f"{prefect_server}/api"}

    def start(name, *options, script=SCRIPT, words=(), **env):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        job = cluster.submit(
            *SMALL,
            folder,
            f"--output={folder}/log",
            *options,
            script,
            *words,
            env={**environment, **server, "PATH": f"{programs}:{environment['PATH']}", **env},
        )
        jobs.append(job)
        return job, folder

    yield start
    for job in jobs:
        cluster.run("scancel", "--full", job)
    wait_elsewhere(lambda: not {"RUNNING", "COMPLETING"} & set(map(cluster.state, jobs)))


def results(folder):
    return sorted(folder.glob("results/*/trials/*/result.json"))


def journal(folder):
    for path in sorted(folder.glob("results/*/journal/*/*.json")):
        yield from json.loads(path.read_text())["entry"]["events"]


def told(folder):
    return sorted(e["trial_id"] for e in journal(folder) if e["type"] == "trial_ended")


def wait_for(cluster, job, *states):
    wait_elsewhere(lambda: cluster.state(job) in states)


def leftovers(folder):
    """Processes that a job has left behind."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.cwd() == str(folder):
                found.append(process)
        except psutil.Error:
            continue
    return found


def test_two_jobs_side_by_side_each_have_a_scheduler_and_gpus_of_their_own(
    cluster, submit, tmp_path
):
    naps = STUDIES / "naps.py"
    jobs = [submit(name, words=[naps, "--max-trials", 4], NAP_SECONDS="3") for name in "ab"]
    for job, folder in jobs:
        wait_for(cluster, job, "COMPLETED", "FAILED", "CANCELLED")
        log = (folder / "log").read_text()
        assert cluster.state(job) == "COMPLETED", log
        assert told(folder) == [f"{n:04d}" for n in range(4)]
        wait_elsewhere(lambda folder=folder: not leftovers(folder))
    gpus = {line for _, folder in jobs for line in (folder / "log").read_text().splitlines()}
    assert {"GPU 0", "GPU 1"} <= {line.rpartition(": ")[2] for line in gpus if "slots for" in line}


def test_a_job_that_is_pre_empted_is_requeued_and_goes_on(cluster, submit, tmp_path):
    words = [STUDIES / "epochs.py", "--max-trials", 4]
    job, folder = submit("low", "--gpus-per-node=2", words=words, EPOCH_SECONDS="0.5")
    wait_elsewhere(lambda: len(results(folder)) >= 1)
    before = results(folder)
    nap = tmp_path / "nap.sh"
    nap.write_text("#!/bin/sh\nsleep 5\n")
    began = time.monotonic()
    options = ["--partition=high", "--gpus-per-node=2"]
    other, _ = submit("high", *options, script=nap)
    wait_for(cluster, other, "RUNNING", "COMPLETED")
    # Its workers were pre-empted: it ends, and does not wait out the grace of two minutes.
    assert time.monotonic() - began < 110
    log = (folder / "log").read_text()
    assert "To go on: trialflow search" in log
    wait_for(cluster, job, "RUNNING")
    wait_for(cluster, job, "COMPLETED", "FAILED", "CANCELLED")
    assert cluster.state(job) == "COMPLETED", (folder / "log").read_text()
    assert len(before) < 4
    assert told(folder) == [f"{n:04d}" for n in range(4)]


@pytest.mark.parametrize("how", ["cancelled", "out of time"])
def test_a_job_that_is_stopped_leaves_nothing_behind(how, cluster, submit):
    # It is asked to end a minute before its three are up.
    options = [] if how == "cancelled" else ["--time=3", "--signal=B:TERM@60"]
    words = [STUDIES / "naps.py"]
    job, folder = submit("job", *options, words=words, NAP_SECONDS="30")
    wait_elsewhere(lambda: list(folder.glob("results/naps/project.json")))
    if how == "cancelled":
        cluster.run("scancel", "--full", job)
    wait_elsewhere(lambda: cluster.state(job) not in ("RUNNING", "COMPLETING"))
    wait_elsewhere(lambda: not leftovers(folder))
    assert "To go on: trialflow search" in (folder / "log").read_text()
    assert len(told(folder)) < 8


def test_a_job_whose_port_is_taken_does_not_run_on_another_scheduler(cluster, submit, tmp_path):
    import socket

    job = str(int(cluster.submit("--hold", "--wrap=true", cwd=tmp_path)) + 1)
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("", 20000 + int(job) % 30000))
        taken.listen()
        mine, folder = submit("refused", words=[STUDIES / "naps.py"])
        assert mine == job
        wait_elsewhere(lambda: cluster.state(job) == "FAILED")
    assert "Received: none started." in (folder / "log").read_text()
    assert not results(folder)
