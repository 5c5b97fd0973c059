"""The best configuration is trained on everything, as long as was best."""

import keras
import numpy as np
import pytest

from tuner import HyperModel, RandomSearch
from tuner.core.hyperparameters import Int
from tuner.results.models import refit

pytestmark = pytest.mark.story

RNG = np.random.default_rng(0)
X, X_VAL = RNG.normal(size=(32, 3)), RNG.normal(size=(8, 3))
Y, Y_VAL = X.sum(1), X_VAL.sum(1)


class Line(HyperModel):
    def __init__(self):
        super().__init__()
        self.fits = []

    def build(self, hp):
        model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(1)])
        rate = hp.Float("rate", 1e-3, 1e-1, sampling="log")
        model.compile(keras.optimizers.SGD(rate), "mse", run_eagerly=True)
        return model

    def fit(self, hp, model, **kwargs):
        self.fits.append(kwargs)
        return model.fit(**kwargs)


@pytest.fixture
def searched(tmp_path):
    line = Line()
    tuner = RandomSearch(line, "val_loss", 1, seed=0, directory=str(tmp_path), project_name="p")
    arguments = {"x": X, "y": Y, "validation_data": (X_VAL, Y_VAL), "epochs": 3, "verbose": 0}
    arguments |= {"batch_size": Int("batch_size", 4, 8), "callbacks": []}
    tuner.search(**arguments)
    return tuner, tuner.oracle.get_best_trials()[0], arguments, line


def test_all_rows_are_trained_on_for_as_many_epochs_as_was_best(searched):
    tuner, trial, arguments, line = searched
    trial.best_step = 1
    model = refit(tuner, trial, arguments)
    assert model.optimizer.learning_rate.numpy() == pytest.approx(trial.values["rate"])
    last = line.fits[-1]
    assert set(last) == {"x", "y", "epochs", "verbose", "batch_size"}
    assert last["epochs"] == 2
    assert last["batch_size"] == trial.values["batch_size"]
    np.testing.assert_array_equal(last["x"], np.concatenate([X, X_VAL]))
    np.testing.assert_array_equal(last["y"], np.concatenate([Y, Y_VAL]))


def test_a_split_is_simply_not_made(searched):
    tuner, trial, arguments, line = searched
    refit(tuner, trial, {**arguments, "validation_data": None, "validation_split": 0.5})
    assert len(line.fits[-1]["x"]) == len(X)
    assert "validation_split" not in line.fits[-1]


@pytest.mark.parametrize(
    "validation_data", [[1, 2], (X_VAL, Y_VAL, Y_VAL), (X_VAL.tolist(), Y_VAL), "generator"]
)
def test_what_cannot_be_joined_is_refused(searched, validation_data):
    tuner, trial, arguments, _ = searched
    with pytest.raises(TypeError, match="to be arrays"):
        refit(tuner, trial, {**arguments, "validation_data": validation_data})
