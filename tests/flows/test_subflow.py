"""The flow in a Prefect user's own program."""

import json
import subprocess
import sys

import pytest
from support import STUDIES

pytestmark = pytest.mark.story

PROGRAM = """
import json, sys
from prefect import flow, task
from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import FlowRunFilter
from flows.search import search

nightly = search.with_options(name="nightly search", retries=1, timeout_seconds=300)

@task
def report(best):
    return best["score"]

@flow
def experiment(study):
    again = nightly(study, directory="results", project_name="below", slots=2)
    return again, report(again["best"])

result, score = experiment(sys.argv[1])

with get_client(sync_client=True) as client:
    (below,) = client.read_flow_runs(flow_run_filter=FlowRunFilter(name={"any_": ["below"]}))
    name = client.read_flow(below.flow_id).name
print("RESULT" + json.dumps({
    "completed": result["completed"],
    "score": score,
    "has_parent": bool(below.parent_task_run_id),
    "name": name,
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
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    found = json.loads(done.stdout.split("RESULT")[1])
    assert (found["completed"], found["has_parent"]) == (8, True)
    assert found["score"] >= 0
    assert found["name"] == "nightly search"
