"""The flow in a Prefect user's own program."""

import json
import subprocess
import sys

import pytest
from support import STUDIES

pytestmark = pytest.mark.slow

PROGRAM = """
import json, os, sys
from prefect import flow, task
from prefect.client.orchestration import get_client
from flows.search import search

nightly = search.with_options(name="nightly search", retries=1, timeout_seconds=300)

@task
def report(best):
    return best["score"]

@flow
def experiment(study):
    again = nightly(study, directory="results", slots=2)
    return again, report(again["best"])

result, score = experiment(sys.argv[1])

@flow
def hurried(study):
    search.with_options(timeout_seconds=3)(study, project_name="hurried")

os.environ["NAP_SECONDS"] = "60"
try:
    hurried(sys.argv[1])
except Exception as error:
    timed_out = type(error).__name__
with get_client(sync_client=True) as client:
    # The server is that of other tests too.
    runs = [(client.read_flow(run.flow_id).name, run) for run in client.read_flow_runs()]
    names = {name for name, _ in runs}
    nightly_runs = [run for name, run in runs if name == "nightly search"]
print("RESULT" + json.dumps({
    "completed": result["completed"],
    "score": score,
    "parents": all(run.parent_task_run_id for run in nightly_runs),
    "names": sorted(names),
    "timed_out": timed_out,
    "lease": os.path.exists("results/hurried/lease.json"),
}))
"""


def test_a_search_is_a_subflow_with_options_of_its_own(environment, prefect_server, tmp_path):
    env = {**environment, "PREFECT_API_URL": f"{prefect_server}/api", "NAP_SECONDS": "0"}
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(STUDIES / "naps.py")],
        env=env,
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=250,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    found = json.loads(done.stdout.split("RESULT")[1])
    assert (found["completed"], found["parents"]) == (8, True)
    assert found["score"] >= 0
    assert {"experiment", "nightly search"} <= set(found["names"])
    assert "Timeout" in found["timed_out"]
    assert not found["lease"]  # whoever comes next need not wait
