"""The commands that look at a project, in one process: they start nothing."""

import io
import json
import os
import re
import signal
import subprocess
import sys

import pexpect
import pytest
from searches import searched
from support import STUDIES
from typer.testing import CliRunner

from flows.cli import app


@pytest.fixture(scope="module")
def tuner(tmp_path_factory):
    return searched(tmp_path_factory.mktemp("p"), trials=9)


@pytest.fixture
def say(tuner):
    def run(command, *words, code=0):
        result = CliRunner().invoke(app, [command, tuner.project_dir, *words])
        assert result.exit_code == code, result.output
        return result.output

    return run


def test_trials_are_listed_by_number_or_by_score_within_80_columns(tuner, say):
    lines = say("trials").splitlines()
    assert [line[:4] for line in lines if line[:1].isdigit()] == [f"{n:04d}" for n in range(9)]
    assert all(len(line) <= 80 for line in lines)
    assert "0007   failed" in say("trials")
    best = [trial.trial_id for trial in tuner.oracle.get_best_trials(3)]
    lines = say("trials", "--sort", "score", "--limit", "3").splitlines()
    assert [line[:4] for line in lines if line[:1].isdigit()] == best


def test_trials_of_one_state_can_be_had_as_json(say):
    found = json.loads(say("trials", "--status", "failed", "--json"))
    assert [trial["trial_id"] for trial in found["trials"]] == ["0007"]


def test_a_trial_is_shown_with_each_training(tuner, say):
    text = say("show", "2")
    trial = tuner.oracle.trials["0002"]
    assert text.startswith(f"Trial 0002 of {tuner.project_dir}: completed\n")
    assert f"  rate = {trial.values['rate']:.5g}\n" in text
    assert f"accuracy {trial.score:.5g}, epoch 5" in text
    found = json.loads(say("show", "0002", "--json"))
    scores = [each["metrics"]["accuracy"] for each in found["executions"]]
    assert sum(scores) / 2 == pytest.approx(trial.score)


def test_a_failed_trial_says_why(say):
    assert say("show", "7").rstrip().endswith("ValueError: it became <NaN>")


def test_a_trial_that_is_not_there_is_said_so(say):
    assert "the last of which is 0008. Received: trial='77'" in say("show", "77", code=1)


def test_a_search_without_models_has_none_to_save(say, tmp_path):
    output = say("best", "--save", str(tmp_path / "m.keras"), code=1)
    assert output.startswith("Error: Expected weights of trial")
    assert not (tmp_path / "m.keras").exists()


def test_a_refitted_model_must_be_saved_somewhere(say):
    assert "Expected --save FILE with --refit" in say("best", "--refit", code=1)


def test_the_status_is_a_summary_however_many_trials_there_are(tuner, say):
    lines = say("status").splitlines()
    assert lines[1] == "9 of 9 trials: 8 completed, 1 failed, 0 not finished"
    assert lines[2] == "Ended: every trial has ended"
    best = tuner.oracle.get_best_trials()[0]
    assert lines[3] == f"Best: accuracy {best.score:.5g} (trial {best.trial_id})"
    assert all(len(line) <= 80 for line in lines[3:])
    state = json.loads(say("status", "--json"))
    assert (state["searched_by"], state["running_trials"]) == (None, [])
    assert len(state["trials"]) == 9


@pytest.mark.parametrize(
    ("command", "words", "name"),
    [
        ("report", ["--output", "{folder}/r.html"], "report"),
        ("export", ["--to", "{folder}"], "files"),
        ("check", [], "damages"),
        ("repair", [], "done"),
        ("best", [], "best"),
    ],
)
def test_every_answer_can_be_had_as_json(say, tmp_path, command, words, name):
    filled = [word.format(folder=tmp_path) for word in words]
    assert name in json.loads(say(command, *filled, "--json"))


def test_an_error_says_what_to_do_and_shows_its_traceback_only_when_asked(say, tmp_path):
    (tmp_path / "file").touch()
    words = ["--output", str(tmp_path / "file" / "r.html")]
    told = say("report", *words, code=1)
    assert told == f"Error: Expected to get at {tmp_path}/file. Received: File exists.\n"
    nowhere = CliRunner().invoke(app, ["status", "nonsense://x/p"])
    assert nowhere.output.endswith("With --debug its traceback is shown.\n")
    shown = CliRunner().invoke(app, ["status", "nonsense://x/p", "--debug"])
    assert isinstance(shown.exception, ValueError)


@pytest.mark.slow
def test_a_pipe_that_is_closed_early_gives_no_traceback(tuner, environment):
    command = [sys.executable, "-m", "flows", "trials", tuner.project_dir]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, env=environment)  # noqa: PLW1510
    os.close(write)
    assert done.stderr == b""


@pytest.mark.slow
def test_a_shell_completes_commands_and_options(environment):
    def complete(words, place):
        asked = {"COMP_WORDS": words, "COMP_CWORD": str(place)}
        env = {**environment, "_TRIALFLOW_COMPLETE": "complete_bash", **asked}
        program = "from flows.cli import app; app(prog_name='trialflow')"
        return subprocess.check_output([sys.executable, "-c", program], env=env, text=True).split()

    assert complete("trialflow st", 1) == ["status"]
    assert "--slots" in complete("trialflow search --sl", 2)


def lines_of(shown):
    """What a terminal was shown, line by line, each state of a line by itself."""
    return re.split(r"[\r\n]+", re.sub(r"\x1b\[[\d;?]*[A-Za-z]", "", shown.decode()))


@pytest.mark.slow
@pytest.mark.parametrize("columns", [60, 80])
def test_a_table_fits_the_terminal_and_a_pipe_gets_plain_lines(tuner, environment, columns):
    words = ["-m", "flows", "trials", tuner.project_dir]
    env = {**environment, "TERM": "xterm"}
    options = {"env": env, "timeout": 60, "dimensions": (24, columns)}
    lines = lines_of(pexpect.spawn(sys.executable, words, **options).read())
    assert sum(line[:4].isdigit() for line in lines) == 9
    assert columns - 20 < max(map(len, lines)) <= columns
    if columns == 80:
        piped = subprocess.check_output([sys.executable, *words], env=env, text=True)
        assert re.fullmatch(r"[\x20-\x7e\u2500\n]+", piped)
        assert max(map(len, piped.splitlines())) <= 80


@pytest.mark.slow
def test_a_search_in_a_terminal_is_drawn_live_without_colours_and_stopped_by_ctrl_c(
    environment, prefect_server, tmp_path
):
    env = {
        **environment,
        "PREFECT_API_URL": f"{prefect_server}/api",
        "NAP_SECONDS": "4",
        "TERM": "xterm",
        "NO_COLOR": "1",
    }
    words = ["-m", "flows", "search", str(STUDIES / "naps.py")]
    terminal = pexpect.spawn(
        sys.executable, words, env=env, cwd=tmp_path, timeout=120, dimensions=(24, 40)
    )
    terminal.logfile_read = shown = io.BytesIO()
    terminal.expect("0/8 done, 1 running, 0 failed")
    terminal.expect("trial 0000  running, ")
    terminal.expect("1/8 done, 1 running, 0 failed")
    terminal.expect(r"best square 1 \(trial 0000\): x=-1")
    terminal.sendintr()
    terminal.expect("Stopped. To go on: trialflow search")
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 128 + signal.SIGINT
    assert not re.search(rb"\x1b\[(3|9)\d", shown.getvalue())  # NO_COLOR
    drawn = [line for line in lines_of(shown.getvalue()) if "/" not in line or "/8 done" in line]
    # Paths are not cut, they are for copying; ^C is the terminal's echo.
    assert [line for line in drawn if len(line.replace("^C", "")) > 40] == []
