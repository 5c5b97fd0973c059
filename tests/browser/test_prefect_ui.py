"""What a search shows in the pages of a real Prefect server."""

import json
import re

import pytest
from prefect.utilities.callables import parameter_schema
from servers.prefect_api import make_pool
from support import STUDIES, finish, wait_until

pytestmark = pytest.mark.story

UIS = ["", "/v2"]
"""Where the server shows its older and its newer pages."""

LOADED = "[...document.images].filter(i => i.src.startsWith('data:') && i.naturalWidth > 0).length"


@pytest.fixture
def artifacts_of(ask):
    def read(run_id, **more):
        wanted = {"flow_run_id": {"any_": [run_id]}, **more}
        return ask("artifacts/filter", {"artifacts": wanted})

    return read


@pytest.fixture
def run_named(ask):
    def find(name):
        return ask("flow_runs/filter", {"flow_runs": {"name": {"any_": [name]}}})

    return find


def artifact_page(server, version, artifact):
    return f"{server}{version}/artifacts/artifact/{artifact['id']}"


def test_a_search_explains_itself_while_it_runs(
    trialflow, prefect_server, artifacts_of, run_named, open_page, tmp_path
):
    gate = tmp_path / "go-on"
    words = ["search", STUDIES / "shown.py", "--project-name", "seen-live", "--slots", "2"]
    process = trialflow(*words, SHOWN_UNTIL=str(gate))

    def waiting():
        (run,) = run_named("seen-live") or [None]
        found = artifacts_of(run["id"], key={"any_": ["summary-seen-live"]}) if run else []
        # All others have ended, and this one has told of two epochs.
        ready = found and "| 0004 | 2 of 5 |" in found[0]["data"] and "11/12" in found[0]["data"]
        return found[0] if ready else None

    summary = wait_until(waiting, process)
    for version in UIS:
        page = open_page(artifact_page(prefect_server, version, summary))
        page.get_by_text("Running", exact=True).first.wait_for()
        page.wait_for_function(f"{LOADED} === 1")
        text = page.locator("body").inner_text()
        for part in ("11/12 done, 1 running, 1 failed", "Best: accuracy", "2 of 5"):
            assert part in text, (version, part)
        assert "ValueError: the loss became <infinite>" in text
        assert f"trialflow watch {tmp_path}/results/seen-live" in text
        assert f"trialflow report {tmp_path}/results/seen-live" in text
        assert page.locator("a[href^='file:']").count() == 0
    gate.touch()
    finish(process)


def test_a_search_explains_itself_when_it_has_ended(
    trialflow, prefect_server, ask, artifacts_of, run_named, open_page, tmp_path
):
    words = ["search", STUDIES / "shown.py", "--project-name", "for-the-ui", "--slots", "2"]
    finish(trialflow(*words))
    (run,) = run_named("for-the-ui")
    by_key = {artifact["key"]: artifact for artifact in artifacts_of(run["id"])}
    assert {"trialflow", "study: shown", "RandomSearchOracle"} <= set(run["tags"])
    said = run["state"]["message"]
    assert re.fullmatch(r"12 trials, best accuracy 0\.\d+ \(trial \d{4}\), 1 failed", said)
    assert "Ended: " in by_key["summary-for-the-ui"]["data"]
    assert not [a for a in by_key.values() if "file://" in str(a["data"])]
    assert by_key["leaderboard-for-the-ui"]["type"] == "table"
    rows = json.loads(by_key["leaderboard-for-the-ui"]["data"])
    assert {"rank", "trial", "accuracy", "best epoch", "time", "rate", "kind", "layers"} == set(
        rows[0]
    )
    assert all(set(row) == set(rows[0]) for row in rows)

    page = open_page(f"{prefect_server}/runs/flow-run/{run['id']}")
    page.get_by_text("trial-0007").first.wait_for()
    for version in UIS:
        page = open_page(artifact_page(prefect_server, version, by_key["report-for-the-ui"]))
        page.get_by_text("What to try next").first.wait_for()
        page.wait_for_function(f"{LOADED} >= 8")
        text = page.locator("body").inner_text()
        assert "12 trials, best accuracy" in text
        assert "What to try next" in text
        assert f"trialflow report {tmp_path}/results/for-the-ui" in text
        page = open_page(artifact_page(prefect_server, version, by_key["leaderboard-for-the-ui"]))
        page.get_by_text("layers").first.wait_for()
        assert page.get_by_text("fancy").count() >= 1


def test_a_trial_explains_itself(
    trialflow, prefect_server, ask, artifacts_of, run_named, open_page
):
    words = ["search", STUDIES / "shown.py", "--project-name", "for-trials", "--slots", "2"]
    finish(trialflow(*words))
    (run,) = run_named("for-trials")
    of_run = {"flow_runs": {"id": {"any_": [run["id"]]}}}
    # Task runs are recorded from events, a moment after the run has ended.
    tasks = wait_until(lambda: ended_tasks(ask, of_run, 12))
    good, bad = tasks["trial-0003"], tasks["trial-0002"]
    assert re.fullmatch(r"accuracy 0\.\d+, epoch 5", good["state"]["message"])
    told = [each["name"] for each in good["task_inputs"]["hyperparameters"]]
    assert any(re.fullmatch(r"rate = [\d.e-]+", line) for line in told)
    assert any(line.startswith("kind = ") for line in told)
    assert bad["state"]["message"] == "failed: ValueError: the loss became <infinite>"
    assert "failed: raised" in bad["tags"]
    logs = ask(
        "logs/filter", {"logs": {"task_run_id": {"any_": [bad["id"]]}, "level": {"ge_": 40}}}
    )
    whole = [log for log in logs if "Traceback (most recent call last)" in log["message"]]
    assert len(whole) == 1
    assert whole[0]["message"].endswith("ValueError: the loss became <infinite>")

    (artifact,) = artifacts_of(run["id"], task_run_id={"any_": [good["id"]]})
    for version in UIS:
        page = open_page(artifact_page(prefect_server, version, artifact))
        page.get_by_text("Executions", exact=True).first.wait_for()
        page.wait_for_function(f"{LOADED} === 1")  # the learning curves
        text = page.locator("body").inner_text()
        assert "trials/0003/log.txt" in text
        assert "best epoch 5" in text
    page = open_page(f"{prefect_server}/runs/task-run/{good['id']}")
    page.get_by_text("Task Inputs").first.click()
    page.get_by_text("rate = ").first.wait_for()


def ended_tasks(ask, of_run, count):
    found = ask("task_runs/filter", of_run)
    ended = {t["name"]: t for t in found if t["state_type"] in ("COMPLETED", "FAILED")}
    return ended if len(ended) == count else None


def test_the_form_of_a_custom_run_takes_and_refuses_parameters(ask, open_page, prefect_server):
    from flows.search import search

    make_pool(ask, "forms")  # nobody works for it
    schema = parameter_schema(search).model_dump()
    flow = ask("flows/", {"name": "search"})
    asked = {"name": "form", "flow_id": flow["id"], "work_pool_name": "forms"}
    asked |= {"parameter_openapi_schema": schema, "enforce_parameter_schema": True}
    made = ask("deployments/", {**asked, "parameters": {"study": "nights.py", "slots": 2}})

    def runs():
        found = {"deployments": {"id": {"any_": [made["id"]]}}}
        return [run["parameters"] for run in ask("flow_runs/filter", found)]

    page = open_page(f"{prefect_server}/deployments/deployment/{made['id']}/run")
    page.get_by_text("Trials that run at the same time").first.wait_for()
    text = page.locator("body").inner_text()
    for title in ("Study", "Project name", "Trials per GPU", "Stall timeout", "Engine"):
        assert title in text

    def number_of_slots():
        numbers = page.get_by_role("spinbutton").all()
        return next((number for number in numbers if number.input_value() == "2"), None)

    slots = wait_until(number_of_slots)
    submit = page.get_by_role("button", name="Submit", exact=True)
    slots.fill("0")
    submit.click()
    page.get_by_text("0 is not valid").first.wait_for()
    assert runs() == []
    slots.fill("3")
    submit.click()
    (run,) = wait_until(runs)
    assert (run["study"], run["slots"]) == ("nights.py", 3)
