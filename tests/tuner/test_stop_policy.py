"""Trials that will not be among the best are stopped, and what they reached counts."""

import pytest

from tuner import BaseTuner, Objective, RandomSearch
from tuner.core.trial import TrialStatus
from tuner.errors import TrialInterruptedError
from tuner.oracles import RandomSearchOracle
from tuner.oracles.stop_policy import MedianStop, create_stop_policy
from tuner.training.record import is_out_of_memory


def curve(*values):
    return dict(enumerate(values))


@pytest.mark.parametrize(
    ("own", "others", "stops"),
    [
        (curve(9, 9), [curve(1, 1)] * 3, True),
        (curve(9, 0.5), [curve(1, 1)] * 3, False),  # its best epoch counts
        (curve(9), [curve(1, 1)] * 3, False),  # every trial is granted one
        (curve(9, 9), [curve(1, 1)] * 2, False),  # too few to judge by
        (curve(9, 9), [curve(1, 1), curve(1), curve(1)], False),  # that have come as far
        (curve(3, 3), [curve(9, 1), curve(9, 1), curve(0, 0)], False),  # their averages are 5
    ],
)
def test_the_median_rule(own, others, stops):
    assert bool(MedianStop(startup=3)(None, own, others)) is stops


def test_what_is_no_policy_is_refused():
    assert create_stop_policy(None) is None
    assert isinstance(create_stop_policy("median"), MedianStop)
    with pytest.raises(ValueError, match="stop_policy=7"):
        create_stop_policy(7)


class Loop(BaseTuner):
    def run_trial(self, trial):
        trial.hyperparameters.Float("x", 0.0, 1.0)
        self.steps = []
        for step in range(10):
            self.steps.append(step)
            score = {"acc": float(step)}
            if self.oracle.update_trial(trial.trial_id, score, step).status == TrialStatus.STOPPED:
                break
        return {"acc": float(step)}


def test_a_loop_of_ones_own_is_told_to_stop_and_a_later_run_knows_the_earlier_curves(tmp_path):
    asked = []

    def policy(trial, curve, others):
        asked.append((trial.trial_id, curve.copy(), [len(other) for other in others]))
        return len(curve) == 3

    def tuner(max_trials):
        oracle = RandomSearchOracle(Objective("acc", "max"), max_trials=max_trials, seed=1)
        return Loop(oracle, directory=tmp_path, stop_policy=policy)

    first = tuner(1)
    first.search()
    assert first.steps == [0, 1, 2]
    trial = first.oracle.get_trial("0000")
    assert (trial.status, trial.score) == ("COMPLETED", 2.0)
    assert asked[-1] == ("0000", {0: 0.0, 1: -1.0, 2: -2.0}, [])
    again = tuner(2)
    again.search()
    assert asked[-1][0] == "0001"
    assert len(asked[-1][2]) == 1


@pytest.mark.story
def test_a_keras_trial_that_is_stopped_keeps_its_best_epoch_and_is_not_trained_again(tmp_path):
    import numpy as np

    def build(hp):
        import keras

        model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
        model.compile(keras.optimizers.SGD(hp.Float("rate", 1e-3, 1e-2)), "mse")
        return model

    options = {"objective": "loss", "max_trials": 1, "directory": str(tmp_path)}
    stops = RandomSearch(
        build,
        stop_policy=lambda trial, curve, others: len(curve) == 2,
        executions_per_trial=3,
        project_name="stops",
        **options,
    )
    x = np.ones((8, 2))
    stops.search(x, x[:, :1], epochs=5, verbose=0)
    trial = stops.oracle.get_best_trials()[0]
    result = stops.search_project.read_result(trial.trial_id)["record"]
    assert [e["epochs"] for e in result["executions"]] == [[0, 1]]
    assert result["stopped"] == {"epoch": 1, "reason": "the stop policy said so"}
    assert stops.get_best_models()
    # and one that is interrupted ends before its next epoch, to run again another time
    epochs = []

    class Watched(RandomSearch):
        def on_epoch_end(self, trial, model, epoch, logs=None):
            epochs.append(epoch)

    interrupted = Watched(build, project_name="interrupted", **options)
    interrupted.oracle.check_not_interrupted = lambda: _raise() if len(epochs) == 2 else None
    with pytest.raises(TrialInterruptedError):
        interrupted.search(x, x[:, :1], epochs=5, verbose=0)
    assert epochs == [0, 1]
    assert list(interrupted.oracle.search_history.running) == ["0000"]


def _raise():
    raise TrialInterruptedError


@pytest.mark.story
def test_tensorflows_lack_of_memory_is_told_from_other_errors():
    import tensorflow as tf

    with pytest.raises(tf.errors.ResourceExhaustedError) as caught:
        tf.zeros((10**7, 10**7))
    assert is_out_of_memory(caught.value)
    with pytest.raises(tf.errors.InvalidArgumentError) as caught:
        tf.zeros((2, 2)) @ tf.zeros((3, 3))
    assert not is_out_of_memory(caught.value)


def test_other_libraries_lack_of_memory():
    assert is_out_of_memory(MemoryError())
    assert is_out_of_memory(RuntimeError("RESOURCE_EXHAUSTED: Out of memory allocating 1 bytes"))
    assert not is_out_of_memory(RuntimeError("shapes do not fit"))
    assert not is_out_of_memory(ValueError("out of memory"))
    error = ValueError("in a layer")
    error.__cause__ = MemoryError()
    assert is_out_of_memory(error)
