"""The automation that docs/schedules.md shows starts the deployment that comes after a search."""

import re
import shutil

import pytest
from prefect.events import Event
from prefect.settings import PREFECT_API_URL, temporary_settings
from support import ROOT, finish, wait_until

from flows.running.news import COMPLETED, FAILED, IMPROVED

pytestmark = pytest.mark.story

DOCUMENT = (ROOT / "docs" / "schedules.md").read_text()


def test_a_search_that_is_complete_starts_what_comes_after_it(
    trialflow, prefect_server, ask, tmp_path
):
    shutil.copytree(ROOT / "examples", tmp_path / "examples")
    words = ["deploy", "examples/black_box.py", "--each-run", "new", "--pool", "downstream"]
    finish(trialflow(*words, "--project-name", "nightly-{date}"))
    (block,) = re.findall(r"^```python\n(from prefect.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)

    def tell(project, deployment):
        """An event as a search sends it whose run is of a deployment."""
        related = {
            "prefect.resource.id": "prefect.deployment.of-the-search",
            "prefect.resource.role": "deployment",
            "prefect.resource.name": deployment,
        }
        resource = {"prefect.resource.id": f"trialflow.project.{project}"}
        payload = {"project": project}
        event = Event(event=COMPLETED, resource=resource, related=[related], payload=payload)
        ask("events", [event.model_dump(mode="json")])

    with temporary_settings({PREFECT_API_URL: f"{prefect_server}/api"}):
        exec(compile(block, "docs/schedules.md", "exec"), {})
    tell("results/another", deployment="another")
    tell("results/nightly-2026-03-04", deployment="nightly")

    def started():
        found = ask("deployments/filter", {"deployments": {"name": {"any_": ["nightly"]}}})
        (report,) = (each for each in found if each["entrypoint"] == "flows.reporting.report")
        runs = ask("flow_runs/filter", {"deployments": {"id": {"any_": [report["id"]]}}})
        return [run["parameters"]["project_url"] for run in runs]

    wait_until(started)
    assert started() == ["results/nightly-2026-03-04"]


def test_every_event_is_in_the_documentation():
    for event in (COMPLETED, FAILED, IMPROVED):
        assert f"| `{event}` |" in DOCUMENT
