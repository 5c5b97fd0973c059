"""The command line and the flow, as a user meets them."""

import itertools
import json
import re
import signal
import subprocess
import sys

import psutil
import pytest
from support import ROOT, STUDIES, finish, output_of, wait_for_end_of, wait_until

NAPS = STUDIES / "naps.py"
TINY = STUDIES / "tiny.py"

pytestmark = pytest.mark.story


def test_a_search_trains_keeps_its_models_and_the_second_run_trains_nothing(trialflow, tmp_path):
    out = finish(trialflow("search", TINY, "--slots", 2))
    assert "4 completed, 0 failed" in out
    assert "results/tiny" in out
    assert re.search(r"^rank +trial +val_loss", out, re.MULTILINE)
    assert "\x1b" not in out
    assert "\r" not in out
    results = {p: p.read_bytes() for p in (tmp_path / "results/tiny/trials").rglob("*.*")}
    assert len(list((tmp_path / "results/tiny/trials").glob("*/checkpoint-*.weights.h5"))) == 4

    again = finish(trialflow("search", TINY, "--slots", 2))

    assert "Nothing was trained" in again
    assert results == {p: p.read_bytes() for p in (tmp_path / "results/tiny/trials").rglob("*.*")}

    more = json.loads(finish(trialflow("search", TINY, "--max-trials", 5, "--json")))
    assert more["completed"] == 5


def test_the_json_of_a_search_is_one_object_on_standard_output(trialflow):
    result = json.loads(finish(trialflow("search", NAPS, "--slots", 4, "--json", NAP_SECONDS="0")))
    assert result["project"].endswith("results/naps")
    assert (result["completed"], result["failed"]) == (8, 0)
    assert result["seconds"] > 0
    best = result["best"]
    assert best["score"] == pytest.approx(best["hyperparameters"]["x"] ** 2)


def test_when_the_time_is_up_no_more_trials_begin_and_resuming_goes_on(trialflow, tmp_path):
    first = ["search", NAPS, "--json", "--timeout", 1.5]
    result = json.loads(finish(trialflow(*first, NAP_SECONDS="0.4")))
    assert result["completed"] < 8  # none at all, if the machine is slow to begin
    status = json.loads(finish(trialflow("status", "results/naps", "--json")))
    assert status["ended"] == "the time is up"
    # without a word about the study, from another folder
    again = ["resume", tmp_path / "results" / "naps", "--json"]
    result = json.loads(finish(trialflow(*again, NAP_SECONDS="0")))
    assert result["completed"] == 8
    assert result["project"] == str(tmp_path / "results" / "naps")


def test_rules_of_the_command_line_end_a_search_and_resuming_changes_them(trialflow):
    search = ["search", NAPS, "--json", "--patience", 2, "--max-device-hours", 5]
    search += ["--max-total-epochs", 100, "--target", "-1"]
    result = json.loads(finish(trialflow(*search, NAP_SECONDS="0")))
    assert result["completed"] < 8
    assert result["reason"] == "no better score for 2 trials"
    resume = ["resume", "results/naps", "--patience", 8]
    out = finish(trialflow(*resume, "--target", result["best"]["score"], NAP_SECONDS="0"))
    assert "the target of" in out
    assert "the target of" in finish(trialflow("status", "results/naps"))
    out = finish(trialflow(*resume, "--target", "0", NAP_SECONDS="0"))
    assert "8 completed" in out


def test_a_project_that_no_command_searched_is_resumed_with_its_study_named(trialflow, tmp_path):
    finish(trialflow("search", NAPS, "--max-trials", 2, NAP_SECONDS="0"))
    (tmp_path / "results" / "naps" / "study.json").unlink()
    resume = trialflow("resume", "results/naps")
    _, err = output_of(resume)
    assert resume.returncode == 1
    assert "Name the study file with --study" in err
    out = finish(trialflow("resume", "results/naps", "--study", NAPS, NAP_SECONDS="0"))
    assert "8 completed" in out


def test_two_slots_train_at_the_same_time_and_load_their_data_once_each(trialflow, tmp_path):
    traces = tmp_path / "traces"
    traces.mkdir()
    finish(trialflow("search", NAPS, "--slots", 2, NAP_TRACES=str(traces)))
    trials = json.loads(finish(trialflow("status", "results/naps", "--json")))["trials"]
    spans = sorted((t["started"], t["ended"]) for t in trials)
    overlaps = [a for a, b in itertools.pairwise(spans) if b[0] < a[1]]
    assert overlaps
    assert {t["slot"] for t in trials} == {"0", "1"}
    assert len(list(traces.glob("data-*"))) == 2


def test_a_script_continues_what_the_flow_began_and_the_other_way_round(
    trialflow, environment, tmp_path
):
    finish(trialflow("search", TINY, "--max-trials", 2))
    script = (
        "import sys\nfrom tuner.core.runtime import Role\n"
        "from tuner.tuners.study import load_study\n"
        f"study = load_study({str(TINY)!r})\n"
        "tuner = study.build_tuner(Role.SCRIPT, directory='results', project_name='tiny')\n"
        "assert len(tuner.oracle.end_order) == 2\n"
        "tuner.oracle.max_trials = 3\n"
        "tuner.search(**study.load_data())\n"
        "assert len(tuner.get_best_models()[0].weights) >= 2\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, env=environment, cwd=tmp_path)
    result = json.loads(finish(trialflow("search", TINY, "--max-trials", 4, "--json")))
    assert (result["completed"], result["failed"]) == (4, 0)


@pytest.mark.parametrize(("sent", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_search_that_is_asked_to_stop_leaves_the_line_that_resumes_it(
    trialflow, tmp_path, sent, code
):
    traces = tmp_path / "traces"
    traces.mkdir()
    search = trialflow("search", NAPS, "--slots", 2, NAP_SECONDS="2", NAP_TRACES=str(traces))
    wait_until(lambda: len(list(traces.glob("run-*"))) == 3, search)  # one ended, two run
    children = psutil.Process(search.pid).children(recursive=True)
    search.send_signal(sent)
    _, err = output_of(search)
    assert search.returncode == code, err
    wait_for_end_of(children)
    assert not (tmp_path / "results/naps/lease.json").exists()
    stopped = json.loads(finish(trialflow("status", "results/naps", "--json")))
    assert (stopped["failed"], stopped["running"]) == (0, 2)
    assert {t["tries"] for t in stopped["trials"]} == {1}  # stopping is no trial's loss
    assert f"To go on: trialflow search {NAPS} --slots 2" in err
    assert "Traceback" not in err
    result = json.loads(finish(trialflow("search", NAPS, "--slots", 2, "--json")))
    assert (result["completed"], result["failed"]) == (8, 0)


def test_a_second_search_on_the_same_project_says_who_runs_it(trialflow, tmp_path):
    # It must not end before the second one asks; the test's end kills it.
    first = trialflow("search", NAPS, NAP_SECONDS="600", NAP_FAIL="-")
    wait_until((tmp_path / "results/naps/lease.json").exists, first)
    second = trialflow("search", NAPS)
    _, err = output_of(second)
    assert second.returncode == 3
    assert str(first.pid) in err


def test_a_failed_trial_is_counted_and_says_why(trialflow):
    out = json.loads(finish(trialflow("search", NAPS, "--json", NAP_SECONDS="0", NAP_FAIL="0002")))
    assert (out["completed"], out["failed"]) == (7, 1)
    assert "asked to fail" in finish(trialflow("trials", "results/naps"))


def test_failures_in_a_row_end_the_search_with_their_reason(trialflow, ask, tmp_path):
    search = trialflow("search", NAPS, "--project-name", "in-a-row", NAP_RAISE="yes")
    _, err = output_of(search)
    assert search.returncode == 1
    assert "consecutive failures" in err
    assert "asked to raise" in err
    (run,) = ask("flow_runs/filter", {"flow_runs": {"name": {"any_": ["in-a-row"]}}})
    assert run["state"]["type"] == "FAILED"
    assert "asked to raise" in run["state"]["message"]
    assert f"trialflow resume {tmp_path}/results/in-a-row" in run["state"]["message"]


def test_overwrite_begins_anew(trialflow):
    finish(trialflow("search", NAPS, "--max-trials", 2, NAP_SECONDS="0"))
    search = trialflow("search", NAPS, "--max-trials", 3, "--overwrite", "--json", NAP_SECONDS="0")
    result = json.loads(finish(search))
    assert (result["trained"], result["completed"]) == (3, 3)


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["search", "nowhere.py"], 1, "Expected `study` to be the path of a Python file"),
        (["search", str(NAPS), "--slots", "0"], 2, "--slots"),
        (["search", str(NAPS), "--project-name", "../evil"], 1, "project_name"),
        (["search", str(NAPS), "--executions-per-trial", "2"], 1, "Expected a Keras Tuner"),
        (["search", str(NAPS), "--directory", "memory://x"], 1, "other processes see"),
        (["status", "results/nowhere"], 1, "Expected a project"),
        (["best", "results/nowhere"], 1, "Expected a project"),
    ],
)
def test_bad_input_gets_one_clear_sentence(trialflow, words, status, message):
    process = trialflow(*words)
    _, err = output_of(process)
    assert process.returncode == status
    assert message in err
    assert "Traceback" not in err


def test_no_server_is_started_for_a_study_that_is_not_there(command_line):
    process = command_line("search", "nowhere.py")
    out, err = output_of(process)
    assert process.returncode == 1
    assert (out, "Expected `study`" in err) == ("", True)


def test_the_flow_refuses_bad_parameters(environment):
    script = (
        "from flows.search import search\nsearch.validate_parameters({'study': 'x', 'slots': 0})"
    )
    run = subprocess.run(
        [sys.executable, "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert run.returncode == 1
    assert "greater than or equal to 1" in run.stderr


def test_executions_are_overridden_from_the_command_line(trialflow, tmp_path):
    finish(trialflow("search", TINY, "--max-trials", 1, "--executions-per-trial", 2))
    found = (tmp_path / "results/tiny/trials/0000/result.json").read_text()
    assert len(json.loads(found)["record"]["executions"]) == 2
