"""What subclasses keep, return and leave out, that nobody thought of."""

import keras
import keras_tuner as kt
import numpy as np
import tensorflow as tf
from keras_tuner.engine import base_tuner


# Attributes of one's own, under names that Keras Tuner leaves free.
class Keeping(kt.RandomSearch):
    def __init__(self, *args, **kwargs):
        self.history = []
        super().__init__(*args, **kwargs)
        self.results = {}
        self.project = "mine"

    def run_trial(self, trial):
        self.history.append(trial.trial_id)
        self.results[trial.trial_id] = x = trial.hyperparameters.Float("x", 0, 1)
        return x


tuner = Keeping(max_trials=3, directory="odd", project_name="keeping")
tuner.search()
tuner.results_summary()
assert len(tuner.history) == len(tuner.results) == 3 and tuner.project == "mine"
assert tuner.get_best_hyperparameters()[0].get("x") == min(tuner.results.values())


class Halving(kt.Oracle):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.history = []
        self.asked = 0

    def populate_space(self, trial_id):
        # Not ready when asked the first time, as an oracle that calculates in a thread.
        self.asked += 1
        if self.asked == 1:
            return {"status": kt.engine.trial.TrialStatus.IDLE}
        self.history.append(trial_id)
        return {"status": kt.engine.trial.TrialStatus.RUNNING, "values": {"x": 0.5 ** len(self.history)}}

    @kt.synchronized
    def end_trial(self, trial):
        super().end_trial(trial)
        self.last = trial.score


class Sum(base_tuner.BaseTuner):
    def run_trial(self, trial):
        return trial.hyperparameters.Float("x", 0, 1)


tuner = Sum(Halving(objective=None, max_trials=5), directory="odd", project_name="halving")
tuner.search()
trials = list(tuner.oracle.trials.values())
assert [t.hyperparameters.get("x") for t in trials] == [0.5, 0.25, 0.125, 0.0625, 0.03125]
assert tuner.oracle.last == trials[-1].score and len(tuner.oracle.history) == 5


# Numbers of any library.
class Returning(kt.RandomSearch):
    returned = [
        {"loss": tf.constant(1.5), "mae": np.float32(2.0)},
        {"loss": np.float64(0.5), "mae": tf.constant(1)},
        {"loss": keras.ops.convert_to_tensor(2.5), "mae": 1},
    ]

    def run_trial(self, trial):
        trial.hyperparameters.Float("x", 0, 1)
        return self.returned[len(self.oracle.trials) - 1]


tuner = Returning(objective="loss", max_trials=3, directory="odd", project_name="returning")
tuner.search()
trials = tuner.oracle.get_best_trials(3)
assert [t.score for t in trials] == [0.5, 1.5, 2.5]
assert [t.metrics.get_best_value("mae") for t in trials] == [1, 2, 1]
print("OK")
