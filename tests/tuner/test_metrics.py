import json
import math
import subprocess
import sys

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tuner.core.jsonable import from_json, to_json
from tuner.core.metrics import (
    MAX_METRICS,
    MIN_METRICS,
    MetricHistory,
    MetricObservation,
    MetricsTracker,
    infer_metric_direction,
)

NUMBERS = st.floats() | st.integers(-9, 9)
NAN, INF = math.nan, math.inf


def history_of(*values, direction="min"):
    history = MetricHistory(direction)
    for step, value in enumerate(values):
        history.update(value, step)
    return history


# JSON.


@given(st.dictionaries(st.text("abc", max_size=2), st.lists(NUMBERS | st.lists(NUMBERS))))
def test_numbers_survive_strict_json(value):
    text = json.dumps(to_json(value), allow_nan=False)
    assert repr(from_json(json.loads(text))) == repr(value)


def test_numpy_and_tuples_become_json():
    value = {1: (np.float32(0.5), np.int64(2)), "a": np.array([1.0, NAN]), "b": np.bool_(True)}
    state = to_json(value)
    assert state == {"1": [0.5, 2], "a": [1.0, "NaN"], "b": True}
    assert state["b"] is True
    assert to_json(np.array(-INF)) == "-Infinity"


# Directions.


@pytest.mark.parametrize(
    ("name", "direction"),
    [
        ("loss", "min"),
        ("val_loss", "min"),
        ("accuracy", "max"),
        ("val_accuracy", "max"),
        ("acc", "max"),
        ("auc", "max"),
        ("AUC", "max"),
        ("mse", "min"),
        ("val_mae", "min"),
        ("weighted_acc", "max"),
        ("val_weighted_acc", "max"),
        ("val_mean_squared_error", "min"),
        ("sparse_top_k_categorical_accuracy", "max"),
        ("false_positives", "min"),
        ("crossentropy", "min"),
        ("val_f1_score", "max"),
        ("mean_io_u", "max"),
    ],
)
def test_the_direction_of_a_common_metric_is_known(name, direction):
    assert infer_metric_direction(name) == direction


def test_common_names_and_trackers_do_not_import_keras():
    script = (
        "import sys;"
        "from tuner.core.metrics import MetricsTracker, infer_metric_direction as direction;"
        "print(direction('val_loss'), direction('val_accuracy'));"
        "MetricsTracker().update('my_score', 1.0);"
        "print('keras' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    assert run.stdout.split() == ["min", "max", "False"]


@pytest.mark.story
def test_keras_is_asked_for_what_the_table_does_not_have():
    import keras

    def hausdorff(y_true, y_pred): ...

    assert infer_metric_direction("val_circle") == "min"
    assert infer_metric_direction("categorical_generalized_cross_entropy") == "min"
    assert infer_metric_direction(keras.metrics.AUC(name="mine")) == "max"
    assert infer_metric_direction(keras.metrics.BinaryAccuracy()) == "max"
    assert infer_metric_direction(keras.metrics.MeanMetricWrapper(keras.losses.hinge)) == "min"
    assert infer_metric_direction(keras.metrics.binary_accuracy) == "max"
    assert infer_metric_direction(keras.losses.MeanSquaredError) == "min"
    for unknown in ("get", "serialize", "my_score", "val_auc_1", "cosine_similarity", hausdorff):
        assert infer_metric_direction(unknown) is None


@pytest.mark.story
def test_the_table_holds_only_what_keras_has():
    import keras

    of_keras = {
        name.replace("_", "").lower()
        for module in (keras.metrics, keras.losses)
        for name in vars(module)
    }
    aliases = {"acc", "loss", "ce", "bce", "crossentropy", "mse", "mae", "mape", "msle", "rmse"}
    assert (MAX_METRICS | MIN_METRICS) - of_keras - aliases == {"kld"}
    assert MAX_METRICS.isdisjoint(MIN_METRICS)


# Observations.


def test_an_observation_is_the_mean_over_executions():
    given_values = [1.0, 2.0]
    observation = MetricObservation(given_values, step=3)
    observation.append(6)
    observation.append([7])
    assert observation.mean() == 4
    assert observation == MetricObservation([1.0, 2.0, 6, 7], 3)
    assert observation != MetricObservation([1.0, 2.0, 6, 7], 4)
    assert given_values == [1.0, 2.0]


def test_infinities_of_both_signs_have_no_mean_and_do_not_warn():
    assert math.isnan(MetricObservation([INF, -INF], 0).mean())


@given(st.lists(NUMBERS, min_size=1), st.integers(0, 99))
def test_an_observation_survives_strict_json(values, step):
    observation = MetricObservation(values, step)
    state = json.loads(json.dumps(observation.get_config(), allow_nan=False))
    assert MetricObservation.from_config(state) == observation


def test_non_finite_numbers_are_read_as_words_and_as_numbers():
    words = MetricObservation.from_config({"value": ["NaN", "-Infinity", 1], "step": 0})
    assert words == MetricObservation.from_config({"value": [NAN, -INF, 1], "step": 0})


# Histories.


def test_the_best_value_is_the_best_mean_of_a_step_and_its_first_step():
    history = history_of([3, 5], 2, 4, 2)
    assert (history.get_best_value(), history.get_best_step()) == (2, 1)
    history = history_of([3, 5], 2, 4, 2, direction="max")
    assert (history.get_best_value(), history.get_best_step()) == (4, 0)


def test_nan_is_never_the_best_unless_there_is_nothing_else():
    assert history_of(NAN, 1, 2).get_best_value() == 1
    assert history_of(1, NAN, 2, direction="max").get_best_step() == 2
    assert math.isnan(history_of(NAN, NAN).get_best_value())
    assert history_of(NAN).get_best_step() is None
    assert history_of().get_best_value() is None
    assert history_of().get_best_step() is None


def test_a_step_that_comes_again_is_another_execution():
    history = history_of(1, 2)
    history.update(3, 0)
    assert history.get_history() == [MetricObservation([1, 3], 0), MetricObservation(2, 1)]


def test_steps_are_sorted_and_the_last_one_is_the_last_value():
    history = MetricHistory()
    history.set_history([MetricObservation(5, 2), MetricObservation(4, 1)])
    assert [observation.step for observation in history.get_history()] == [1, 2]
    assert history.get_last_value() == 5
    assert history_of().get_last_value() is None


def test_statistics_are_those_of_the_steps_without_nan():
    values = [1.0, 2.0, NAN, 6.0]
    assert history_of(*values).get_statistics() == pytest.approx(
        {
            "min": np.nanmin(values),
            "max": np.nanmax(values),
            "mean": np.nanmean(values),
            "median": np.nanmedian(values),
            "var": np.nanvar(values),
            "std": np.nanstd(values),
        }
    )
    assert history_of(NAN).get_statistics() == {}
    assert math.isnan(history_of(1, INF).get_statistics()["std"])


def test_a_direction_is_min_or_max():
    with pytest.raises(ValueError, match="direction='up'"):
        MetricHistory("up")


# Trackers.


def test_the_json_of_metrics_is_keras_tuners():
    tracker = MetricsTracker()
    tracker.update("val_loss", 0.5, step=1)
    tracker.update("accuracy", np.float32(0.75), step=1)
    config = tracker.get_config()
    assert config == {
        "metrics": {
            "val_loss": {"direction": "min", "observations": [{"value": [0.5], "step": 1}]},
            "accuracy": {"direction": "max", "observations": [{"value": [0.75], "step": 1}]},
        }
    }
    assert MetricsTracker.from_config(json.loads(json.dumps(config))).get_config() == config


def test_an_update_tells_whether_the_best_value_changed():
    tracker = MetricsTracker()
    assert tracker.update("loss", 2.0, step=0)
    assert tracker.update("loss", 1.0, step=1)
    assert not tracker.update("loss", 3.0, step=2)
    assert tracker.get_best_value("loss") == 1.0
    assert tracker.get_best_step("loss") == 1
    assert tracker.get_last_value("loss") == 3.0
    assert tracker.get_statistics("loss")["mean"] == 2.0


def test_a_metric_is_registered_once_with_its_direction():
    tracker = MetricsTracker()
    tracker.register("mine", "max")
    tracker.set_history("new", [MetricObservation(1, 0)])
    assert [tracker.get_direction(name) for name in ("mine", "new")] == ["max", "min"]
    assert tracker.get_history("new") == [MetricObservation(1, 0)]
    with pytest.raises(ValueError, match=r"already exists: mine\. Received: name='mine'"):
        tracker.register("mine")
    with pytest.raises(ValueError, match=r"among \['mine', 'new'\]. Unknown metric: other"):
        tracker.get_best_value("other")


def test_keras_metrics_are_registered_by_name():
    class Metric:
        name = "val_auc"

    assert MetricsTracker([Metric()]).get_direction("val_auc") == "max"
