"""Three nights of a schedule, with data that changes, on a real server with a real worker."""

import json
import shlex
import shutil

import pytest
from support import STUDIES, finish, wait_until

from flows.present import open_project

pytestmark = pytest.mark.story

BERLIN = "Europe/Berlin"


@pytest.fixture
def deployed(trialflow, prefect, tmp_path):
    """Deploys the study, in a folder of its own, and starts a worker; what `deploy` has said."""
    shutil.copy(STUDIES / "nightly.py", tmp_path / "churn.py")
    (tmp_path / "optimum").write_text("0.5")
    words = [
        "deploy",
        "churn.py",
        "--cron",
        "30 0 * * *",
        "--timezone",
        BERLIN,
        "--pool",
        "nightly",
    ]
    words += ["--each-run", "new", "--project-name", "churn-{date}", "--warm-start", "previous"]
    words += ["--keep-projects", "2", "--publish", "published", "--json"]

    def deploy():
        return json.loads(finish(trialflow(*words)))

    made = deploy()
    made["worker_process"] = prefect(*shlex.split(made["worker"])[1:])
    made["again"] = deploy
    return made


def test_each_night_has_a_project_tries_the_best_of_last_night_first_and_publishes_what_is_better(
    deployed, trialflow, ask, tmp_path
):
    worker = deployed["worker_process"]
    of_study = {"search/churn", "resume/churn", "report/churn"}
    assert set(deployed["deployments"]) == {*of_study, "agent/nightly"}
    search = deployed["deployments"]["search/churn"].rpartition("/")[2]

    def runs(*states):
        wanted = {"deployments": {"id": {"any_": [search]}}, "sort": "EXPECTED_START_TIME_ASC"}
        found = ask("flow_runs/filter", wanted)
        return [run for run in found if run["state"]["type"] in states]

    def night(day, optimum):
        """Has the server's own schedule fire, with other data; the project and the published."""
        (tmp_path / "optimum").write_text(str(optimum))
        # The fire of 00:30 in Berlin is that of 22:30 or 23:30 the day before in UTC.
        begin, end = f"2026-03-{day - 1:02}T12:00:00Z", f"2026-03-{day:02}T11:59:00Z"
        before = len(runs("COMPLETED"))
        ask(f"deployments/{search}/schedule", {"start_time": begin, "end_time": end})
        wait_until(lambda: len(runs("COMPLETED")) > before, worker)
        published = json.loads((tmp_path / "published" / "best.json").read_text())
        return open_project(str(tmp_path / "results" / f"churn-2026-03-{day:02}")), published

    first, published = night(2, 0.5)
    assert first.history.completed == 3
    best = first.history.best
    assert published["values"] == best.values
    assert published["lineage"]["project"] == first.project.url

    # The best values of the first night are tried first; on the new data they are better yet.
    second, published = night(3, best.values["x"])
    assert second.history.trials["0000"].values == best.values
    assert second.history.best.trial_id == "0000"
    assert published["values"] == best.values
    assert published["lineage"]["project"] == second.project.url

    # Once more, but no longer as good: what is published stays.
    third, published = night(4, best.values["x"] + 0.001)
    assert third.history.trials["0000"].values == best.values
    assert published["lineage"]["project"] == second.project.url
    assert sorted(path.name for path in (tmp_path / "results").iterdir()) == [
        "churn-2026-03-03",
        "churn-2026-03-04",
    ]
    assert (
        open_project(str(tmp_path / "results" / "churn-{date}")).project.name == third.project.name
    )

    # A second run of the same night finds nothing to do, and says so.
    done = len(runs("COMPLETED"))
    ask(
        f"deployments/{search}/create_flow_run",
        {
            "state": {
                "type": "SCHEDULED",
                "state_details": {"scheduled_time": "2026-03-04T10:00:00Z"},
            }
        },
    )
    wait_until(lambda: len(runs("COMPLETED")) > done, worker)
    message = runs("COMPLETED")[-1]["state"]["message"]
    assert "Nothing was left to do: every trial has ended." in message
    assert "{time}" in message

    check_events(ask, first)
    check_that_what_is_paused_stays_so(deployed, ask, search)


def check_events(ask, first):
    found = ask(
        "events/filter",
        {
            "filter": {
                "event": {"prefix": ["trialflow."]},
                "resource": {"id": [f"trialflow.project.{first.project.url}"]},
                "order": "ASC",
            }
        },
    )["events"]
    names = [event["event"] for event in found]
    assert names[-1] == "trialflow.search.completed"
    assert set(names[:-1]) == {"trialflow.best.improved"}
    ended = found[-1]["payload"]
    assert ended["completed"] == 3
    assert ended["best"]["trial_id"] == first.history.best.trial_id
    assert found[-2]["payload"]["values"] == first.history.best.values
    roles = {
        related["prefect.resource.role"]: related.get("prefect.resource.name")
        for related in found[-1]["related"]
        if "prefect.resource.role" in related
    }
    assert roles["deployment"] == "churn"
    assert "flow-run" in roles


def check_that_what_is_paused_stays_so(deployed, ask, search):
    ask(f"deployments/{search}/pause_deployment", {})
    made = deployed["again"]()
    assert made["paused"] is True
    found = ask("deployments/filter", {"deployments": {"id": {"any_": [search]}}})[0]
    assert found["paused"] is True
    ask(f"deployments/{search}/resume_deployment", {})
    assert deployed["again"]()["paused"] is False
