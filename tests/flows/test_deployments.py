"""The deployments of the repository, on a real server with a real worker, which is killed."""

import json
import shlex
import shutil
import subprocess
import sys

import pytest
from servers.prefect_api import make_pool
from support import ROOT, STUDIES, finish, wait_for_end_of, wait_until

from flows.present import open_project
from tuner.journal.check import check
from tuner.journal.project import Project

pytestmark = pytest.mark.story


def leave_study(folder):
    """A study among modules of its user's that have the names of ours, which do no harm."""
    shutil.copy(STUDIES / "epochs.py", folder)
    for name in ("storage", "tasks", "tuner"):
        (folder / f"{name}.py").write_text("raise RuntimeError('imported in place of ours')\n")


def heartbeats_of(processes):
    """Seconds between the heartbeats of flow runs, as their processes are told."""
    return {each.environ().get("PREFECT_FLOWS_HEARTBEAT_FREQUENCY") for each in processes}


@pytest.mark.timeout(600)  # a minute, unless the machine is busy
def test_a_scheduled_search_is_cancelled_and_its_worker_killed_and_retried_to_its_end(
    prefect, trialflow, ask, tmp_path
):
    leave_study(tmp_path)
    words = ["deploy", "epochs.py", "--cron", "* * * * *", "--pool", "nights", "--slots", "2"]
    made = json.loads(finish(trialflow(*words, "--json")))
    assert (made["pool_type"], made["pool_created"]) == ("process", True)
    of_study = {"search/epochs", "resume/epochs", "report/epochs"}
    assert set(made["deployments"]) == {*of_study, "agent/nights"}
    worker = shlex.split(made["worker"])[1:]
    first = prefect(*worker, EPOCH_SECONDS="0.3", EPOCH_TRACES=str(tmp_path))
    project = tmp_path / "results" / "epochs"

    search = made["deployments"]["search/epochs"].rpartition("/")[2]

    def ended():
        return len(list(project.glob("trials/*/result.json")))

    def begun():
        found = {"deployments": {"id": {"any_": [search]}}, "sort": "START_TIME_ASC"}
        runs = ask("flow_runs/filter", found)
        return [run for run in runs if run["start_time"] or run["state"]["type"] == "PENDING"]

    def the_run():
        return begun()[0]

    def is_state(*names):
        return lambda: the_run()["state"]["type"] in names

    wait_until(begun, first)  # within a minute, and what a process takes
    ask(f"deployments/{search}/pause_deployment", {})
    wait_until(lambda: ended() >= 1, first)
    run = the_run()
    assert run["name"] == "epochs"
    assert {"auto-scheduled", "trialflow", "study: epochs"} <= set(run["tags"])
    children = first.family(recursive=True)
    assert len(children) >= 3  # the search, and a training process for each slot
    assert heartbeats_of(children) == {"30"}  # what `setup-automations` reckons with
    set_state = f"flow_runs/{run['id']}/set_state"
    ask(set_state, {"state": {"type": "CANCELLING", "name": "Cancelling"}, "force": False})
    wait_until(is_state("CANCELLED"), first)
    wait_for_end_of(children)
    assert not (project / "lease.json").exists()
    # Neither the user's nor that of Prefect's runner.
    assert "storage.py" not in (tmp_path / "prefect-0.log").read_text()
    stopped = open_project(str(project)).history
    assert {trial.tries for trial in stopped.running.values()} <= {1}  # stopping is no trial's loss

    # What the button Retry of the pages sends.
    retry = {"type": "SCHEDULED", "name": "AwaitingRetry", "message": "Retry from the UI"}
    before = ended()
    ask(set_state, {"state": retry, "force": True})
    wait_until(lambda: ended() > before, first)
    children = first.family(recursive=True)
    for process in [first, *children]:  # a machine that is gone
        process.kill()
    wait_for_end_of(children)
    # What Change state sends; without it, the automation that is tested elsewhere.
    gone = {"type": "CRASHED", "name": "Crashed", "message": "its machine is gone"}
    ask(set_state, {"state": gone, "force": True})

    second = prefect(*worker, EPOCH_SECONDS="0", EPOCH_TRACES=str(tmp_path))
    ask(set_state, {"state": retry, "force": True})
    wait_until(is_state("COMPLETED"), second)
    assert (the_run()["id"], the_run()["run_count"]) == (run["id"], 3)
    history = open_project(str(project)).history
    assert (history.completed, history.failed, len(history.running)) == (8, 0, 0)
    assert len(set(history.end_order)) == len(history.end_order) == 8
    assert check(Project.at(project)).damages == []


def test_the_repository_is_deployed_as_any_study(prefect, trialflow, ask, tmp_path):
    make_pool(ask, "trialflow")
    words = ["--no-prompt", "deploy", "--prefect-file", "deployments/prefect.yaml", "--all"]
    assert prefect(*words).wait(timeout=120) == 0, (tmp_path / "prefect-0.log").read_text()
    shutil.copy(STUDIES / "naps.py", tmp_path)
    told = finish(trialflow("deploy", "naps.py", "--project-name", "by-us", "--max-trials", "3"))
    assert "Work pool trialflow (process, was there already)" in told
    assert "prefect worker start --pool trialflow" in told

    def of_flow(name, entrypoint):
        found = ask("deployments/filter", {"deployments": {"name": {"any_": [name]}}})
        return next(each for each in found if each["entrypoint"] == entrypoint)

    alike = ["work_pool_name", "path", "parameter_openapi_schema", "enforce_parameter_schema"]
    alike += ["job_variables"]
    step = "prefect.deployments.steps.set_working_directory"
    for name, entrypoint in [
        ("digits-nightly", "flows.search.search"),
        ("resume", "flows.resuming.resume"),
        ("report", "flows.reporting.report"),
    ]:
        theirs, ours = of_flow(name, entrypoint), of_flow("by-us", entrypoint)
        assert {key: ours[key] for key in alike} == {key: theirs[key] for key in alike}
        assert theirs["pull_steps"] == [{step: {"directory": str(ROOT)}}]
        assert ours["pull_steps"] == [{step: {"directory": str(tmp_path)}}]
        assert ours["schedules"] == []
    place = {"study": "naps.py", "directory": "results", "project_name": "by-us"}
    assert of_flow("by-us", "flows.search.search")["parameters"] == {**place, "max_trials": 3}


def test_a_search_is_resumed_and_reported_by_the_flows_that_are_deployed(
    trialflow, environment, prefect_server, ask, tmp_path
):
    words = ["search", STUDIES / "naps.py", "--project-name", "once-more", "--timeout", 1]
    finish(trialflow(*words, NAP_SECONDS="0.4"))
    script = (
        "from flows.resuming import resume; from flows.reporting import report\n"
        "assert resume('results/once-more')['completed'] == 8\n"
        "assert report('results/once-more', output='pages/report.html')['trained'] == 0\n"
    )
    env = {**environment, "PREFECT_API_URL": f"{prefect_server}/api", "NAP_SECONDS": "0"}
    subprocess.run([sys.executable, "-c", script], check=True, env=env, cwd=tmp_path)
    assert "once-more" in (tmp_path / "pages" / "report.html").read_text()
    keys = ["leaderboard-once-more", "report-once-more"]
    found = ask("artifacts/filter", {"artifacts": {"key": {"any_": keys}}})
    for key in keys:  # they line up: of `resume`, of `report`, of the first run if it got anywhere
        assert [each["key"] for each in found].count(key) in (2, 3)
