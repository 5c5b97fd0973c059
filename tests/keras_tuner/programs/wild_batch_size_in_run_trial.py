"""stackoverflow.com/questions/60091349: how to tune the number of epochs and batch_size."""

import keras
import keras_tuner as kt
import numpy as np

x, y = np.random.rand(80, 3).astype("float32"), np.random.rand(80, 1).astype("float32")


def build_model(hp):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(hp.Int("units", 2, 8)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


class MyTuner(kt.tuners.BayesianOptimization):
    def run_trial(self, trial, *args, **kwargs):
        # You can add additional HyperParameters for preprocessing and custom training loops
        # via overriding `run_trial`
        kwargs["batch_size"] = trial.hyperparameters.Int("batch_size", 32, 256, step=32)
        kwargs["epochs"] = trial.hyperparameters.Int("epochs", 1, 3)
        return super(MyTuner, self).run_trial(trial, *args, **kwargs)


# Uses same arguments as the BayesianOptimization Tuner.
tuner = MyTuner(build_model, objective="val_loss", max_trials=4, directory="so", project_name="batch", overwrite=True)
# Don't pass epochs or batch_size here, let the Tuner tune them.
tuner.search(x, y, validation_split=0.2, verbose=0)
best = tuner.get_best_hyperparameters()[0]
assert {"units", "batch_size", "epochs"} == set(best.values), best.values
assert len({t.hyperparameters.get("epochs") for t in tuner.oracle.trials.values()}) > 1


# Before `run_trial` returned anything, people did not return: the callbacks reported.
class Old(kt.RandomSearch):
    def run_trial(self, trial, *args, callbacks=None, **kwargs):
        kwargs["batch_size"] = trial.hyperparameters.Int("batch_size", 32, 256, step=32)
        seen = self.seen = getattr(self, "seen", [])
        callbacks = list(callbacks or []) + [
            keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: seen.append(epoch))
        ]
        results = super().run_trial(trial, *args, callbacks=callbacks, **kwargs)
        assert isinstance(results, list) and len(results) == self.executions_per_trial
        assert all(isinstance(r, keras.callbacks.History) for r in results)
        return results


tuner = Old(build_model, objective="val_loss", max_trials=2, executions_per_trial=2, directory="so", project_name="old")
tuner.search(
    x, y, epochs=2, validation_split=0.2, verbose=0, callbacks=[keras.callbacks.EarlyStopping("val_loss", patience=1)]
)
assert len(tuner.oracle.get_best_trials(2)) == 2
assert tuner.get_best_hyperparameters()[0].get("batch_size") % 32 == 0
print("OK")
