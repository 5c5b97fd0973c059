"""An objective that never appears is told after the first epoch, and costs nothing."""

import keras
import numpy as np
import pytest

from tuner import HyperModel, RandomSearch
from tuner.errors import ObjectiveMissingError

pytestmark = pytest.mark.story

DATA = {"x": np.ones((8, 2)), "y": np.ones(8), "validation_split": 0.25, "epochs": 4, "verbose": 0}


def build(hp):
    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(hp.Float("rate", 1e-3, 1e-2)), "mse", run_eagerly=True)
    return model


def tuner_of(directory, objective="val_mae", model=build, **options):
    options = {"objective": objective, "max_trials": 2, "seed": 1, **options}
    return RandomSearch(model, directory=str(directory), project_name="p", **options)


def epochs_until_told(directory, tuner=None, **more):
    """How many epochs are trained until the error is told."""
    tuner = tuner or tuner_of(directory)
    counted = []
    original = keras.callbacks.History.on_epoch_end

    def count(self, epoch, logs=None):
        counted.append(epoch)
        original(self, epoch, logs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keras.callbacks.History, "on_epoch_end", count)
        with pytest.raises(ObjectiveMissingError, match="val_mae") as raised:
            tuner.search(**{**DATA, **more})
    return len(counted), str(raised.value)


def test_it_is_told_after_the_first_epoch_and_the_next_run_goes_on(tmp_path):
    epochs, said = epochs_until_told(tmp_path)
    assert epochs <= 1
    assert "in the first one: loss, val_loss. Name one of these" in said
    again = tuner_of(tmp_path, "val_loss")
    again.search(**DATA)
    assert [trial.status for trial in again.oracle.trials.values()] == ["COMPLETED"] * 2
    curves = again.project.read_result("0000")["record"]["executions"][0]["epochs"]
    assert curves == [0, 1, 2, 3]


def test_it_is_waited_for_until_the_first_validation(tmp_path):
    assert epochs_until_told(tmp_path, validation_freq=3)[0] in (2, 3)
    tuner_of(tmp_path / "right", "val_loss").search(**DATA, validation_freq=3)


class Later(keras.callbacks.Callback):
    def on_epoch_end(self, epoch, logs=None):
        if epoch == 3:
            logs["val_mae"] = 1.0


def test_what_a_callback_may_tell_later_is_waited_for(tmp_path):
    tuner_of(tmp_path).search(**DATA, callbacks=[Later()])
    stopping = keras.callbacks.EarlyStopping("val_loss", patience=9)
    other = epochs_until_told(tmp_path / "other", callbacks=[stopping])
    assert other[0] <= 1


class Fitting(HyperModel):
    told = None

    def build(self, hp):
        return build(hp)

    def fit(self, hp, model, *args, **kwargs):
        model.fit(*args, **kwargs)
        return self.told


def test_what_a_fit_of_the_user_s_own_gives_is_asked_at_its_end(tmp_path):
    model = Fitting()
    model.told = {"val_mae": 2.0}
    right = tuner_of(tmp_path / "right", model=model)
    right.search(**DATA)
    assert right.oracle.get_best_trials()[0].score == 2.0

    model.told = {"mae": 2.0}
    epochs, said = epochs_until_told(tmp_path, tuner_of(tmp_path, model=model))
    assert epochs == 4
    assert "Trial 0000 gave no result" in said
    # The study is mended, not its objective: what was measured before is not found again.
    model.told = {"val_mae": 3.0}
    mended = tuner_of(tmp_path, model=model)
    mended.search(**DATA)
    assert [trial.score for trial in mended.oracle.trials.values()] == [3.0, 3.0]


def test_a_tuner_that_scores_itself_is_asked_when_it_has(tmp_path):
    class Own(RandomSearch):
        def run_trial(self, trial, *args, **kwargs):
            return [{"val_mae": 1.0} for _ in super().run_trial(trial, *args, **kwargs)]

    options = {"objective": "val_mae", "max_trials": 1}
    tuner = Own(build, directory=str(tmp_path), project_name="p", **options)
    tuner.search(**DATA)
    assert tuner.oracle.get_best_trials()[0].score == 1.0
