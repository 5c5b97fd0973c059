"""Trials that report to the oracle themselves, and stop when it says so."""

import keras
import keras_tuner as kt
import numpy as np

x, y = np.random.rand(40, 3).astype("float32"), np.random.rand(40, 1).astype("float32")


def build_model(hp):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(hp.Int("units", 2, 8)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(hp.Float("lr", 1e-3, 1e-1, sampling="log")), "mse")
    return model


class StoppingOracle(kt.oracles.RandomSearchOracle):
    """Asks every trial to end after its second report."""

    @kt.synchronized
    def update_trial(self, trial_id, metrics, step=0):
        trial = super().update_trial(trial_id, metrics, step=step)
        if step >= 1:
            self.trials[trial_id].status = kt.engine.trial.TrialStatus.STOPPED
        return self.trials[trial_id]


class ReportingTuner(kt.Tuner):
    def on_epoch_end(self, trial, model, epoch, logs=None):
        super().on_epoch_end(trial, model, epoch, logs=logs)
        trial_now = self.oracle.update_trial(trial.trial_id, {k: float(v) for k, v in logs.items()}, step=epoch)
        self.last = trial_now
        if self.oracle.get_trial(trial.trial_id).status == "STOPPED":
            model.stop_training = True


tuner = ReportingTuner(
    StoppingOracle(objective="val_loss", max_trials=3, seed=1), build_model, directory="up", project_name="stop"
)
tuner.search(x, y, epochs=5, validation_data=(x[:10], y[:10]), verbose=0)
trials = tuner.oracle.get_best_trials(3)
assert len(trials) == 3
for trial in trials:
    history = trial.metrics.get_history("val_loss")
    assert [o.step for o in history] == [0, 1], history
    assert trial.status == "COMPLETED"
    values = [o.mean() for o in history]
    assert trial.score == min(values) == trial.metrics.get_best_value("val_loss")
    assert trial.best_step == int(np.argmin(values))
    assert trial.metrics.get_last_value("val_loss") == values[-1]


# Without Keras, returning nothing: the guide of 1.0.
class Loop(kt.engine.base_tuner.BaseTuner):
    def run_trial(self, trial, steps):
        hp = trial.hyperparameters
        lr = hp.Float("lr", 0.1, 1.0)
        value = 1.0
        for step in range(steps):
            value *= 1 - 0.3 * lr
            self.oracle.update_trial(trial.trial_id, {"loss": value}, step=step)


tuner = Loop(kt.oracles.RandomSearchOracle(kt.Objective("loss", "min"), max_trials=4), directory="up", project_name="loop")
tuner.search(steps=3)
best = tuner.oracle.get_best_trials(1)[0]
assert best.hyperparameters.get("lr") == max(t.hyperparameters.get("lr") for t in tuner.oracle.trials.values())
assert best.best_step == 2
assert len(best.metrics.get_history("loss")) == 3
print("OK")
