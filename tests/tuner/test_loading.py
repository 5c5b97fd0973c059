"""Models that are loaded by the project's URL alone, without the study."""

import keras
import numpy as np
import pytest

from tuner import RandomSearch, load_best_models

X = np.random.default_rng(0).normal(size=(32, 3)).astype("float32")
Y = X.sum(axis=1, keepdims=True)


class Times(keras.layers.Layer):
    def __init__(self, factor=1.0, **kwargs):
        super().__init__(**kwargs)
        self.factor = factor

    def call(self, inputs):
        return inputs * self.factor

    def get_config(self):
        return {**super().get_config(), "factor": self.factor}


def squared(y, prediction):
    return keras.ops.mean((y - prediction) ** 2)


def build(hp):
    units = hp.Int("units", 1, 4)
    layers = [keras.Input((3,)), keras.layers.Dense(units), Times(3.0), keras.layers.Dense(1)]
    model = keras.Sequential(layers)
    model.compile("sgd", squared)
    return model


def test_objects_of_the_users_own_are_named_and_taken_by_name(tmp_path):
    tuner = RandomSearch(
        build, objective="loss", max_trials=1, seed=0, directory=str(tmp_path), project_name="own"
    )
    tuner.search(X, Y, epochs=1, verbose=0)
    url = tuner.search_project.url
    with pytest.raises(ValueError, match=r"class 'Times'") as caught:
        load_best_models(url)
    assert "'layers'" not in str(caught.value)  # no config
    with pytest.raises(ValueError, match=r"\['Times'\] \(Could not locate function 'squared'\)"):
        load_best_models(url, custom_objects={"Times": Times})
    own = {"Times": Times, "squared": squared}
    model = load_best_models(url, custom_objects=own)[0]
    assert model.loss is squared
    expected = tuner.get_best_models()[0].predict(X, verbose=0)
    assert np.array_equal(model.predict(X, verbose=0), expected)


def test_a_trial_that_is_cut_off_when_its_training_is_done_keeps_all_that_is_known_of_it(tmp_path):
    class CutOff(RandomSearch):
        left = 1

        def run_trial(self, trial, *args, **kwargs):
            results = super().run_trial(trial, *args, **kwargs)
            if self.left:
                self.left -= 1
                raise KeyboardInterrupt
            return results

    def searched(name, tuner_class):
        tuner = tuner_class(
            build,
            objective="loss",
            max_trials=1,
            directory=str(tmp_path),
            project_name=name,
            seed=0,
        )
        if tuner_class is CutOff:
            with pytest.raises(KeyboardInterrupt):
                tuner.search(X, Y, epochs=1, verbose=0)
            tuner._build_and_fit_model = None  # nothing is trained again
        tuner.search(X, Y, epochs=1, verbose=0)
        return tuner.search_project.read_record("0000")

    straight, resumed = searched("straight", RandomSearch), searched("resumed", CutOff)
    assert resumed.keys() == straight.keys()
    for name in ("model_size", "model_config", "build_config"):
        assert resumed[name] == straight[name]
