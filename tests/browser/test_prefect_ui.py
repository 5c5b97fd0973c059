"""What a search shows in the pages of a real Prefect server."""

import json
import urllib.request

import pytest
from support import STUDIES, finish

pytestmark = pytest.mark.slow

LOADED = "[...document.images].filter(i => i.src.startsWith('data:') && i.naturalWidth > 0).length"


@pytest.fixture(scope="module")
def ask(prefect_server):
    """Asks the server's own API."""

    def post(path, body):
        request = urllib.request.Request(
            f"{prefect_server}/api/{path}",
            json.dumps(body).encode(),
            {"Content-Type": "application/json"},
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    return post


def test_a_search_explains_itself(trialflow, prefect_server, ask, open_page, tmp_path):
    finish(trialflow("search", STUDIES / "naps.py", "--project-name", "for-the-ui", "--slots", "2"))
    named = {"name": {"any_": ["for-the-ui"]}}
    (run,) = ask("flow_runs/filter", {"flow_runs": named})
    artifacts = ask("artifacts/filter", {"artifacts": {"flow_run_id": {"any_": [run["id"]]}}})
    by_key = {artifact["key"]: artifact["id"] for artifact in artifacts}

    page = open_page(f"{prefect_server}/runs/flow-run/{run['id']}")
    page.get_by_text("trial-0007").first.wait_for()
    page.get_by_text("for-the-ui").first.wait_for()

    page = open_page(f"{prefect_server}/artifacts/artifact/{by_key['report-for-the-ui']}")
    page.wait_for_function(f"{LOADED} >= 3")
    text = page.locator("body").inner_text()
    assert "8 trials completed, 0 failed" in text
    assert f"trialflow report {tmp_path}/results/for-the-ui" in text

    page = open_page(f"{prefect_server}/artifacts/artifact/{by_key['leaderboard-for-the-ui']}")
    page.get_by_text("trial_id").first.wait_for()
    assert page.get_by_text("0003").count() >= 1
