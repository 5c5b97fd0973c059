"""What the arguments of `Tuner` and of `search` do to Keras models."""

import logging
import subprocess
import sys
import threading

import keras
import numpy as np
import pytest

from tuner import GridSearch, HyperModel, Objective, RandomSearch, TrialStatus
from tuner.core.hyperparameters import Choice, Int
from tuner.errors import FatalValueError
from tuner.search.progress import Display

pytestmark = pytest.mark.story

RNG = np.random.default_rng(0)
X = RNG.normal(size=(48, 4))
Y = X @ np.array([1.0, -2.0, 3.0, 0.5])
DATA = {"x": X, "y": Y, "validation_split": 0.25, "epochs": 2, "verbose": 0}


def build(hp):
    model = keras.Sequential([keras.layers.Dense(hp.Int("units", 1, 9)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"], run_eagerly=True)
    return model


def build_with_input(hp):
    hidden = keras.layers.Dense(hp.Int("units", 1, 9))
    model = keras.Sequential([keras.Input((4,)), hidden, keras.layers.Dense(1)])
    model.compile("sgd", "mse", run_eagerly=True)
    return model


def make(directory, model=build, cls=RandomSearch, **options):
    options = {"objective": "val_loss", "seed": 1, "max_trials": 2, **options}
    return cls(model, directory=str(directory), project_name="p", **options)


def trials(tuner):
    return list(tuner.oracle.trials.values())


class Stubborn(keras.callbacks.Callback):
    """Cannot be deep-copied, as progress bars and writers cannot."""

    made = 0

    def __init__(self):
        super().__init__()
        self.lock = threading.Lock()
        type(self).made += 1


def test_callbacks_that_cannot_be_copied_may_be_made_by_a_function(tmp_path):
    tuner = make(tmp_path, executions_per_trial=2)
    with pytest.raises(FatalValueError, match="callbacks=lambda"):
        tuner.search(**DATA, callbacks=[Stubborn()])
    Stubborn.made = 0
    tuner.search(**DATA, callbacks=lambda: [Stubborn()])
    assert Stubborn.made == 4
    assert [t.status for t in trials(tuner)] == [TrialStatus.COMPLETED] * 2


@pytest.mark.parametrize("model", [build, build_with_input], ids=["built late", "built at once"])
def test_oversized_models_are_skipped_and_any_number_of_them_does_not_end_the_search(
    tmp_path, model
):
    # A unit takes 6 parameters, and the last bias one.
    hp_values = {"max_trials": 9, "max_model_size": 25, "max_consecutive_failed_trials": 2}
    tuner = make(tmp_path, model, GridSearch, **hp_values)
    tuner.search(**DATA)
    expected = [6 * n + 1 <= 25 for n in range(1, 10)]
    assert [t.status == TrialStatus.COMPLETED for t in trials(tuner)] == expected
    assert "Oversized model: 55" in trials(tuner)[-1].message
    assert all(t.infeasible for t in trials(tuner) if t.status == TrialStatus.FAILED)
    assert len(tuner.get_best_models(9)) == sum(expected)


def test_an_optimizer_given_to_the_tuner_trains_every_model(tmp_path):
    tuner = make(
        tmp_path,
        max_trials=3,
        optimizer=keras.optimizers.Adam(0.25),
        loss="mae",
        metrics=["mse"],
    )
    tuner.search(**DATA)
    assert [t.status for t in trials(tuner)] == [TrialStatus.COMPLETED] * 3
    model = tuner.get_best_models()[0]
    assert float(model.optimizer.learning_rate) == 0.25
    assert model.loss == "mae"
    assert {"loss", "mse", "val_mse"} <= set(trials(tuner)[0].metrics.metrics)
    assert "mae" not in trials(tuner)[0].metrics.metrics


def test_a_model_that_was_not_compiled_is_compiled_by_the_tuner(tmp_path):
    def bare(hp):
        return keras.Sequential([keras.layers.Dense(hp.Int("units", 1, 9)), keras.layers.Dense(1)])

    tuner = make(tmp_path, bare, optimizer="adam", loss="mse")
    tuner.search(**DATA)
    assert [t.status for t in trials(tuner)] == [TrialStatus.COMPLETED] * 2


def test_hyperparameters_among_the_arguments_of_search_are_searched(tmp_path):
    seen = []

    class Watching(HyperModel):
        def build(self, hp):
            return build_with_input(hp)

        def fit(self, hp, model, *args, **kwargs):
            seen.append((kwargs["batch_size"], kwargs["epochs"]))
            return super().fit(hp, model, *args, **kwargs)

    tuner = make(tmp_path, Watching(), max_trials=6)
    sizes = Choice("batch_size", [8, 16, 24])
    tuner.search(**{**DATA, "epochs": Int("epochs", 1, 3)}, batch_size=sizes)
    values = [(t.values["batch_size"], t.values["epochs"]) for t in trials(tuner)]
    assert seen == values
    assert len(set(values)) > 2


def test_each_fold_is_left_out_once_and_the_score_is_their_mean(tmp_path):
    held = []

    class Watching(HyperModel):
        def build(self, hp):
            return build_with_input(hp)

        def fit(self, hp, model, *args, **kwargs):
            assert len(kwargs["x"]) == len(kwargs["sample_weight"]) == 36
            held.append(kwargs["validation_data"][0])
            return super().fit(hp, model, *args, **kwargs)

    tuner = make(tmp_path, Watching(), cross_validation=4)
    data = {name: DATA[name] for name in ("epochs", "verbose")}
    tuner.search(X, Y, sample_weight=np.ones(48), **data)
    assert len(held) == 8
    assert sorted(map(tuple, np.concatenate(held[:4]))) == sorted(map(tuple, X))
    np.testing.assert_array_equal(held[:4], held[4:])  # every trial on the same folds
    scores = trials(tuner)[0].record["scores"]
    assert len(set(scores)) == 4
    assert trials(tuner)[0].score == pytest.approx(np.mean(scores))
    with pytest.raises(FatalValueError, match="validation_split"):
        make(tmp_path / "2", cross_validation=2).search(**DATA)
    with pytest.raises(ValueError, match="cross_validation=1"):
        make(tmp_path / "3", cross_validation=1)


def test_a_splitter_of_scikit_learn_may_make_the_folds(tmp_path):
    from sklearn.model_selection import TimeSeriesSplit

    tuner = make(tmp_path, max_trials=1, cross_validation=TimeSeriesSplit(3))
    tuner.search(X, Y, epochs=1, verbose=0)
    assert len(trials(tuner)[0].record["scores"]) == 3


def test_the_results_are_tables_of_trials_executions_and_epochs(tmp_path):
    tuner = make(tmp_path, executions_per_trial=2)
    tuner.search(**DATA)
    found = tuner.results()
    assert found["score"].to_pylist() == [t.score for t in trials(tuner)]
    assert found["hp.units"].to_pylist() == [t.values["units"] for t in trials(tuner)]
    executions = tuner.results("executions")
    assert len(executions) == 4
    epochs = tuner.results("epochs")
    assert len(epochs) == 8
    best = min(epochs["metric.val_loss"].to_pylist()[:2])
    assert executions["metric.val_loss"].to_pylist()[0] == pytest.approx(best)
    with pytest.raises(ValueError, match="level='folds'"):
        tuner.results("folds")


def test_several_objectives_give_a_front(tmp_path):
    tuner = make(
        tmp_path, objective=[Objective("val_loss", "min"), Objective("mae", "max")], max_trials=5
    )
    tuner.search(**DATA)
    points = [
        (t.metrics.get_best_value("val_loss"), -t.metrics.get_best_value("mae"))
        for t in trials(tuner)
    ]
    front = {
        t.trial_id
        for t, p in zip(trials(tuner), points, strict=True)
        if not any(q != p and q[0] <= p[0] and q[1] <= p[1] for q in points)
    }
    assert {t.trial_id for t in tuner.get_pareto_trials()} == front
    assert tuner.get_pareto_trials()[0].trial_id == tuner.oracle.get_best_trials()[0].trial_id


def test_a_tensorboard_callback_writes_a_folder_for_each_execution(tmp_path):
    pytest.importorskip("tensorboard")
    tuner = make(tmp_path / "p", executions_per_trial=2, max_trials=1)
    tuner.search(**DATA, callbacks=[keras.callbacks.TensorBoard(tmp_path / "logs")])
    for execution in range(2):
        folder = tmp_path / "logs" / "0000" / f"execution{execution}"
        assert list(folder.glob("**/events*")), execution
    text = b"".join(p.read_bytes() for p in (tmp_path / "logs").glob("**/events*"))
    assert b"hparams" in text
    assert b"units" in text


def test_without_a_tensorboard_callback_tensorboard_is_not_imported(tmp_path):
    script = f"""
import sys
sys.modules["tensorboard"] = None  # importing it raises
import keras, numpy as np
from tuner import RandomSearch
def build(hp):
    model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(hp.Int("units", 1, 1))])
    model.compile("sgd", "mse")
    return model
tuner = RandomSearch(build, "loss", 1, directory={str(tmp_path)!r}, project_name="p")
tuner.search(np.ones((8, 4)), np.ones((8, 1)), verbose=0)
assert tuner.oracle.end_order == ["0000"], tuner.oracle.trials["0000"].message
assert tuner.oracle.get_best_trials()
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_the_call_s_arguments_win_over_those_of_an_earlier_call_and_that_is_said(
    tmp_path, caplog, capsys
):
    make(tmp_path, max_trials=1).search(**DATA)
    tuner = make(tmp_path, max_trials=3, seed=9, max_retries_per_trial=2)
    with caplog.at_level(logging.INFO, "tuner"):
        tuner.search(**DATA, search_verbose=1)
    changes = ("max_trials=3 (was 1)", "seed=9 (was 1)", "max_retries_per_trial=2 (was 0)")
    shown = capsys.readouterr().out
    for change in changes:
        assert change in caplog.text
        assert change in shown
    assert len(trials(tuner)) == 3


@pytest.mark.parametrize(
    ("options", "bars", "lines"),
    [
        ({}, False, 1),
        ({"verbose": 1}, False, 1),
        ({"verbose": 2}, False, 3),
        ({"verbose": 1, "search_verbose": 0}, True, 0),
        ({"verbose": 2, "search_verbose": 1}, True, 1),
    ],
)
def test_keras_leaves_out_its_bars_where_the_search_shows_what_they_would(
    tmp_path, capsys, options, bars, lines
):
    data = {name: value for name, value in DATA.items() if name != "verbose"}
    make(tmp_path, max_trials=1).search(**data, **options)
    shown = capsys.readouterr().out
    assert ("Epoch 1/2" in shown) == bars
    assert len([line for line in shown.splitlines() if "] trial " in line]) == lines


def test_a_fit_of_the_user_s_own_that_asks_for_bars_gets_them(tmp_path, capsys):
    class Loud(HyperModel):
        def build(self, hp):
            return build(hp)

        def fit(self, hp, model, *args, **kwargs):
            return model.fit(*args, verbose=2, **kwargs)

    data = {name: value for name, value in DATA.items() if name != "verbose"}
    make(tmp_path, Loud(), max_trials=1).search(**data)
    assert "Epoch 1/2" in capsys.readouterr().out


def test_a_model_without_weights_is_a_clear_error(tmp_path):
    class Own(RandomSearch):
        def run_trial(self, trial, **kwargs):
            return float(self.hypermodel.build(trial.hyperparameters).name != "")

    tuner = make(tmp_path, cls=Own, objective=None)
    tuner.search(verbose=0)
    with pytest.raises(LookupError, match="Expected weights of trial 0000"):
        tuner.get_best_models()


def test_weights_that_a_subclass_has_saved_by_itself_are_loaded(tmp_path):
    class Own(RandomSearch):
        def run_trial(self, trial, x, y, **kwargs):
            model = self.hypermodel.build(trial.hyperparameters)
            path = self._get_checkpoint_fname(trial.trial_id)
            save = keras.callbacks.ModelCheckpoint(path, save_weights_only=True)
            return model.fit(x, y, callbacks=[save], **kwargs)

    tuner = make(tmp_path, build_with_input, cls=Own)
    tuner.search(**DATA)
    best = tuner.get_best_models()[0]
    score = tuner.oracle.get_best_trials()[0].metrics.get_history("val_loss")[0].mean()
    assert best.evaluate(X[36:], Y[36:], verbose=0) == pytest.approx(score, rel=1e-5)


class Watched(Display):
    redraws = True

    def __init__(self, oracle):
        super().__init__(oracle)
        self.told = []

    def batch_ended(self, trial, epoch, batch, params):
        self.told.append((trial.trial_id, epoch, batch, params["epochs"], params["steps"]))


def test_a_display_that_is_redrawn_is_told_of_every_batch(tmp_path, monkeypatch):
    shown = []

    def watched(oracle, **_):
        shown.append(Watched(oracle))
        return shown[-1]

    monkeypatch.setattr("tuner.tuners.base_tuner.display_for", watched)
    make(tmp_path, max_trials=1).search(**{**DATA, "verbose": 1}, batch_size=12)
    batches = [(epoch, batch) for epoch in range(2) for batch in range(3)]
    assert shown[0].told == [("0000", epoch, batch, 2, 3) for epoch, batch in batches]
