"""The state of a search's flow run is what is so, whatever the server was led to believe."""

import json

import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from support import STUDIES, finish, output_of, wait_until
from typer.testing import CliRunner

from flows.cli import app
from flows.commands import automations
from flows.server import configured_server

pytestmark = pytest.mark.story

CRASHED = {"type": "CRASHED", "name": "Crashed", "message": "no heartbeat was seen"}


@pytest.fixture
def run_of(ask):
    """The newest flow run of a project, None if there is none."""

    def newest(name):
        wanted = {"flow_runs": {"name": {"any_": [name]}}, "sort": "START_TIME_DESC"}
        return next(iter(ask("flow_runs/filter", wanted)), None)

    return newest


def test_a_search_that_is_marked_as_crashed_though_it_lives_is_running_again(
    trialflow, ask, run_of, tmp_path
):
    release = tmp_path / "release"
    name = "wrongly-crashed"
    words = ["search", STUDIES / "naps.py", "--project-name", name, "--max-trials", 2, "--json"]
    search = trialflow(*words, NAP_SECONDS="0", NAP_UNTIL=str(release))
    project = tmp_path / "results" / name
    wait_until(lambda: len(list(project.glob("journal/*/*.json"))) >= 2, search)
    for _ in range(2):  # each time
        ask(f"flow_runs/{run_of(name)['id']}/set_state", {"state": CRASHED, "force": True})
        assert run_of(name)["state"]["type"] in {"CRASHED", "RUNNING"}
        wait_until(lambda: run_of(name)["state"]["type"] == "RUNNING", search)
        assert "It lives" in run_of(name)["state"]["message"]
        assert "no heartbeat was seen" in run_of(name)["state"]["message"]
    release.touch()
    assert json.loads(finish(search))["completed"] == 2
    assert run_of(name)["state"]["type"] == "COMPLETED"


def test_a_retry_waits_for_the_search_that_lives_and_takes_over_its_result(
    trialflow, run_of, tmp_path
):
    release = tmp_path / "release"
    words = ["search", STUDIES / "naps.py", "--project-name", "twice", "--max-trials", 2, "--json"]
    env = {"NAP_SECONDS": "0", "NAP_UNTIL": str(release), "NAP_TRACES": str(tmp_path)}
    living = trialflow(*words, **env)
    project = tmp_path / "results" / "twice"
    wait_until(lambda: list(tmp_path.glob("run-*")), living)
    lease = json.loads((project / "lease.json").read_text())["owner"]
    assert lease["pid"] == living.pid
    # What Prefect counts when the button Retry was pressed.
    retried = trialflow(*words, PREFECT__RUNTIME__FLOW_RUN__RUN_COUNT="2", **env)
    first = run_of("twice")["id"]
    wait_until(lambda: run_of("twice")["id"] != first, retried)
    assert retried.poll() is None
    release.touch()
    assert json.loads(finish(living))["completed"] == 2
    out, err = output_of(retried)
    assert retried.returncode == 0, err
    assert f"Waiting for the search that {lease['host']}:{living.pid} runs on" in err
    told = json.loads(out)
    assert (told["completed"], told["trained"]) == (2, 0)
    assert len(list(tmp_path.glob("run-*"))) == 2  # nothing was trained twice
    assert run_of("twice")["state"]["type"] == "COMPLETED"


@pytest.fixture
def client(prefect_server):
    """Of a server without our automation and without deployments."""
    with (
        temporary_settings({PREFECT_API_URL: f"{prefect_server}/api"}),
        configured_server() as found,
    ):
        for each in found.read_automations_by_name(automations.NAME):
            found.delete_automation(each.id)
        for each in found.read_deployments():
            found.delete_deployment(each.id)
        yield found


@pytest.fixture
def command(client, environment, tmp_path, monkeypatch):
    """Runs a command in this process, in a folder with a study; its answer."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "naps.py").write_text((STUDIES / "naps.py").read_text())

    def run(*words):
        result = CliRunner().invoke(app, [*words, "--json"])
        assert result.exit_code in (0, 1), result.output
        return json.loads(result.stdout)

    return run


def finding(command):
    (found,) = (each for each in command("doctor")["findings"] if each["what"] == "automation")
    return found


def test_deploy_sets_the_automation_up_if_that_is_wanted_and_the_doctor_finds_it_missing(command):
    assert finding(command)["well"]
    assert "trialflow setup-automations" in finding(command)["hint"]
    deploy = ["deploy", "naps.py", "--pool", "truth"]
    assert command(*deploy)["automation"] is False
    assert command(*deploy, "--no-automation")["automation"] is False
    assert "Run" in finding(command)["hint"]
    assert command(*deploy, "--automation")["automation"] is True
    assert command(*deploy)["automation"] is True
    assert finding(command) == {
        "what": "automation",
        "well": True,
        "detail": "marks vanished searches as crashed",
        "advice": "",
        "hint": "",
    }


def test_what_deploy_makes_beats_as_often_as_the_automation_expects(command, client):
    command("deploy", "naps.py", "--pool", "truth", "--automation")
    deployed = client.read_deployments()
    assert len(deployed) == 4
    for each in deployed:
        assert each.job_variables == {"env": {"PREFECT_FLOWS_HEARTBEAT_FREQUENCY": "30"}}
    assert automations.misfits(client) == []


def test_the_doctor_names_a_deployment_whose_heartbeats_are_too_rare(command, client):
    command("deploy", "naps.py", "--pool", "truth", "--automation")
    client.create_deployment(
        client.create_flow_from_name("search"),
        "of-old",
        entrypoint="flows.search.search",
        work_pool_name="truth",
    )
    told = finding(command)
    assert not told["well"]
    assert "The runs of of-old send a heartbeat every 180 s" in told["advice"]
    assert "after 120 s" in told["advice"]
    assert "Deploy it again" in told["advice"]


def test_the_doctor_names_an_automation_that_is_paused_or_of_another_version(
    command, client, monkeypatch
):
    with monkeypatch.context() as earlier:
        earlier.setattr(automations, "FLOWS", ("search",))
        automations.replace_automation(client)
    assert "another one than this version sets up" in finding(command)["advice"]
    automations.replace_automation(client)
    assert finding(command)["well"]
    (made,) = client.read_automations_by_name(automations.NAME)
    client.pause_automation(made.id)
    assert "It is paused" in finding(command)["advice"]
