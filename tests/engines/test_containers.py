"""The image and compose.yaml, by podman; what no registry gives here has stand-ins."""

import json
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest
import yaml
from servers import containers, seaweedfs
from support import ROOT
from waiting import wait_elsewhere

COMPOSE = ROOT / "deployments" / "compose.yaml"
HOME = Path("~/.cache/trialflow-tests/podman").expanduser()


@pytest.fixture(scope="session")
def podman():
    reason = containers.missing()
    if reason is not None:
        pytest.skip(reason)
    podman = containers.Podman(HOME)
    podman.make_base()
    podman.build("trialflow:latest", ROOT, file=ROOT / "deployments" / "Dockerfile")
    return podman


def test_a_search_in_the_image_is_stopped_and_goes_on(podman):
    volume = f"results-{time.monotonic_ns()}"
    words = ["--network", "host", "--volume", f"{volume}:/app/results", "trialflow"]
    search = ["trialflow", "search", "examples/digits.py", "--slots", "1", "--max-trials", "3"]
    name = f"search-{time.monotonic_ns()}"
    try:
        podman.run("run", "--detach", "--name", name, *words, *search)
        wait_elsewhere(lambda: " 1/3 done" in podman.run("logs", name))
        podman.run("stop", "--time", "60", name)
        assert "To go on: trialflow search" in podman.run("logs", name)
        assert podman.run("inspect", "--format", "{{.State.ExitCode}}", name).strip() == "143"
        told = podman.run("run", "--rm", *words, *search)
        assert "3 completed, 0 failed" in told
        assert "Going on" in told
        assert podman.run("run", "--rm", *words, "id", "--user").strip() == "1000"
    finally:
        podman.run("rm", "--force", name, check=False)
        podman.run("volume", "rm", "--force", volume, check=False)


@pytest.fixture
def composed(podman):
    """All services of compose.yaml; podman-compose for the images that it names."""
    program = seaweedfs.find()
    if program is None:
        pytest.skip(f"SeaweedFS is not installed: {seaweedfs.INSTALL}")
    pytest.importorskip("podman_compose")
    services = yaml.safe_load(COMPOSE.read_text())["services"]
    database, store = services["database"]["image"], services["store"]["image"]
    if not podman.has(f"docker.io/library/{database}"):
        start = {"start_sh": containers.START_POSTGRES}
        podman.make_stand_in(f"docker.io/library/{database}", containers.POSTGRES, **start)
    if not podman.has(f"docker.io/{store}"):
        podman.make_stand_in(f"docker.io/{store}", containers.SEAWEEDFS, weed=Path(program))

    def compose(*words):
        return subprocess.run(
            [sys.executable, "-m", "podman_compose", "-f", COMPOSE, *words],
            env=podman.environment,
            capture_output=True,
            text=True,
            check=False,
        )

    compose("down", "--volumes")
    done = compose("up", "--detach", "--no-build")
    assert done.returncode == 0, done.stdout + done.stderr
    yield podman
    compose("down", "--volumes")


def answer(path, body=None):
    data = None if body is None else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    request = urllib.request.Request(f"http://127.0.0.1:4200{path}", data, headers)
    with urllib.request.urlopen(request) as told:
        return told.read().decode()


def test_the_services_of_compose_search_and_show_their_pages(composed):
    def is_deployed():
        logs = composed.run("logs", "trialflow_worker_1", check=False)
        return "started!" in logs

    wait_elsewhere(is_deployed)
    page = answer("/")
    assert "<html" in page.lower()
    script = re.search(r'src="(/[^"]+\.js)"', page)[1]
    assert answer(script)  # the page's own files are there too
    named = [each["name"] for each in json.loads(answer("/api/automations/filter", {}))]
    assert named == ["Trialflow: mark vanished searches as crashed"]
    (deployment,) = json.loads(
        answer("/api/deployments/filter", {"deployments": {"name": {"any_": ["digits-nightly"]}}})
    )
    parameters = {"directory": "s3://searches/results", "slots": 1, "max_trials": 2}
    run = json.loads(
        answer(f"/api/deployments/{deployment['id']}/create_flow_run", {"parameters": parameters})
    )

    def state():
        return json.loads(answer(f"/api/flow_runs/{run['id']}"))["state"]

    wait_elsewhere(lambda: state()["type"] in ("COMPLETED", "FAILED", "CRASHED"))
    assert state()["type"] == "COMPLETED", state()
    words = ["exec", "trialflow_worker_1", "trialflow", "status", "s3://searches/results/digits"]
    assert "2" in composed.run(*words)
