"""A search that one process serves at its times, and what is refused before anything is started."""

import json
import shutil
import signal

import psutil
import pytest
from prefect.settings import PREFECT_API_URL, temporary_settings
from support import STUDIES, output_of, own_signals, wait_for_end_of, wait_until
from typer.testing import CliRunner

from flows.cli import app
from flows.present import open_project

NAPS = str(STUDIES / "naps.py")


@pytest.mark.story
def test_a_search_is_served_until_the_command_is_stopped(trialflow, ask, tmp_path):
    serving = trialflow(
        *["serve", NAPS, "--cron", "0 2 * * *", "--directory", "out", "--max-trials", 2, "--json"],
        NAP_SECONDS="0",
        PREFECT_RUNNER_POLL_FREQUENCY="1",
    )
    told = json.loads(serving.stdout.readline())
    assert told["deployment"] == "search/naps"
    found = {"deployments": {"name": {"any_": ["naps"]}}}
    (deployed,) = wait_until(lambda: ask("deployments/filter", found), serving)
    assert deployed["schedules"][0]["schedule"]["cron"] == "0 2 * * *"
    # That a schedule starts runs is Prefect's, and seen in `test_deployments`.
    run = ask(f"deployments/{deployed['id']}/create_flow_run", {})
    done = {"flow_runs": {"id": {"any_": [run["id"]]}, "state": {"type": {"any_": ["COMPLETED"]}}}}
    wait_until(lambda: ask("flow_runs/filter", done), serving)
    assert open_project(str(tmp_path / "out" / "naps")).history.completed == 2
    family = psutil.Process(serving.pid).children(recursive=True)
    serving.send_signal(signal.SIGTERM)
    out, err = output_of(serving)
    assert serving.returncode == 0, err
    assert out == ""
    assert "Traceback" not in err
    assert "Warning" not in err
    wait_for_end_of(family)


def refused(*words):
    """What a command says that ends with status 1."""
    nobody = {PREFECT_API_URL: "http://127.0.0.1:9/api"}
    with temporary_settings(nobody), own_signals():
        result = CliRunner().invoke(app, list(words))
    assert result.exit_code == 1, result.output
    return result.output


@pytest.mark.parametrize("command", ["serve", "deploy"])
@pytest.mark.parametrize(
    ("words", "what"),
    [
        (["--cron", "at noon"], "Received: cron='at noon'"),
        (["--cron", "0 2 * * *", "--timezone", "Mars"], "timezone='Mars'"),
    ],
)
def test_a_schedule_that_is_none_is_refused(monkeypatch, command, words, what):
    monkeypatch.chdir(STUDIES)
    assert what in refused(command, "naps.py", *words)


@pytest.mark.parametrize(
    ("study", "what"),
    [
        ("nowhere.py", "Received: study='nowhere.py'"),
        (NAPS, "Expected the study to lie in the working directory"),
    ],
)
def test_what_cannot_be_deployed_is_said_so(tmp_path, monkeypatch, study, what):
    (tmp_path / "here.py").write_text("def build_tuner(**project): ...\n")
    monkeypatch.chdir(tmp_path)
    assert what in refused("deploy", study)


@pytest.mark.parametrize(
    "words",
    [
        ["search", NAPS],
        ["serve", NAPS, "--cron", "0 2 * * *"],
        ["deploy", "here.py"],
        ["setup-automations"],
    ],
    ids=lambda words: words[0],
)
def test_a_server_that_does_not_answer_is_named(tmp_path, monkeypatch, words):
    shutil.copy(NAPS, tmp_path / "here.py")
    monkeypatch.chdir(tmp_path)
    told = refused(*words)
    assert "Error: Expected a Prefect server at PREFECT_API_URL=http://127.0.0.1:9/api" in told
