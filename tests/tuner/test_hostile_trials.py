"""Trials that return, report and raise what nobody expects: each fails alone, or counts."""

import json
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from tuner import BaseTuner, Objective
from tuner.core.metrics import number_of
from tuner.core.text import LONGEST_MESSAGE
from tuner.journal.check import check
from tuner.oracles import RandomSearchOracle
from tuner.results import figures
from tuner.results.findings import Findings
from tuner.results.leaderboard import leaderboard

NUMBERS = [
    1,
    True,
    1.0,
    np.float32(1),
    np.array(1),
    np.array([1.0]),
    np.array([[1]]),
    [1.0],
    np.bool_(1),
    Decimal(1),
]
NO_NUMBERS = [
    "1",
    b"1",
    10**400,
    None,
    1j,
    np.array([1.0, 2.0]),
    [],
    {},
    Path("x"),
    np.array(["1"]),
]


class Odd(BaseTuner):
    """The first trial does what it is told, the others are good."""

    def run_trial(self, trial):
        trial.hyperparameters.Float("x", 0.0, 1.0)
        return self.first(trial) if trial.trial_id == "0000" else {"loss": 2.0}


def searched(folder, first, **options):
    oracle = RandomSearchOracle(Objective("loss", "min"), max_trials=3, seed=0, **options)
    tuner = Odd(oracle, directory=str(folder), project_name="p")
    tuner.first = first
    tuner.search(search_verbose=0)
    return tuner


def assert_sound(tuner, status):
    trials = list(tuner.oracle.trials.values())
    assert [trial.status for trial in trials] == [status, "COMPLETED", "COMPLETED"]
    again = Odd(RandomSearchOracle(Objective("loss", "min")), None, tuner.directory, "p")
    assert [t.status for t in again.oracle.trials.values()] == [t.status for t in trials]
    assert check(tuner.search_project).damages == []
    for level in ("trials", "executions", "epochs"):
        again.results(level)
    findings = Findings.of(again.search_project)
    assert leaderboard(findings)
    assert figures.draw_all(findings) is not None
    return trials[0]


@pytest.mark.parametrize("value", NUMBERS, ids=repr)
def test_a_number_of_any_kind_counts(tmp_path, value):
    assert number_of("loss", value) == 1.0
    trial = assert_sound(searched(tmp_path, lambda trial: {"loss": value}), "COMPLETED")
    assert trial.score == 1.0


@pytest.mark.parametrize("value", NO_NUMBERS, ids=repr)
@pytest.mark.parametrize("name", ["loss", "other"])
def test_what_is_no_number_fails_its_trial_with_a_sentence(tmp_path, value, name):
    with pytest.raises(TypeError, match="other"):
        number_of("other", value)
    tuner = searched(tmp_path, lambda trial: {"loss": 1.0, name: value})
    trial = assert_sound(tuner, "FAILED")
    assert f"Expected the metric '{name}' to be a number. Received: {name}=" in trial.message


class NoWordsError(Exception):
    def __str__(self):
        raise RuntimeError("no words")

    __repr__ = __str__


class NoWords:
    def __repr__(self):
        raise RuntimeError("no words")


def raising(error):
    def first(trial):
        raise error

    return first


def record(value):
    def first(trial):
        trial.record["own"] = value
        return {"loss": 1.0}

    return first


def nested(levels):
    found = 0
    for _ in range(levels):
        found = [found]
    return found


@pytest.mark.parametrize(
    "first",
    [
        raising(NoWordsError()),
        raising(ValueError("half \ud800")),
        raising(ValueError("control \x00\x1b]0;title\x07")),
        raising(RecursionError()),
        lambda trial: {"loss": NoWords()},
        record(Path("x")),
        record(NoWords()),
        record({1, 2}),
        record(nested(300)),
        record(nested(10_000)),
        lambda trial: {"loss": float("nan")},
        lambda trial: {"loss": 1.0, "\ud800": "x"},
    ],
)
def test_whatever_a_trial_raises_or_keeps_fails_it_alone_and_can_be_read_again(tmp_path, first):
    trial = assert_sound(searched(tmp_path, first), "FAILED")
    assert trial.message
    assert trial.message.encode()
    assert trial.record["started"]


def test_a_message_of_any_size_is_kept_by_its_end(tmp_path):
    trial = assert_sound(searched(tmp_path, raising(ValueError("x" * 10**7 + "the end"))), "FAILED")
    assert trial.message.rstrip().endswith("the end")
    assert "bytes were cut off here" in trial.message.splitlines()[0]
    entries = [path.stat().st_size for path in (tmp_path / "p/journal").rglob("*.json")]
    assert LONGEST_MESSAGE < max(entries) < 2 * LONGEST_MESSAGE


def test_a_trial_that_closes_the_standard_error_fails_alone(tmp_path, monkeypatch):
    def first(trial):
        sys.stderr.close()
        raise ValueError("after that")

    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", open(tmp_path / "stderr", "w"))  # noqa: SIM115, PTH123
        tuner = searched(tmp_path, first)
    assert "after that" in assert_sound(tuner, "FAILED").message


def test_what_is_stored_of_an_odd_trial_is_strict_json(tmp_path):
    searched(tmp_path, lambda trial: {"loss": np.array([1.0]), 3: np.float64("inf"), "\ud800": 1})
    state = json.loads((tmp_path / "p/trials/0000/result.json").read_bytes(), parse_constant=fail)
    assert state["record"]["executions"][0]["metrics"] == {"loss": 1, "3": "Infinity", "\ud800": 1}


def fail(name):
    raise AssertionError(name)


LEAKING = """
import resource, sys
from tuner import BaseTuner, Objective
from tuner.oracles import RandomSearchOracle

class Holder:
    def __init__(self):
        self.me, self.files = self, []

class Leaking(BaseTuner):
    def run_trial(self, trial):
        trial.hyperparameters.Float("x", 0.0, 1.0)
        holder = Holder()
        try:
            while True: holder.files.append(open("/dev/null"))
        except OSError:
            return {"loss": 1.0}

resource.setrlimit(resource.RLIMIT_NOFILE, (200, 200))
oracle = RandomSearchOracle(Objective("loss", "min"), max_trials=3, seed=0)
Leaking(oracle, directory=sys.argv[1], project_name="p").search(search_verbose=0)
print([trial.status for trial in oracle.trials.values()])
"""


def test_files_that_a_trial_of_a_script_forgot_to_close_end_no_search(tmp_path):
    run = subprocess.run(
        [sys.executable, "-c", LEAKING, str(tmp_path)], capture_output=True, text=True, check=False
    )
    assert run.stdout == "['COMPLETED', 'COMPLETED', 'COMPLETED']\n", run.stderr
