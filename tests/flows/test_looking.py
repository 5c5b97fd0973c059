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
from searches import searched, searched_twice
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


def test_the_status_says_how_sure_the_best_is_where_trials_are_enough(tmp_path, say):
    assert json.loads(say("status", "--outlook", "--json"))["outlook"] is None
    assert "Expected further" not in say("status", "--outlook")
    url = searched(tmp_path, trials=16).project_dir
    asked = ["status", url, "--outlook"]
    told = CliRunner().invoke(app, asked).output
    found = json.loads(CliRunner().invoke(app, [*asked, "--json"]).output)["outlook"]
    assert found["trials"] == 14
    assert 0 <= found["sure"] <= found["close"] <= 1
    assert (
        f"Chance of being the best of 14 trials, were there no noise: {found['sure']:.0%}" in told
    )
    assert f"  Expected further improvement: {found['improvement']:.2g}" in told
    assert "Expected further" not in CliRunner().invoke(app, ["status", url]).output


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


def test_several_objectives_are_told_everywhere(tmp_path):
    project = searched_twice(tmp_path).project_dir

    def run(*words):
        result = CliRunner().invoke(app, words)
        assert result.exit_code == 0, result.output
        return result.output

    assert re.search(r"Best: cost [\d.e-]+, gain [\d.e-]+ \(trial \d+\)", run("status", project))
    assert re.match(r"Trial \d+: cost [\d.e-]+, gain [\d.e-]+\n", run("best", project))
    assert re.search(r"trial +status +cost +gain +time", run("trials", project))
    assert re.search(r"\ncost [\d.e-]+, gain [\d.e-]+\n", run("show", project, "3"))
    front = run("best", project, "--pareto").splitlines()
    assert sum(line[:4].isdigit() for line in front) == 12  # each pays for what it gains
    told = json.loads(run("best", project, "--pareto", "--json"))
    assert len(told["pareto"]) == 12
    assert set(told["pareto"][0]["objectives"]) == {"cost", "gain"}


def test_a_number_without_its_zeros_names_a_trial_to_repeat_too(tuner):
    said = CliRunner().invoke(app, ["rerun", tuner.project_dir, "3", "--study", "naps.py"])
    assert "Expected a trial" not in said.output
    none = CliRunner().invoke(app, ["rerun", tuner.project_dir, "77", "--study", "naps.py"])
    assert "the last of which is 0008. Received: trial='77'" in none.output


def test_a_search_that_has_ended_is_watched_to_its_end(tuner, say):
    lines = say("watch").splitlines()
    assert lines[0] == f"Watching {tuner.project_dir} (Ctrl-C leaves it alone)"
    assert sum(line.startswith("trial 000") for line in lines) == 9
    assert "trial 0007: failed: ValueError: it became <NaN>" in "\n".join(lines)
    assert "9/9 done, 0 running, 1 failed, best accuracy " in lines[-2]
    assert lines[-1] == "Ended: every trial has ended"
    last = json.loads(say("watch", "--json").splitlines()[-1])
    assert (last["completed"], last["failed"]) == (8, 1)


def test_a_search_is_watched_while_it_runs_until_nobody_searches(tmp_path):
    from flows.commands.watch import changes
    from flows.present import open_project

    tuner = searched(tmp_path, trials=3)
    found = open_project(tuner.project_dir)
    found.history.end_reason = None  # as if it had been killed
    seen = list(changes(found, interval=0.01, patience=0.0))
    assert [len(change.ended) for change in seen] == [3]
    assert seen[-1].is_over

    looks = changes(open_project(tuner.project_dir), interval=0.01, patience=60.0)
    assert len(next(looks).ended) == 3
    searched(tmp_path, trials=5)  # another process goes on meanwhile
    assert list(looks) == []  # it had ended when it was looked at


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
    assert "Expected a file that ends in .keras" in say("best", "--save", "model.h5", code=1)


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


@pytest.mark.story
def test_a_pipe_that_is_closed_early_gives_no_traceback(tuner, environment):
    command = [sys.executable, "-m", "flows", "trials", tuner.project_dir]
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run(command, stdout=write, stderr=subprocess.PIPE, env=environment)  # noqa: PLW1510
    os.close(write)
    assert done.stderr == b""


@pytest.mark.story
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


@pytest.mark.story
@pytest.mark.parametrize("columns", [60, 80, 160])
def test_a_table_fits_the_terminal_and_a_pipe_gets_plain_lines(tuner, environment, columns):
    words = ["-m", "flows", "trials", tuner.project_dir]
    env = {**environment, "TERM": "xterm"}
    options = {"env": env, "timeout": 60, "dimensions": (24, columns)}
    shown = pexpect.spawn(sys.executable, words, **options).read()
    lines = lines_of(shown)
    assert sum(line[:4].isdigit() for line in lines) == 9
    assert max(map(len, lines)) <= columns
    if columns < 100:
        assert columns - 20 < max(map(len, lines))
    else:
        assert sum("rate=" in line and "kind=" in line for line in lines) == 8  # none is folded
    assert b"\x1b[32mcompleted" in shown
    assert b"\x1b[31mfailed" in shown
    if columns == 80:
        plain = {**options, "env": {**env, "NO_COLOR": "1"}}
        assert b"\x1b[3" not in pexpect.spawn(sys.executable, words, **plain).read()
        piped = subprocess.check_output([sys.executable, *words], env=env, text=True)
        assert re.fullmatch(r"[\x20-\x7e\u2500\n]+", piped)
        assert max(map(len, piped.splitlines())) <= 80


@pytest.mark.story
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
    terminal = pexpect.spawn(sys.executable, words, env=env, cwd=tmp_path, dimensions=(24, 40))
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
