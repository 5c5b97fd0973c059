"""A Keras search that is cut off, and goes on with another objective."""

import keras
import numpy as np
import pytest

from tuner import RandomSearch
from tuner.journal.executions import curve

pytestmark = pytest.mark.story

RNG = np.random.default_rng(0)
X = RNG.normal(size=(32, 4))
Y = (X @ np.array([1.0, -2.0, 3.0, 0.5]) > 0).astype("float32")
DATA = {"x": X, "y": Y, "validation_split": 0.25, "epochs": 3, "verbose": 0}


def build(hp):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1, activation="sigmoid")])
    rate = hp.Float("rate", 0.1, 10.0, sampling="log")
    model.compile(keras.optimizers.SGD(rate), "bce", metrics=["accuracy"], run_eagerly=True)
    return model


class CutOff(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 1:
            raise KeyboardInterrupt


def test_a_cut_off_search_goes_on_with_a_metric_that_its_trials_have_recorded(tmp_path, capsys):
    def tuner(objective, max_trials):
        options = {"max_trials": max_trials, "executions_per_trial": 2, "seed": 1}
        place = {"directory": str(tmp_path), "project_name": "p", "checkpoint_every": 1}
        return RandomSearch(build, objective=objective, **options, **place)

    tuner("val_accuracy", 2).search(**DATA)
    with pytest.raises(KeyboardInterrupt):
        tuner("val_accuracy", 3).search(**DATA, callbacks=lambda: [CutOff()])
    with pytest.raises(ValueError, match="one of accuracy, loss, val_accuracy, val_loss"):
        tuner("val_auc", 3).search(**DATA)

    again = tuner("val_loss", 4)
    again.search(**DATA, search_verbose=1)
    kept = "The weights that each has kept are of its best epoch by what it ran for."
    assert f"2 trials are scored anew. {kept} 1 trial is begun anew." in capsys.readouterr().out

    trials = again.oracle.trials
    assert {trial.status for trial in trials.values()} == {"COMPLETED"}
    assert len(trials) == 4
    for trial_id, trial in trials.items():
        executions = again.project.read_result(trial_id)["record"]["executions"]
        lowest = [min(logs["val_loss"] for _, logs in curve(each)) for each in executions]
        assert trial.score == pytest.approx(np.mean(lowest))
        assert [len(each["epochs"]) for each in executions] == [3, 3]
    scores = [trial.score for trial in again.oracle.get_best_trials(4)]
    assert scores == sorted(scores)
    # What ran after the change has the weights of its best epoch by the new objective.
    for trial_id in ("0002", "0003"):
        executions = again.project.read_result(trial_id)["record"]["executions"]
        lowest = min(logs["val_loss"] for each in executions for _, logs in curve(each))
        model = again.load_model(trials[trial_id])
        assert model.evaluate(X[24:], Y[24:], verbose=0)[0] == pytest.approx(lowest, rel=1e-4)
