"""Models that are saved and loaded by the user's own tuner."""

import os

import keras
import keras_tuner as kt
import numpy as np

x, y = np.random.rand(40, 3).astype("float32"), np.random.rand(40, 1).astype("float32")


class Net(kt.HyperModel):
    def build(self, hp):
        model = keras.Sequential([keras.layers.Dense(hp.Int("units", 2, 8)), keras.layers.Dense(1)])
        model.compile("sgd", "mse")
        return model


# A checkpoint of one's own under the name Keras Tuner would give it.
class Own(kt.RandomSearch):
    def run_trial(self, trial, *args, **kwargs):
        model = self.hypermodel.build(trial.hyperparameters)
        checkpoint = keras.callbacks.ModelCheckpoint(
            self._get_checkpoint_fname(trial.trial_id), monitor="val_loss", save_best_only=True, save_weights_only=True
        )
        return self.hypermodel.fit(trial.hyperparameters, model, *args, callbacks=[checkpoint], **kwargs)

    def load_model(self, trial):
        model = self.hypermodel.build(trial.hyperparameters)
        model.build((None, 3))
        model.load_weights(self._get_checkpoint_fname(trial.trial_id))
        return model


tuner = Own(Net(), objective="val_loss", max_trials=2, directory="ck", project_name="own")
tuner.search(x, y, epochs=2, validation_data=(x[:10], y[:10]), verbose=0)
trial = tuner.oracle.get_best_trials(1)[0]
model = tuner.get_best_models()[0]
assert np.isclose(model.evaluate(x[:10], y[:10], verbose=0), trial.score, rtol=1e-4)
assert os.path.dirname(tuner._get_checkpoint_fname("0")) == tuner.get_trial_dir("0")
assert tuner._get_checkpoint_fname("0").endswith("checkpoint.weights.h5")


# The same, but get_best_models of the library loads it.
class Theirs(kt.RandomSearch):
    def run_trial(self, trial, *args, **kwargs):
        model = self.hypermodel.build(trial.hyperparameters)
        history = model.fit(*args, verbose=0, **kwargs)
        model.save_weights(self._get_checkpoint_fname(trial.trial_id))
        return history.history["loss"][-1]


def build(hp):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(hp.Int("units", 2, 8)), keras.layers.Dense(1)])
    model.compile("sgd", "mse")
    return model


tuner = Theirs(build, max_trials=2, directory="ck", project_name="theirs")
tuner.search(x, y, epochs=1)
assert len(tuner.get_best_models(2)) == 2


# save_model and load_model overridden.
class Saved(kt.Tuner):
    def run_trial(self, trial, x, y):
        model = self.hypermodel.build(trial.hyperparameters)
        loss = model.fit(x, y, epochs=1, verbose=0).history["loss"][0]
        self.save_model(trial.trial_id, model, step=0)
        return {"loss": loss}

    def save_model(self, trial_id, model, step=0):
        path = os.path.join(self.get_trial_dir(trial_id), f"model_{step}.keras")
        os.makedirs(os.path.dirname(path), exist_ok=True)
        model.save(path)

    def load_model(self, trial):
        return keras.models.load_model(os.path.join(self.get_trial_dir(trial.trial_id), f"model_{trial.best_step}.keras"))


tuner = Saved(
    kt.oracles.RandomSearchOracle(objective="loss", max_trials=2), Net(), directory="ck", project_name="saved", overwrite=True
)
tuner.search(x, y)
assert tuner.get_best_models()[0].predict(x, verbose=0).shape == (40, 1)


# save_model called by a tuner that does not override it (1.0's habit) is no error in `kt.Tuner`.
class Old(kt.RandomSearch):
    def on_epoch_end(self, trial, model, epoch, logs=None):
        self.epochs = getattr(self, "epochs", 0) + 1

    def on_trial_begin(self, trial):
        self.began = trial.trial_id
        super().on_trial_begin(trial)

    def on_trial_end(self, trial):
        super().on_trial_end(trial)
        self.ended = trial.score

    def on_search_end(self):
        self.over = True


tuner = Old(build, "loss", 2, directory="ck", project_name="hooks")
tuner.search(x, y, epochs=2, verbose=0)
assert tuner.epochs == 4 and tuner.over and tuner.began == tuner.oracle.start_order[-1]
assert tuner.ended == tuner.oracle.get_trial(tuner.began).score
print("OK")
