"""Programs written for Keras Tuner run unchanged, in one process and in several."""

import json
import os
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil
import pytest
from support import ROOT, finish, output_of, wait_for_end_of, wait_until

SCRIPTS = ROOT / "tests" / "scripts"
NAPS = SCRIPTS / "naps.py"
PLAIN = SCRIPTS / "plain.py"

pytestmark = pytest.mark.story


def pids(folder, name):
    """Which processes left a trace of that name."""
    return {path.name.rpartition("-")[2] for path in folder.glob(f"trace-{name}-*")}


@pytest.mark.parametrize("how", ["return", "exit", "message", "raise"])
def test_a_script_prints_and_ends_as_under_python(command_line, environment, tmp_path, how):
    # "-x": an option behind the script's name is the script's
    words = [str(PLAIN), how, "-x", "--slots", "2"]
    python = subprocess.run(
        [sys.executable, *words],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    run = command_line("run", *words)
    out, err = output_of(run)
    assert (run.returncode, out, err) == (python.returncode, python.stdout, python.stderr)


def test_a_script_that_is_no_python_is_shown_as_python_shows_it(command_line, tmp_path):
    (tmp_path / "bad.py").write_text("x = = 1\n")
    run = command_line("run", "bad.py")
    _, err = output_of(run)
    assert run.returncode == 1
    assert err.startswith(f'  File "{tmp_path / "bad.py"}", line 1')
    assert err.endswith("SyntaxError: invalid syntax\n")


def test_a_script_that_is_not_there_is_said_so(command_line):
    run = command_line("run", "nowhere.py")
    _, err = output_of(run)
    assert run.returncode == 2
    assert "nowhere.py" in err


def test_without_slots_the_trials_run_in_the_script(command_line, tmp_path):
    run = command_line("run", "--json", NAPS)
    out, err = output_of(run)
    assert run.returncode == 0, err
    results = [json.loads(line) for line in out.splitlines()]  # one for each call of `search`
    assert [(Path(result["project"]).name, result["trained"]) for result in results] == [
        ("naps", 6),
        ("naps", 0),
    ]
    assert "best 0.0 of 6 asked 6" in err  # what the script prints makes way for the answer
    assert "napping 0.5" in err
    assert pids(tmp_path, "run-*") == {str(run.pid)}
    assert pids(tmp_path, "data") == set()


def test_with_slots_the_trials_run_in_processes_that_got_the_arguments_once(trialflow, tmp_path):
    run = trialflow("run", "--slots", 2, NAPS)
    out = finish(run)
    assert "best 0.0 of 6 asked 6" in out
    assert "Score: 1.0\n" in out  # with what `search` and `on_search_begin` set on the tuner
    assert "napping" not in out
    children = pids(tmp_path, "run-*")
    assert str(run.pid) not in children
    assert len(children) == 2
    assert pids(tmp_path, "data") == children
    assert pids(tmp_path, "ended-*") == children  # hooks run in the child, to their end
    assert len(list(tmp_path.glob("trace-ended-*"))) == 6
    stopped = {path.name[len("trace-stopped-") :][:6] for path in tmp_path.glob("trace-stopped-*")}
    assert stopped == {f"{n:04d}-2" for n in range(6)}  # by the oracle, which is in the script
    assert "napping 0.3" in (tmp_path / "out/naps/trials/0003/log.txt").read_text()


def test_a_second_tuner_is_spread_too_even_when_a_thread_searches(
    command_line, environment, tmp_path
):
    # without a server to go to: one is started, which both searches use
    home = tmp_path / "home"
    run = command_line("run", "--slots", 2, NAPS, "--threads", PREFECT_HOME=str(home))
    out, err = output_of(run)
    assert run.returncode == 0, err
    assert "other 6" in out
    assert str(run.pid) not in pids(tmp_path, "run-*")
    assert err.count("Prefect UI while this runs") == 1
    with sqlite3.connect(f"file:{home}/prefect.db?mode=ro", uri=True) as connection:
        runs = "select f.name, count(*) from task_run t join flow_run f on t.flow_run_id = f.id"
        found = connection.execute(f"{runs} where t.state_type = 'COMPLETED' group by f.name")
        assert dict(found) == {"naps": 6, "other": 6}
        lines = connection.execute("select count(*) from log where message like 'napping%'")
        assert lines.fetchone() == (12,)


def test_verbose_0_silences_a_spread_search(trialflow, tmp_path):
    script = tmp_path / "silent.py"
    script.write_text(NAPS.read_text().replace("pause=0.01)", "pause=0.01, verbose=0)"))
    (tmp_path / "beside.py").write_text((SCRIPTS / "beside.py").read_text())
    run = trialflow("run", "--slots", 2, script)
    out, err = output_of(run)
    assert run.returncode == 0, err
    assert err == ""
    assert out.startswith("Results summary")


def test_a_killed_script_goes_on_where_it_was(trialflow, tmp_path):
    first = trialflow("run", "--slots", 2, NAPS, NAP_SECONDS="0.5")
    wait_until(lambda: len(list(tmp_path.glob("out/naps/trials/*/result.json"))) >= 2, first)
    # Before the kill: whoever starts next on this machine tidies up, a test beside this one too.
    payloads = [p.parent for each in _scratch(first.pid) for p in each.glob("payload-*/pickle")]
    assert [path.stat().st_mode & 0o777 for path in payloads] == [0o700]
    family = psutil.Process(first.pid).children(recursive=True)
    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    wait_for_end_of(family)
    results = sorted(tmp_path.glob("out/naps/trials/*/result.json"))
    before = {path: path.read_bytes() for path in results}
    assert len(before) < 6

    out = finish(trialflow("run", "--slots", 2, NAPS))

    assert "best 0.0 of 6 asked 6" in out
    assert all(path.read_bytes() == data for path, data in before.items())
    for path in before:  # ended trials never ran again
        assert len(pids(tmp_path, f"run-{path.parent.name}")) == 1
    assert _scratch(first.pid) == []


def _scratch(pid):
    """What the search of this process left in the folder for temporary files."""
    return list(Path(tempfile.gettempdir()).glob(f"trialflow-*-{pid}-*"))


@pytest.mark.parametrize(("slots", "sent", "code"), [
    (["--slots", "2"], signal.SIGINT, 130),
    (["--slots", "2"], signal.SIGTERM, 143),
    ([], signal.SIGINT, 130),
])  # fmt: skip
def test_a_script_that_is_asked_to_stop_leaves_the_line_that_resumes_it(
    trialflow, tmp_path, slots, sent, code
):
    run = trialflow("run", *slots, NAPS, NAP_SECONDS="5")
    wait_until(lambda: list(tmp_path.glob("trace-run-*")), run)
    children = psutil.Process(run.pid).children(recursive=True)
    run.send_signal(sent)
    _, err = output_of(run)
    assert run.returncode == code, err
    wait_for_end_of(children)
    assert not (tmp_path / "out/naps/lease.json").exists()
    assert f"To go on: trialflow run {' '.join([*slots, str(NAPS)])}\n" in err
    assert "Traceback" not in err
    assert _scratch(run.pid) == []


def test_what_cannot_be_sent_is_named_and_nothing_else_is_left(trialflow, tmp_path):
    (tmp_path / "beside.py").write_text((SCRIPTS / "beside.py").read_text())
    script = tmp_path / "lazy.py"
    script.write_text(NAPS.read_text().replace("search(Data()", "search((n for n in [1])"))
    run = trialflow("run", "--slots", 2, script)
    _, err = output_of(run)
    assert run.returncode == 1
    assert "CannotTravelError: Expected a tuner" in err
    assert "Received: data=<generator object" in err
    assert "without --slots" in err
    assert f'File "{script}", line' in err
    assert "prefect" not in err
    assert not (tmp_path / "out/naps/lease.json").exists()
    assert _scratch(run.pid) == []


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "        super().on_trial_end(trial)\n",
            "",
            "StudyError Traceback Expected `Naps.on_trial_end` to call `super().on_trial_end",
        ),
        (
            "        print(",
            "        raise kt.errors.FatalValueError('too large')\n        print(",
            "FatalValueError Traceback FatalValueError: too large",
        ),
    ],
)
def test_an_error_that_ends_the_search_reaches_the_script(trialflow, tmp_path, old, new, said):
    (tmp_path / "beside.py").write_text((SCRIPTS / "beside.py").read_text())
    script = tmp_path / "broken.py"
    code = NAPS.read_text().replace("    tuner.search(Data(), pause=0.01)\n", CATCHES, 1)
    script.write_text(code.replace(old, new, 1))
    out = finish(trialflow("run", "--slots", 1, script))
    assert re.search(
        said.replace(" ", r".*").replace("(", r"\(").replace(")", r"\)"), out, re.DOTALL
    )


CATCHES = """
    try:
        tuner.search(Data(), pause=0.01)
    except (RuntimeError, kt.errors.FatalError) as error:
        print(type(error).__name__, error)
        sys.exit()
"""


def test_a_program_of_keras_tuner_trains_models_in_slots_and_uses_them(trialflow, tmp_path):
    out = finish(trialflow("run", "--slots", 2, SCRIPTS / "tiny_models.py"))
    assert re.search(r"Default search space size: 1\b", out)
    states = [json.loads(p.read_text()) for p in tmp_path.glob("out/tiny/trials/*/result.json")]
    assert {state["status"] for state in states} == {"COMPLETED"}
    assert all("batch_size" in state["hyperparameters"]["values"] for state in states)
    log = (tmp_path / "out/tiny/trials/0000/log.txt").read_text()
    assert "epsilon 1e-06 mine>Scale" in log
