import json

from old_projects import PROJECTS, copy_of, edit
from typer.testing import CliRunner

from flows.cli import app
from flows.commands.import_keras_tuner import describe
from tuner.journal.project import Project
from tuner.keras_tuner.importing import import_keras_tuner


def trialflow(*words, status=0):
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == status, done.output
    return done


def test_an_import_says_what_it_took_and_what_to_do_next(tmp_path):
    command = "import-keras-tuner", PROJECTS / "hyperband", tmp_path / "new"
    said = trialflow(*command, "--objective", "val_accuracy").stdout
    assert "Imported 15 trials" in said
    assert "15 completed, 0 failed, 0 to run again; weights of 15" in said
    assert "best: trial 0006, val_accuracy 0.8125" in said
    assert "Hyperband(max_epochs=4, factor=2, hyperband_iterations=1)" in said
    assert f"--directory {tmp_path} --project-name new" in said
    assert "0006" in trialflow("best", tmp_path / "new").stdout


def test_what_was_left_out_is_said(tmp_path):
    old = copy_of("random_search", tmp_path)
    (old / "trial_0" / "checkpoint.weights.h5").rename(old / "trial_0" / "checkpoint.index")
    said = describe(import_keras_tuner(old, tmp_path, "new", "val_loss"))
    assert "Left out, or odd:" in said
    assert "TensorFlow" in said


def test_json_is_one_object(tmp_path):
    command = "import-keras-tuner", PROJECTS / "random_search", tmp_path / "new"
    said = trialflow(*command, "--objective", "val_loss", "--json").stdout
    state = json.loads(said)
    assert (state["completed"], state["failed"], state["best_trial_id"]) == (2, 1, "0000")


def test_several_objectives_and_directions_are_given_in_order(tmp_path):
    old = copy_of("random_search", tmp_path)
    for trial_id in ("0", "2"):

        def several(state):
            values = {
                k: m["observations"][0]["value"][0] for k, m in state["metrics"]["metrics"].items()
            }
            state["score"] = values["val_loss"] - values["val_accuracy"]

        edit(old / f"trial_{trial_id}" / "trial.json", several)
    command = ["import-keras-tuner", old, tmp_path / "new"]
    names = ["--objective", "val_loss", "--objective", "val_accuracy"]
    few = trialflow(*command, *names, "--direction", "min", status=1)
    assert "2 objectives, 1 directions" in few.stderr
    trialflow(*command, *names, "--direction", "min", "--direction", "max")
    assert Project(str(tmp_path), "new").info().objective == {
        "objectives": [
            {"name": "val_accuracy", "direction": "max"},
            {"name": "val_loss", "direction": "min"},
        ]
    }


def test_a_direction_the_trials_contradict_is_refused(tmp_path):
    command = "import-keras-tuner", PROJECTS / "random_search", tmp_path / "new"
    options = "--objective", "val_loss", "--direction", "max"
    assert "direction='max'" in trialflow(*command, *options, status=1).stderr
    assert not (tmp_path / "new").exists()


def test_a_project_that_exists_is_refused(tmp_path):
    import_keras_tuner(PROJECTS / "random_search", tmp_path, "new", "val_loss")
    command = "import-keras-tuner", PROJECTS / "random_search", tmp_path / "new"
    refused = trialflow(*command, "--objective", "val_loss", status=1)
    assert "there is one" in refused.stderr
