"""Studies that are edited between two runs, and while one runs, on a real server."""

import json
import shutil
import signal

import pytest
from support import STUDIES, finish, output_of, wait_until

from tuner.journal.reading import read_project

pytestmark = pytest.mark.story

NUMBERS = """
from pathlib import Path
import time

from tuner import BaseTuner, HyperParameters, Objective
from tuner.oracles import RandomSearchOracle

LOW, HIGH = 0.0, 1.0


class Numbers(BaseTuner):
    def run_trial(self, trial):
        while int(trial.trial_id) > 1 and not Path("go_on").exists():
            self.oracle.check_not_interrupted()
            time.sleep(0.05)
        return {"loss": trial.hyperparameters.get("x")}


def build_tuner(**project):
    space = HyperParameters()
    space.Float("x", LOW, HIGH)
    oracle = RandomSearchOracle(
        Objective("loss", "min"), max_trials=6, seed=4, hyperparameters=space
    )
    return Numbers(oracle, **project)
"""

BROKEN = """
import numpy as np


def build_model(hp):
    import keras

    rate = hp.Float("rate", 1e-3, 1e-1, sampling="log", default=0.01)
    if rate != 0.01:
        raise ValueError("a layer is missing")  # not for the defaults, by which it is declared
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(rate), "mse", run_eagerly=True)
    return model


def load_data():
    x = np.ones((8, 2))
    return {"x": x, "y": x.sum(1), "validation_split": 0.25, "epochs": 2, "verbose": 0}


def build_tuner(**project):
    from tuner import RandomSearch

    return RandomSearch(build_model, objective="val_loss", max_trials=5, seed=5, **project)
"""


def test_a_space_that_is_edited_in_mid_search_is_that_of_the_trials_to_come(trialflow, tmp_path):
    study = tmp_path / "edited.py"
    study.write_text(NUMBERS)
    project = tmp_path / "results" / "edited"
    search = trialflow("search", "edited.py", "--slots", 2)
    wait_until(lambda: read_when_there(project) >= 2, search)
    study.write_text(NUMBERS.replace("LOW, HIGH = 0.0, 1.0", "LOW, HIGH = 0.25, 0.75"))
    # What runs knows nothing of it.
    wait_until(lambda: len(read_project(project)[1].running) == 2, search)
    search.send_signal(signal.SIGTERM)
    _, err = output_of(search)
    assert search.returncode == 143, err
    before = read_project(project)[1]
    assert {trial.trial_id for trial in before.running.values()} == {"0002", "0003"}

    (tmp_path / "go_on").touch()
    out = finish(trialflow("search", "edited.py", "--slots", 2))
    told = "The space has changed: x: bounds [0.25, 0.75] (was [0.0, 1.0])."
    assert told in out
    after = read_project(project)[1]
    counted = [trial for trial in after.trials.values() if after.counts(trial)]
    assert len(counted) == 6
    assert all(0.25 <= trial.values["x"] <= 0.75 for trial in counted)
    assert after.best.score == min(trial.score for trial in counted)
    for trial_id, trial in before.trials.items():  # nothing of before is lost
        assert after.trials[trial_id].values == trial.values
    inside = [t.trial_id for t in before.trials.values() if 0.25 <= t.values["x"] <= 0.75]
    assert [t.trial_id for t in counted][: len(inside)] == inside
    again = finish(trialflow("search", "edited.py"))
    assert "Nothing was trained" in again
    assert "The space has changed" not in again


def read_when_there(project):
    """How many trials of a project have ended."""
    try:
        return len(read_project(project)[1].end_order)
    except FileNotFoundError:
        return 0


def test_trials_that_failed_are_tried_again_once_their_study_is_mended(trialflow, tmp_path):
    study = tmp_path / "mended.py"
    study.write_text(BROKEN)
    search = trialflow("search", "mended.py")
    out, err = output_of(search)
    assert search.returncode == 1, out + err
    assert "a layer is missing" in err
    project = tmp_path / "results" / "mended"
    failed = read_project(project)[1]
    assert (failed.failed, failed.completed) == (3, 0)

    study.write_text(BROKEN.replace("if rate != 0.01:", "if rate == 7:"))
    out = finish(trialflow("search", "mended.py"))
    assert (
        "Tried again, the study's code has changed since they failed: trials 0000, 0001, 0002."
        in out
    )
    mended = read_project(project)[1]
    assert (mended.failed, mended.completed) == (0, 5)
    for trial_id, trial in failed.trials.items():
        assert mended.trials[trial_id].values == trial.values


def test_an_objective_that_no_epoch_has_costs_neither_a_trial_nor_the_project(trialflow, tmp_path):
    shutil.copy(STUDIES / "tiny.py", tmp_path / "tiny.py")
    wrong = ["--objective", "val_mea", "--direction", "min"]
    search = trialflow("search", "tiny.py", *wrong)
    out, err = output_of(search)
    assert search.returncode == 1, out + err
    assert "Error: Expected the objective, val_mea, among the metrics of an epoch" in err
    assert "in the first one: loss, val_loss." in err
    assert "Traceback" not in err
    left = read_project(tmp_path / "results" / "tiny")[1]
    assert (left.failed, left.completed, len(left.running)) == (0, 0, 1)

    finish(trialflow("search", "tiny.py", "--max-trials", 2))
    done = read_project(tmp_path / "results" / "tiny")[1]
    assert (done.failed, done.completed, len(done.trials)) == (0, 2, 2)


@pytest.fixture
def run(trialflow):
    """Runs a command; its JSON."""
    return lambda *words: json.loads(finish(trialflow(*words, "--json")))


def test_an_objective_is_changed_and_every_command_knows_it(run, tmp_path):
    shutil.copy(STUDIES / "measured.py", tmp_path / "edited.py")
    project = tmp_path / "results" / "edited"
    first = run("search", "edited.py")
    assert (first["objective"], first["completed"]) == ("loss", 4)

    told = ["--objective", "size", "--direction", "max"]
    size = run("search", "edited.py", *told, "--max-trials", 5)
    assert (size["objective"], size["completed"], size["trained"]) == ("size", 5, 1)
    history = read_project(project)[1]
    scores = {trial_id: trial.score for trial_id, trial in history.trials.items()}
    assert scores == {
        t: pytest.approx(2.5 - trial.values["x"]) for t, trial in history.trials.items()
    }
    assert size["best"]["score"] == max(scores.values())
    ranked = [row["score"] for row in run("status", project)["trials"]]
    assert sorted(ranked) == sorted(scores.values())
    assert run("best", project)["best"]["objectives"] == {"size": max(scores.values())}

    same = run("rerun", project, "0000")
    assert same["equal"], same["difference"]
