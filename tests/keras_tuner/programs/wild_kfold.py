"""Cross-validation inside run_trial, in the three ways people write it."""

import keras
import keras_tuner as kt
import numpy as np
from sklearn.model_selection import KFold

x, y = np.random.rand(30, 3).astype("float32"), np.random.rand(30, 1).astype("float32")


def build_model(hp):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(hp.Int("units", 2, 8)), keras.layers.Dense(1)])
    model.compile("sgd", "mse", metrics=["mae"])
    return model


# github.com/VolkerH/keras_tuner_cv style: the mean of the losses, told to the oracle.
class CVTuner(kt.engine.tuner.Tuner):
    def run_trial(self, trial, x, y, batch_size=32, epochs=1):
        cv = KFold(3)
        val_losses = []
        for train_indices, test_indices in cv.split(x):
            x_train, x_test = x[train_indices], x[test_indices]
            y_train, y_test = y[train_indices], y[test_indices]
            model = self.hypermodel.build(trial.hyperparameters)
            model.fit(x_train, y_train, batch_size=batch_size, epochs=epochs, verbose=0)
            val_losses.append(model.evaluate(x_test, y_test, verbose=0)[0])
        self.oracle.update_trial(trial.trial_id, {"val_loss": np.mean(val_losses)})
        self.losses = getattr(self, "losses", []) + [np.mean(val_losses)]


tuner = CVTuner(
    hypermodel=build_model,
    oracle=kt.oracles.BayesianOptimizationOracle(objective="val_loss", max_trials=2),
    directory="cv",
    project_name="told",
)
tuner.search(x, y, batch_size=16, epochs=1)
assert np.isclose(tuner.oracle.get_best_trials(1)[0].score, min(tuner.losses))


class ListTuner(kt.RandomSearch):
    def run_trial(self, trial, x, y, **kwargs):
        results = []
        for train, test in KFold(3).split(x):
            model = self.hypermodel.build(trial.hyperparameters)
            history = model.fit(x[train], y[train], validation_data=(x[test], y[test]), verbose=0, **kwargs)
            results.append(self.convert(history))
        self.kept = getattr(self, "kept", {})
        self.kept[trial.trial_id] = results
        return results

    def convert(self, history):
        return history


tuner = ListTuner(build_model, objective="val_loss", max_trials=2, directory="cv", project_name="histories")
tuner.search(x, y, epochs=2)
for trial in tuner.oracle.trials.values():
    best = [min(h.history["val_loss"]) for h in tuner.kept[trial.trial_id]]
    assert np.isclose(trial.score, np.mean(best))
    assert trial.metrics.exists("val_mae")


class DictTuner(ListTuner):
    def convert(self, history):
        return {"val_loss": history.history["val_loss"][-1], "extra": 1}


tuner = DictTuner(build_model, objective="val_loss", max_trials=2, directory="cv", project_name="dicts")
tuner.search(x, y, epochs=1)
for trial in tuner.oracle.trials.values():
    assert np.isclose(trial.score, np.mean([r["val_loss"] for r in tuner.kept[trial.trial_id]]))
    assert trial.metrics.get_best_value("extra") == 1
print("OK")
