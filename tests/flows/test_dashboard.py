"""What the dashboard answers, without a browser."""

import json
import shutil
import signal
import urllib.request

import httpx
import pytest
from searches import Curves, searched, searched_twice
from support import run_apart, wait_until
from typer.testing import CliRunner

from flows.cli import app
from flows.dashboard import watched
from flows.dashboard.app import create_app
from flows.dashboard.watched import WatchedProject
from tuner import Objective
from tuner.oracles import RandomSearchOracle


class Client:
    """Asks an application without a network."""

    def __init__(self, app):
        self.app = app

    def ask(self, method, path, **more):
        async def once():
            transport = httpx.ASGITransport(app=self.app)
            async with httpx.AsyncClient(
                transport=transport, base_url="http://localhost"
            ) as client:
                return await client.request(method, path, **more)

        return run_apart(once())

    def get(self, path, **more):
        return self.ask("GET", path, **more)


@pytest.fixture(scope="module")
def tuner(tmp_path_factory):
    return searched(tmp_path_factory.mktemp("p"), trials=32)


@pytest.fixture(scope="module")
def other(tmp_path_factory):
    return searched(tmp_path_factory.mktemp("other"), trials=9)


@pytest.fixture(scope="module")
def client(tuner, other):
    return Client(create_app([WatchedProject(t.project_dir) for t in (tuner, other)]))


def test_all_projects_are_told_in_a_few_facts_and_compared(client, tuner):
    found = client.get("/api/projects").json()
    assert [p["number"] for p in found["projects"]] == [0, 1]
    first = found["projects"][0]["summary"]
    assert first["counts"] == "32 of 32 trials: 28 completed, 4 failed, 0 unfinished"
    assert first["best"]["trial"] == tuner.oracle.search_history.best.trial_id
    assert {f["name"] for f in found["comparison"]} == {
        "best_by_trials",
        "best_by_time",
        "distributions",
    }


def test_searches_of_other_objectives_are_shown_and_not_compared(tuner, tmp_path):
    two = searched_twice(tmp_path)
    client = Client(create_app([WatchedProject(t.project_dir) for t in (tuner, two)]))
    found = client.get("/api/projects").json()
    assert len(found["projects"]) == 2
    assert found["comparison"] == []


def test_a_project_has_an_answer_figures_and_failures(client):
    found = client.get("/api/projects/0").json()
    assert found["answer"]["next"]
    assert found["failures"] == [
        {"why": "ValueError: it became <NaN>", "count": 4, "example": "0007"}
    ]
    figures = client.get("/api/projects/0/figures").json()["figures"]
    assert {"optimization_history", "slices", "rank"} <= {f["name"] for f in figures}


def test_the_table_is_sorted_filtered_and_given_in_pages(client, tuner):
    def rows(**query):
        return client.get("/api/projects/0/trials", params=query).json()

    found = rows(sort="accuracy", descending="true", size=5)
    ranked = tuner.oracle.search_history.ranked()
    assert [row[0] for row in found["rows"]] == [trial.trial_id for trial in ranked[:5]]
    assert rows(status="failed")["total"] == 4
    assert rows(search="became")["total"] == 4
    assert len(rows(size=100_000)["rows"]) == 32
    assert rows(page="nonsense", size="-3")["total"] == 32
    names = [column["name"] for column in client.get("/api/projects/0/columns").json()]
    assert {"trial", "accuracy", "share", "why"} <= set(names)


def test_a_trial_has_all_there_is_of_it(client, tuner):
    trial = tuner.oracle.search_history.best
    log = tuner.search_project.paths.trial(trial.trial_id).log
    tuner.search_project.store.replace(log, b"it said <this>\n")
    found = client.get(f"/api/projects/0/trials/{trial.trial_id}").json()
    assert found["rank"] == 1
    assert found["log"] == "it said <this>\n"
    assert len(found["executions"]) == 2
    assert found["curves"][0]["panels"][0]["spec"]["data"]["values"][0]["epoch"] == 1
    failed = client.get("/api/projects/0/trials/7").json()
    assert failed["message"].rstrip().endswith("ValueError: it became <NaN>")


@pytest.mark.parametrize(
    "path", ["projects/9", "projects/0/trials/0999", "projects/0/trials/..%2f..%2fx", "nothing"]
)
def test_what_is_not_there_is_said_so(client, path):
    assert client.get(f"/api/{path}").status_code == 404
    assert client.get("/files/..%2f__init__.py").status_code == 404


def test_it_only_reads_and_answers_no_other_site(client):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        assert client.ask(method, "/api/projects/0").status_code == 405
    assert client.get("/api/projects", headers={"host": "evil.example"}).status_code == 400
    headers = client.get("/").headers
    assert "default-src 'self'" in headers["content-security-policy"]
    assert headers["cross-origin-resource-policy"] == "same-origin"


def resumed(tuner, trials):
    oracle = RandomSearchOracle(
        Objective("accuracy", "max"), max_trials=trials, seed=0, max_consecutive_failed_trials=9
    )
    directory, name = tuner.project_dir.rsplit("/", 1)
    Curves(oracle, directory=directory, project_name=name).search(search_verbose=0)


def test_it_follows_a_search_and_reads_only_what_is_new(tmp_path, monkeypatch):
    monkeypatch.setattr(watched, "LOOK", 0.0)
    tuner = searched(tmp_path, trials=9)
    project = WatchedProject(tuner.project_dir)
    first = project.figures()
    assert project.look() == project.look()
    assert project.figures() is first  # nothing has happened, nothing is drawn again
    version = project.version
    resumed(tuner, 20)
    assert project.look() > version
    assert project.summary()["summary"]["counts"].startswith("20 of 20 trials")
    assert len(project.table().rows) == 20
    assert project.figures() is not first


def test_what_is_being_made_is_not_changed_under_it(tmp_path, monkeypatch):
    monkeypatch.setattr(watched, "LOOK", 0.0)
    tuner = searched(tmp_path, trials=3)
    project = WatchedProject(tuner.project_dir)
    resumed(tuner, 5)
    assert project.once("test", lambda found: (project.look(), len(found.history.trials))) == (0, 3)
    assert project.look() == 1


def test_ten_thousand_trials_are_sampled_and_given_in_pages(tmp_path):
    """In seconds this is measured by `benchmarks/report.py`; here only what is sent counts."""
    project = WatchedProject(large(tmp_path, 10_000))
    figures = project.figures()
    assert len(json.dumps(figures)) < 2_500_000
    assert all("of 10,000" in f["about"] or "of 9," in f["about"] for f in figures if f["name"] in
               ("optimization_history", "slices", "rank"))  # fmt: skip
    from tuner.results.trial_table import Query

    assert len(project.page(Query(size=50))["rows"]) == 50
    assert project.page(Query(sort="accuracy", descending=True))["total"] == 10_000


def large(folder, trials):
    """A project of so many trials, its journal written by what a search writes it with."""
    from tuner.journal.events import TrialCreated, TrialEnded

    tuner = searched(folder, trials=1)
    project = tuner.search_project.anew()
    project.open(project.info())
    events = []
    for number in range(1, trials):
        rate = 10 ** (-4 + 3 * ((number * 0.618034) % 1))
        values = {"rate": rate, "units": 16 * (1 + number % 16), "kind": "plain", "share": 0.3}
        score = 1 - (rate - 0.01) ** 2
        record = {"started": number, "ended": number + 1, "epochs": 5, "scores": [score, score]}
        events.append(TrialCreated(f"{number:04d}", values, float(number), number))
        events.append(
            TrialEnded(f"{number:04d}", "COMPLETED", score, 4, {"metrics": {}}, None, record, 1.0)
        )
    for first in range(0, len(events), 1000):
        project.append(events[first : first + 1000])
    project.close()
    return tuner.project_dir


def test_the_command_serves_until_it_is_told_to_stop(command_line, tuner):
    process = command_line("dashboard", tuner.project_dir, "--port", "0", "--no-browser", "--json")
    said = json.loads(process.stdout.readline())
    with urllib.request.urlopen(f"{said['dashboard']}api/projects", timeout=60) as answer:
        assert json.load(answer)["projects"][0]["summary"]["name"] == "curves"
    process.send_signal(signal.SIGINT)
    wait_until(lambda: process.poll() is not None)
    assert process.returncode in (0, 130)
    assert "Traceback" not in process.stderr.read()


def test_the_command_says_what_it_cannot_do(tuner, tmp_path):
    def run(*words):
        return CliRunner().invoke(app, ["dashboard", *map(str, words)])

    missing = run(tmp_path / "nothing", "--no-browser")
    assert missing.exit_code == 1
    assert "Expected a project" in missing.output
    both = run(tuner.project_dir, tuner.project_dir, "--static", tmp_path / "r.html")
    assert "Expected one project with --static" in both.output
    static = run(tuner.project_dir, "--static", tmp_path / "r.html")
    assert static.exit_code == 0
    assert (tmp_path / "r.html").read_text().startswith("<!DOCTYPE html>")


def test_a_project_that_is_deleted_while_it_is_shown_stays_as_it_was(tmp_path, monkeypatch):
    monkeypatch.setattr(watched, "LOOK", 0.0)
    tuner = searched(tmp_path, trials=3)
    client = Client(create_app([WatchedProject(tuner.project_dir)]))
    shutil.rmtree(tuner.project_dir)
    assert client.get("/api/projects/0").json()["summary"]["counts"].startswith("3 of 3")
