"""Weights of an old project: its best models load, and trained trials are gone on with."""

import numpy as np
import pytest
from old_projects import (
    PROJECTS,
    copy_of,
    history_of,
    remove_trials,
    states_of,
    take,
)

from tuner import Hyperband, RandomSearch
from tuner.core.hyperparameters.sampling import values_key
from tuner.core.trial import TrialStatus


def build_model(hp):
    import keras

    kind = hp.Choice("kind", ["a", "b"])
    with hp.name_scope("opt"):
        rate = hp.Float("lr", 1e-4, 1e-1, sampling="log")
    hp.Fixed("fx", 7)
    hp.Boolean("bo")
    layers = [keras.Input((4,))]
    with hp.conditional_scope("kind", ["b"]):
        units = hp.Int("units_b", 4, 8, step=2)
        if kind == "b":
            layers.append(keras.layers.Dense(units, activation="relu"))
    model = keras.Sequential([*layers, keras.layers.Dense(1, activation="sigmoid")])
    model.compile(
        keras.optimizers.Adam(rate), "binary_crossentropy", metrics=["accuracy"], run_eagerly=True
    )
    return model


def data():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(32, 4))
    y = (x.sum(axis=1) > 0).astype("float32")
    return {"x": x, "y": y, "validation_split": 0.25, "epochs": 1, "verbose": 0}


@pytest.mark.story
def test_the_best_models_have_the_old_weights_and_the_search_goes_on(tmp_path):
    import h5py

    take(PROJECTS / "random_search", tmp_path)

    def tuner():
        return RandomSearch(
            build_model, "val_loss", 6, seed=0, directory=str(tmp_path), project_name="new"
        )

    models = tuner().get_best_models(2)
    for model, old_id in zip(models, ["0", "2"], strict=True):
        path = PROJECTS / "random_search" / f"trial_{old_id}" / "checkpoint.weights.h5"
        with h5py.File(path) as file:
            stored = [
                np.array(file["layers"][layer]["vars"][number])
                for layer in file["layers"]
                for number in sorted(file["layers"][layer]["vars"])
            ]
        weights = [np.array(w) for layer in model.layers for w in layer.weights]
        assert len(weights) == len(stored)
        for ours, theirs in zip(weights, stored, strict=True):
            np.testing.assert_array_equal(ours, theirs)

    before = states_of(history_of(tmp_path))
    going_on = tuner()
    going_on.search(**data())
    trials = list(going_on.oracle.trials.values())
    assert [t.trial_id for t in trials] == [f"{n:04d}" for n in range(6)]
    assert states_of(history_of(tmp_path))[:3] == before
    assert len({values_key(t.values) for t in trials}) == 6
    assert all("imported" not in t.record for t in trials[3:])


@pytest.mark.story
def test_a_promoted_trial_starts_from_imported_weights(tmp_path):
    old = copy_of("hyperband", tmp_path)
    remove_trials(old, ["0010", "0011", "0012", "0013", "0014"])
    take(old, tmp_path, "val_accuracy")
    tuner = Hyperband(
        build_model, "val_accuracy", 4, 2, seed=0, directory=str(tmp_path), project_name="new"
    )
    tuner.search(**data())
    trials = list(tuner.oracle.trials.values())
    assert len(trials) == 15
    assert all(trial.status == TrialStatus.COMPLETED for trial in trials)
    assert [trial.budget.parent for trial in trials[9:12]] == [None, "0008", "0009"]


@pytest.mark.parametrize(
    ("files", "says"),
    [
        ([], "left no weights"),
        (["checkpoint", "checkpoint.index", "checkpoint.data-00000-of-00001"], "TensorFlow"),
        (["model.pickle"], r"model\.pickle"),
        (["checkpoint.weights.h5"], "damaged"),
    ],
)
def test_weights_that_cannot_be_taken_are_reported_and_the_trial_is_kept(files, says, tmp_path):
    old = copy_of("random_search", tmp_path)
    whole = (old / "trial_0" / "checkpoint.weights.h5").read_bytes()
    (old / "trial_0" / "checkpoint.weights.h5").unlink()
    for name in files:
        (old / "trial_0" / name).write_bytes(whole[: len(whole) // 2])
    imported, history = take(old, tmp_path)
    assert "checkpoint" not in history.trials["0000"].record
    assert history.trials["0000"].score == 0.6674767136573792
    assert (imported.checkpoints, imported.completed) == (1, 2)
    (note,) = imported.notes
    assert says.replace("\\", "") in note
    assert "0000" in note
