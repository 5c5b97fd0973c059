"""What a search shows in the pages of a real Prefect server."""

import pytest
from prefect.utilities.callables import parameter_schema
from support import STUDIES, finish, wait_until

pytestmark = pytest.mark.slow

LOADED = "[...document.images].filter(i => i.src.startsWith('data:') && i.naturalWidth > 0).length"


def test_a_search_explains_itself(trialflow, prefect_server, ask, open_page, tmp_path):
    finish(trialflow("search", STUDIES / "naps.py", "--project-name", "for-the-ui", "--slots", "2"))
    named = {"name": {"any_": ["for-the-ui"]}}
    (run,) = ask("flow_runs/filter", {"flow_runs": named})
    artifacts = ask("artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}})
    by_key = {artifact["key"]: artifact["id"] for artifact in artifacts}

    assert {"trialflow", "study: naps", "RandomSearchOracle"} <= set(run["tags"])
    page = open_page(f"{prefect_server}/runs/flow-run/{run['id']}")
    page.get_by_text("trial-0007").first.wait_for()
    page.get_by_text("for-the-ui").first.wait_for()

    page = open_page(f"{prefect_server}/artifacts/artifact/{by_key['report-for-the-ui']}")
    page.wait_for_function(f"{LOADED} >= 3")
    text = page.locator("body").inner_text()
    assert "8 trials completed, 0 failed" in text
    assert f"trialflow report {tmp_path}/results/for-the-ui" in text

    page = open_page(f"{prefect_server}/artifacts/artifact/{by_key['leaderboard-for-the-ui']}")
    page.get_by_text("seconds").first.wait_for()
    assert page.get_by_text("0003").count() >= 1


def test_the_form_of_a_custom_run_takes_and_refuses_parameters(ask, open_page, prefect_server):
    from flows.search import search

    ask("work_pools/", {"name": "forms", "type": "process"})  # nobody works for it
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
    assert page.get_by_role("spinbutton").first.input_value() == "2"
    submit = page.get_by_role("button", name="Submit", exact=True)
    slots = page.get_by_role("spinbutton").first
    slots.fill("0")
    submit.click()
    page.get_by_text("0 is not valid").first.wait_for()
    assert runs() == []
    slots.fill("3")
    submit.click()
    (run,) = wait_until(runs)
    assert (run["study"], run["slots"]) == ("nights.py", 3)
