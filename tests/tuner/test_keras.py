"""Tuning Keras models in this process."""

import math

import keras
import numpy as np
import pytest

from storage import CorruptError
from tuner import Hyperband, HyperModel, RandomSearch, Tuner
from tuner.errors import FatalTypeError, FatalValueError
from tuner.oracles import RandomSearchOracle

pytestmark = pytest.mark.story

RNG = np.random.default_rng(0)
X = RNG.normal(size=(48, 4))
Y = X @ np.array([1.0, -2.0, 3.0, 0.5])
DATA = {"x": X, "y": Y, "validation_split": 0.25, "epochs": 3, "verbose": 0}


def build(hp):
    layers = [keras.Input((4,))]
    hidden = hp.Boolean("hidden")
    with hp.conditional_scope("hidden", [True]):
        units = hp.Int("units", 2, 8)
    if hidden:
        layers.append(keras.layers.Dense(units, activation="relu"))
    model = keras.Sequential([*layers, keras.layers.Dense(1)])
    model.compile(
        keras.optimizers.SGD(hp.Float("rate", 1e-3, 3e-2, sampling="log")), "mse", run_eagerly=True
    )
    return model


def make(directory, model=build, cls=RandomSearch, **options):
    options = {"objective": "val_loss", "seed": 1, **options}
    if not issubclass(cls, Hyperband):
        options = {"max_trials": 2, **options}
    return cls(model, directory=str(directory), project_name="p", **options)


def executions_of(tuner, trial):
    return tuner.project.read_result(trial.trial_id)["record"]["executions"]


def test_every_hyperparameter_is_met_before_the_first_trial(tmp_path):
    tuner = make(tmp_path)
    assert [p.name for p in tuner.oracle.get_space().space] == ["hidden", "units", "rate"]


def test_the_best_model_has_the_weights_of_the_best_epoch_of_all_executions(tmp_path):
    tuner = make(tmp_path, executions_per_trial=2, max_trials=1)
    tuner.search(**DATA)
    trial = tuner.oracle.get_best_trials()[0]
    executions = executions_of(tuner, trial)
    curves = [execution["history"]["val_loss"] for execution in executions]
    assert len(curves) == 2
    assert trial.score == pytest.approx(np.mean([min(curve) for curve in curves]))
    best = tuner.get_best_models()[0]
    again = best.evaluate(X[36:], Y[36:], verbose=0)
    assert again == pytest.approx(min(min(curve) for curve in curves), rel=1e-5)


def test_a_model_is_loaded_in_a_fresh_tuner_from_its_project_alone(tmp_path):
    first = make(tmp_path)
    first.search(**DATA)
    predicted = first.get_best_models()[0].predict(X, verbose=0)
    second = make(tmp_path)
    assert np.array_equal(second.get_best_models()[0].predict(X, verbose=0), predicted)


def test_a_model_without_an_input_shape_is_built_before_its_weights_are_loaded(tmp_path):
    def lazy(hp):
        model = keras.Sequential([keras.layers.Dense(hp.Int("units", 2, 4)), keras.layers.Dense(1)])
        model.compile("sgd", "mse", run_eagerly=True)
        return model

    tuner = make(tmp_path, lazy, max_trials=1)
    tuner.search(**DATA)
    assert len(make(tmp_path, lazy, max_trials=1).get_best_models()[0].weights) == 4


def test_a_checkpoint_that_was_changed_is_not_loaded(tmp_path):
    tuner = make(tmp_path, max_trials=1)
    tuner.search(**DATA)
    path = next((tmp_path / "p" / "trials").rglob("checkpoint-*"))
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(CorruptError, match="checkpoint"):
        tuner.get_best_models()


def test_the_same_seed_builds_the_same_initial_weights(tmp_path):
    seen = []

    class Peek(HyperModel):
        def build(self, hp):
            model = build(hp)
            seen.append(model.get_weights()[0])
            return model

        def fit(self, hp, model, *args, **kwargs):
            seen.append(model.get_weights()[0])
            return 1.0

    for name in ("a", "b"):
        seen.clear()
        make(tmp_path / name, Peek(), executions_per_trial=2, max_trials=1).search()
        first, second = seen[-3], seen[-1]
        assert not np.array_equal(first, second)  # executions differ
        if name == "a":
            kept = (first, second)
    assert np.array_equal(kept[0], first)
    assert np.array_equal(kept[1], second)


def test_hyperband_goes_on_from_the_parents_end_at_the_parents_epoch(tmp_path):
    starts, ends = {}, {}

    def everything(model):
        return [v.numpy() for v in (*model.variables, *model.optimizer.variables)]

    class Watched(Hyperband):
        def on_epoch_begin(self, trial, model, epoch, logs=None):
            starts.setdefault(trial.trial_id, (epoch, everything(model)))

        def on_epoch_end(self, trial, model, epoch, logs=None):
            ends[trial.trial_id] = everything(model)

    tuner = make(tmp_path, cls=Watched, max_epochs=4, factor=2)
    tuner.search(**DATA)
    promoted = [t for t in tuner.oracle.trials.values() if t.budget.parent]
    assert promoted
    for trial in promoted:
        epoch, begun = starts[trial.trial_id]
        parent = tuner.oracle.get_trial(trial.budget.parent)
        assert epoch == trial.budget.initial_epoch == parent.budget.epochs
        assert all(np.array_equal(a, b) for a, b in zip(begun, ends[parent.trial_id], strict=True))
        assert len(executions_of(tuner, trial)[0]["epochs"]) == trial.budget.epochs - epoch
        # Nobody is promoted from the top, so nothing is left there.
        assert ("ends" in trial.record) == (trial.budget.epochs < 4)


def test_a_promoted_trial_whose_parents_end_is_gone_goes_on_from_its_best_weights(tmp_path, caplog):
    starts = {}

    class Watched(Hyperband):
        def on_epoch_begin(self, trial, model, epoch, logs=None):
            starts.setdefault(trial.trial_id, model.get_weights())

        def on_trial_end(self, trial):
            super().on_trial_end(trial)
            for path in (tmp_path / "p" / "trials").rglob("end-*"):
                path.unlink()

    tuner = make(tmp_path, cls=Watched, max_epochs=2, factor=2)
    tuner.search(**DATA)
    promoted = [t for t in tuner.oracle.trials.values() if t.budget.parent]
    assert promoted
    for trial in promoted:
        kept = tuner.load_model(tuner.oracle.get_trial(trial.budget.parent)).get_weights()
        begun = starts[trial.trial_id]
        assert all(np.array_equal(a, b) for a, b in zip(begun, kept, strict=True))
    assert "not from its last" in caplog.text


def test_a_trials_model_is_built_one_way_whatever_the_process_has_built_before(tmp_path):
    def build_counted(hp):
        dropout = keras.layers.Dropout(0.1)  # dropout, dropout_1, ...: Keras counts them
        units = hp.Int(f"{dropout.name}_units", 2, 64)
        hidden = hp.Boolean("hidden")
        with hp.conditional_scope("hidden", [True]):
            hidden = hidden and hp.Int("hidden_units", 2, 4)
        more = [keras.layers.Dense(hidden)] if hidden else []
        layers = [keras.Input((4,)), keras.layers.Dense(units), dropout, *more]
        model = keras.Sequential([*layers, keras.layers.Dense(1)])
        model.compile("sgd", "mse", run_eagerly=True)
        return model

    keras.layers.Dropout(0.1)
    tuner = make(tmp_path, build_counted, max_trials=3)
    names = ["dropout_units", "hidden", "hidden_units"]
    assert [p.name for p in tuner.oracle.get_space().space] == names
    tuner.search(**DATA)
    assert [p.name for p in make(tmp_path, build_counted).declaration().space.space] == names
    units = {t.trial_id: t.values["dropout_units"] for t in tuner.oracle.trials.values()}
    assert len(set(units.values())) == 3
    for trial in tuner.oracle.trials.values():
        assert tuner.load_model(trial).weights[0].shape == (4, units[trial.trial_id])
        assert set(trial.values) <= set(names)


def test_what_fit_returns_is_refused_in_its_name(tmp_path):
    class Fit(HyperModel):
        def build(self, hp):
            return build(hp)

        def fit(self, hp, model, *args, **kwargs):
            return "a"

    with pytest.raises(FatalTypeError, match=r"value of HyperModel\.fit\(\) to be one of"):
        make(tmp_path, Fit()).search(**DATA)


def test_hyperparameters_of_fit_are_searched_too(tmp_path):
    class Fit(HyperModel):
        def build(self, hp):
            return build(hp)

        def fit(self, hp, model, *args, **kwargs):
            size = hp.Choice("batch_size", [8, 16])
            return model.fit(*args, batch_size=size, **kwargs)

    tuner = make(tmp_path, Fit(), max_trials=3)
    tuner.search(**DATA)
    assert "batch_size" in tuner.get_best_hyperparameters()[0]
    assert "batch_size" in [p.name for p in tuner.oracle.get_space().space]


def test_batch_hooks_are_called_when_they_are_overridden(tmp_path):
    batches = []

    class Batches(RandomSearch):
        def on_batch_end(self, trial, model, batch, logs=None):
            batches.append(batch)

    make(tmp_path, cls=Batches, max_trials=1).search(**DATA)
    assert batches == [0, 1, 0, 1, 0, 1]


def test_callbacks_are_fresh_for_each_execution_and_those_that_cannot_be_copied_are_refused(
    tmp_path,
):
    total = []

    class Counts(keras.callbacks.Callback):
        seen = ()

        def on_epoch_end(self, epoch, logs=None):
            self.seen = (*self.seen, epoch)
            total.append(self.seen)

        def __deepcopy__(self, memo):
            return Counts()

    make(tmp_path, max_trials=1, executions_per_trial=2).search(**DATA, callbacks=[Counts()])
    assert max(len(seen) for seen in total) == 3

    class Stubborn(keras.callbacks.Callback):
        def __deepcopy__(self, memo):
            raise TypeError("no")

    with pytest.raises(FatalValueError, match="deep-copyable"):
        make(tmp_path / "b").search(**DATA, callbacks=[Stubborn()])


def test_what_is_no_model_ends_the_search_and_an_oversized_model_only_its_trial(tmp_path):
    with pytest.raises(FatalTypeError, match="Keras model"):
        make(tmp_path / "a", lambda hp: hp.Int("x", 1, 2)).search(**DATA)
    tuner = make(tmp_path / "b", max_model_size=5, max_trials=4)
    tuner.search(**DATA)
    sizes = {t.status: t.values["hidden"] for t in tuner.oracle.trials.values()}
    assert sizes["COMPLETED"] is False
    assert sizes.get("FAILED", True) is True


def test_compile_arguments_are_overridden(tmp_path):
    oracle = RandomSearchOracle("val_mae", max_trials=1, seed=1)
    tuner = Tuner(
        oracle, build, metrics=["mae"], loss="mae", directory=str(tmp_path), project_name="p"
    )
    tuner.search(**DATA)
    metrics = oracle.get_best_trials()[0].metrics
    assert metrics.get_best_value("val_mae") == pytest.approx(metrics.get_best_value("val_loss"))


def test_a_trial_whose_loss_is_nan_fails_and_the_search_goes_on(tmp_path):
    def explode(hp):
        model = build(hp)
        rate = hp.Choice("scale", [1e30, 1e-3])
        model.compile(keras.optimizers.SGD(rate), "mse", run_eagerly=True)
        return model

    tuner = make(tmp_path, explode, max_trials=4)
    tuner.search(**DATA)
    for trial in tuner.oracle.trials.values():
        exploded = trial.values["scale"] == 1e30
        assert (trial.status == "FAILED") == exploded
    models = tuner.get_best_models(4)
    assert len(models) == len(tuner.oracle.history.ranked()) < 4


def test_summaries_say_what_was_searched_and_found(tmp_path, capsys):
    tuner = make(tmp_path)
    tuner.search_space_summary()
    out = capsys.readouterr().out
    assert "Default search space size: 3" in out
    assert "rate (Float)" in out
    tuner.search(**{**DATA, "verbose": 2})
    out = capsys.readouterr().out
    assert "trial 0000: val_loss" in out
    assert "2/2 done, 0 running, 0 failed, best val_loss" in out
    tuner.results_summary(1)
    out = capsys.readouterr().out
    assert "Showing 1 best trials" in out
    assert f"Score: {tuner.oracle.get_best_trials()[0].score}" in out
    assert math.isfinite(tuner.oracle.get_best_trials()[0].score)
    tuner.oracle.get_best_trials()[0].summary()
    assert "Trial" in capsys.readouterr().out


def test_with_a_validation_every_other_epoch_the_best_epoch_is_one_of_those(tmp_path):
    tuner = make(tmp_path, max_trials=1)
    tuner.search(**{**DATA, "epochs": 6}, validation_freq=2)
    trial = tuner.oracle.get_best_trials()[0]
    history = executions_of(tuner, trial)[0]["history"]
    best = int(np.argmin(history["val_loss"]))
    assert trial.best_step == 2 * best + 1
    assert trial.metrics.get_best_value("loss") == pytest.approx(history["loss"][2 * best + 1])


def test_a_promoted_trial_whose_parent_left_no_weights_trains_from_the_start(tmp_path, caplog):
    epochs = []

    class Forgetful(Hyperband):
        def on_epoch_begin(self, trial, model, epoch, logs=None):
            if trial.budget.parent:
                epochs.append(epoch)

        def _has_weights(self, trial_id):
            return False

    tuner = make(tmp_path, cls=Forgetful, max_epochs=2, factor=2)
    tuner.search(**DATA)
    assert {0, 1} == set(epochs)
    assert "trains from its first epoch" in caplog.text
