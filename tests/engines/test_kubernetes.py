"""The manifests, strictly validated; and what a pod of the pool runs, evicted."""

import asyncio
import json
import shutil
import subprocess
import sys
import uuid

import pytest
import yaml
from support import ROOT, STUDIES, finish, wait_until

FILES = ROOT / "deployments"
VERSIONS = ["1.32", "1.34"]


@pytest.fixture
def validate():
    kubernetes_validate = pytest.importorskip("kubernetes_validate")

    def check(document, version):
        kubernetes_validate.validate(document, version, strict=True)

    return check


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("name", ["kubernetes.yaml", "dask/kubernetes.yaml"])
def test_the_manifests_are_strictly_valid(name, version, validate):
    for document in yaml.safe_load_all((FILES / name).read_text()):
        validate(document, version)


def job_of_the_pool(server, **variables):
    """The job that Prefect's own worker makes of the pool's template, and its environment."""
    worker = pytest.importorskip("prefect_kubernetes.worker")
    from prefect.client.schemas.objects import Flow, FlowRun
    from prefect.settings import PREFECT_API_URL, temporary_settings

    template = json.loads((FILES / "kubernetes-pool.json").read_text())

    async def make():
        made = worker.KubernetesWorkerJobConfiguration
        job = await made.from_template_and_values(template, {"env": {}, **variables})
        job.prepare_for_flow_run(FlowRun(flow_id=uuid.uuid4(), name="digits"), None, Flow(name="s"))
        return job.job_manifest

    with temporary_settings({PREFECT_API_URL: f"{server}/api"}):
        return asyncio.run(make())


@pytest.mark.parametrize("version", VERSIONS)
def test_a_run_of_the_pool_is_a_strictly_valid_job(version, validate, prefect_server):
    job = job_of_the_pool(prefect_server, gpus=2)
    validate(job, version)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    assert container["resources"]["limits"]["nvidia.com/gpu"] == 2
    behaviour = [e["value"] for e in container["env"] if e["name"].endswith("SIGTERM_BEHAVIOR")]
    assert behaviour == ["relinquish"]  # Kubernetes starts the next pod, and Prefect no other run


@pytest.fixture
def pod(environment, prefect_server, tmp_path):
    """Starts what a pod of the pool runs, as a process."""
    job = job_of_the_pool(prefect_server)
    (container,) = job["spec"]["template"]["spec"]["containers"]
    words = container["args"]
    assert words[:3] == ["prefect", "flow-run", "execute"]
    named = {each["name"]: each["value"] for each in container["env"] if "value" in each}
    behaviour = {k: v for k, v in named.items() if k.endswith("SIGTERM_BEHAVIOR")}
    started = []

    def start(run_id, **env):
        with (tmp_path / f"pod-{len(started)}.log").open("wb") as log:
            process = subprocess.Popen(
                [sys.executable, "-m", *words],
                env={
                    **environment,
                    **behaviour,
                    "PREFECT_API_URL": f"{prefect_server}/api",
                    "PREFECT__FLOW_RUN_ID": run_id,
                    **env,
                },
                cwd=tmp_path,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
        process.wait()


def test_a_pod_that_is_evicted_saves_and_the_next_one_goes_on(pod, trialflow, ask, tmp_path):
    shutil.copy(STUDIES / "epochs.py", tmp_path)
    made = json.loads(finish(trialflow("deploy", "epochs.py", "--pool", "pods", "--json")))
    search = made["deployments"]["search/epochs"].rpartition("/")[2]
    run_id = ask(f"deployments/{search}/create_flow_run", {})["id"]
    results = tmp_path / "results" / "epochs" / "trials"
    env = {"EPOCH_SECONDS": "0.2", "EPOCH_TRACES": str(tmp_path)}
    first = pod(run_id, **env)
    wait_until(lambda: len(list(results.glob("*/result.json"))) >= 2, first)
    first.terminate()
    first.wait(timeout=60)
    (run,) = ask("flow_runs/filter", {"flow_runs": {"id": {"any_": [run_id]}}})
    assert run["state"]["type"] not in ("FAILED", "CRASHED", "CANCELLED")
    ended = len(list(results.glob("*/result.json")))
    assert ended < 8
    second = pod(run_id, **{**env, "EPOCH_SECONDS": "0"})
    assert second.wait(timeout=250) == 0, (tmp_path / "pod-1.log").read_text()
    (run,) = ask("flow_runs/filter", {"flow_runs": {"id": {"any_": [run_id]}}})
    assert run["state"]["type"] == "COMPLETED"
    assert len(list(results.glob("*/result.json"))) == 8
