"""What all commands have in common."""

import contextlib
import inspect
import os
import re
import signal
import subprocess
import sys

import pytest
from support import own_signals
from typer.testing import CliRunner

from flows import cli
from flows.commands import deploy as deploy_command
from flows.commands import search as search_command
from flows.commands import serve as serve_command
from flows.running.run_settings import RunSettings
from flows.running.stopping import (
    TerminatedError,
    check_not_asked_to_stop,
    forget_what_was_caught,
    raise_when_asked_to_stop,
)
from tuner import BaseTuner, Objective
from tuner.errors import FailedTrialError
from tuner.journal.reading import read_project
from tuner.oracles import RandomSearchOracle

COMMANDS = {name: cli.load(name) for name in cli.COMMANDS}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_answers_in_json_and_shows_tracebacks_when_asked(name):
    options = {option for parameter in COMMANDS[name].params for option in parameter.opts}
    assert {"--json", "--debug"} <= options
    assert COMMANDS[name].epilog.startswith(f"Example: trialflow {name} ")


@pytest.mark.parametrize("name", COMMANDS)
def test_the_list_of_commands_says_what_each_says_of_itself(name):
    first = COMMANDS[name].help.split("\n\n")[0].replace("\n", " ")
    assert cli.COMMANDS[name].summary == first
    assert first.endswith(".")


def test_the_help_has_sections_and_whole_sentences():
    told = CliRunner().invoke(cli.app, ["--help"], env={"COLUMNS": "80"}).output
    for section in ("Search:", "Look:", "Keep:", "Run on servers:"):
        assert f"\n{section}\n" in told
    assert "..." not in told.replace("[ARGS]...", "")
    words = " ".join(told.split())
    for entry in cli.COMMANDS.values():
        assert entry.summary in words


def test_the_version_is_told():
    told = CliRunner().invoke(cli.app, ["--version"])
    assert re.fullmatch(r"trialflow \d+\.\d+\.\d+\n", told.output)
    assert told.exit_code == 0


def test_a_command_that_looks_imports_neither_prefect_nor_what_searches():
    """The clock is no test; what is imported is what takes the time."""
    script = (
        "import sys; from flows import cli\n"
        "cli.load('status'); cli.load('trials'); cli.load('best')\n"
        "print(sorted({m.split('.')[0] for m in sys.modules}"
        " & {'prefect', 'fsspec', 'pyarrow', 'numpy', 'scipy', 'rich', 'tensorflow', 'keras'}))\n"
        "print([m for m in sys.modules if m.startswith(('tuner.oracles', 'tuner.tuners'))])"
    )
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert run.stdout == "[]\n[]\n"


def test_a_command_reads_its_arguments_without_pydantic():
    script = (
        "import atexit, sys; from flows import cli\n"
        "atexit.register(lambda: print('pydantic' in sys.modules))\n"
        "sys.argv = ['trialflow', 'status', 'nowhere']; cli.main()"
    )
    words = [sys.executable, "-c", script]
    run = subprocess.run(words, check=False, capture_output=True, text=True)
    assert "nowhere" in run.stderr
    assert run.stdout == "False\n"


@pytest.mark.parametrize(("level", "shown"), [({}, ""), ({"TF_CPP_MIN_LOG_LEVEL": "0"}, "C++\n")])
def test_what_a_library_writes_past_python_is_shown_where_it_was_asked_for(level, shown):
    script = (
        "import os, sys; from flows.commands.best import _without_native_messages\n"
        "with _without_native_messages():\n"
        "    os.write(2, b'C++\\n'); print('python', file=sys.stderr)\n"
        "os.write(2, b'later\\n'); print('python again', file=sys.stderr)"
    )
    env = {k: v for k, v in os.environ.items() if k != "TF_CPP_MIN_LOG_LEVEL"} | level
    words = [sys.executable, "-c", script]
    run = subprocess.run(words, check=True, capture_output=True, text=True, env=env)
    assert run.stderr == f"{shown}python\nlater\npython again\n"


def test_the_command_and_the_flow_of_a_search_take_the_same():
    from flows.search import search

    def parameters(function):
        taken = inspect.signature(function).parameters.values()
        return {p.name: p.default for p in taken if p.name not in ("as_json", "debug")}

    assert parameters(search_command.search) == parameters(search.fn)


def test_what_is_put_on_a_schedule_takes_what_a_search_takes_but_overwrite():
    searched = {parameter.name for parameter in COMMANDS["search"].params} - {"overwrite"}
    for name in ("serve", "deploy"):
        taken = {parameter.name for parameter in COMMANDS[name].params}
        assert searched < taken
        assert "overwrite" not in taken


@pytest.mark.parametrize(
    ("number", "raised"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, TerminatedError)]
)
def test_a_signal_is_answered_at_once_and_raised_again_where_python_swallowed_it(
    number, raised, capfd
):
    with own_signals():
        raise_when_asked_to_stop()
        check_not_asked_to_stop()
        with contextlib.suppress(raised):  # as a finalizer would
            signal.raise_signal(number)
        with pytest.raises(raised):
            check_not_asked_to_stop()
        forget_what_was_caught()
        check_not_asked_to_stop()
    assert capfd.readouterr().err.count("Stopping: trials end their epoch") == 1


@pytest.mark.parametrize(
    "words",
    [
        ["search", "study.py", "--directory", "ftp://me:hunter2@host/x"],
        ["search", "study.py", "--publish", "sftp://me:hunter2@host/x"],
        ["serve", "study.py", "--cron", "0 2 * * *", "--directory", "ftp://me:hunter2@host/x"],
        ["deploy", "study.py", "--directory", "ftp://me:hunter2@host/x"],
        ["doctor", "--directory", "ftp://me:hunter2@host/x"],
        ["resume", "ftp://me:hunter2@host/x"],
        ["status", "ftp://me:hunter2@host/x"],
        ["report", "ftp://me:hunter2@host/x"],
    ],
    ids=" ".join,
)
def test_a_password_in_a_url_is_refused_before_anything_knows_it(words, monkeypatch):
    monkeypatch.setattr("prefect.client.orchestration.get_client", unwanted)
    monkeypatch.setattr("flows.server.prefect_server", unwanted)
    run = CliRunner().invoke(cli.app, words)
    assert run.exit_code != 0
    assert "without a password" in " ".join(run.stderr.replace("│", " ").split())
    assert "hunter2" not in run.output + run.stderr


def unwanted(*_):
    raise AssertionError("something was told of it")


@pytest.fixture
def begun(tmp_path):
    """URL of a project whose study got a mistake since it was searched; one trial has failed."""
    oracle = RandomSearchOracle(Objective("loss", "min"), max_trials=1)
    tuner = Broken(oracle, directory=tmp_path / "results", project_name="mistaken")
    tuner.search(search_verbose=0)
    RunSettings(str(tmp_path / "mistaken.py")).save(tuner.search_project)
    return tuner.search_project.url


class Broken(BaseTuner):
    def run_trial(self, trial):
        raise FailedTrialError


@pytest.mark.parametrize(
    "words",
    [
        ["search", "mistaken.py"],
        ["serve", "mistaken.py", "--cron", "0 2 * * *"],
        ["deploy", "mistaken.py"],
        ["resume", "results/mistaken"],
        ["retry", "results/mistaken"],
    ],
    ids=lambda words: words[0],
)
def test_a_mistake_in_the_study_is_told_before_a_server_starts(words, begun, tmp_path, monkeypatch):
    def started(*_):
        pytest.fail("a server started")

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(search_command, "prefect_server", started)
    monkeypatch.setattr(serve_command, "prefect_server", started)
    monkeypatch.setattr(deploy_command, "configured_server", started)
    study = tmp_path / "mistaken.py"
    study.write_text("\ndef build_tuner(**project:\n")
    before = read_project(begun)[1].end_order
    with own_signals():
        done = CliRunner().invoke(cli.app, words)
    assert done.exit_code == 1
    assert re.search(r'^Error: Expected a study in Python.*mistaken.py", line 2: ', done.stderr)
    assert read_project(begun)[1].end_order == before
