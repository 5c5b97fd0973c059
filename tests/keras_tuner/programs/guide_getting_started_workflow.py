"""The same guide: tune end-to-end workflows, and built-in hypermodels."""

import os

import keras
import keras_tuner
import numpy as np
from keras import layers


class MyTuner(keras_tuner.RandomSearch):
    def run_trial(self, trial, *args, **kwargs):
        # Get the hp from trial.
        hp = trial.hyperparameters
        # Define "x" as a hyperparameter.
        x = hp.Float("x", min_value=-1.0, max_value=1.0)
        # Return the objective value to minimize.
        return x * x + 1


tuner = MyTuner(
    # No hypermodel or objective specified.
    max_trials=20,
    overwrite=True,
    directory="my_dir",
    project_name="tune_anything",
)

# No need to pass anything to search()
# unless you use them in run_trial().
tuner.search()
print(tuner.get_best_hyperparameters()[0].get("x"))
assert abs(tuner.get_best_hyperparameters()[0].get("x")) < 0.5
assert len(tuner.oracle.trials) == 20


# Keep Keras code separate.
def build_model(units, activation, dropout, lr):
    model = keras.Sequential()
    model.add(layers.Flatten())
    model.add(layers.Dense(units=units, activation=activation))
    if dropout:
        model.add(layers.Dropout(rate=0.25))
    model.add(layers.Dense(1))
    model.compile(optimizer=keras.optimizers.Adam(lr), loss="mean_squared_error")
    return model


def train_model(model, x, y, validation_data, path):
    model.fit(x, y, verbose=0)
    x_val, y_val = validation_data
    model.save(path)
    return np.mean(np.abs(model.predict(x_val, verbose=0) - y_val))


class MyTuner(keras_tuner.RandomSearch):
    def run_trial(self, trial, *args, **kwargs):
        hp = trial.hyperparameters
        model = build_model(
            units=hp.Int("units", min_value=32, max_value=128, step=32),
            activation=hp.Choice("activation", ["relu", "tanh"]),
            dropout=hp.Boolean("dropout"),
            lr=hp.Float("lr", min_value=1e-4, max_value=1e-2, sampling="log"),
        )
        # Save the model to a unique path with `trial_id`.
        return train_model(
            model, *args, path=os.path.join("my_dir", f"{trial.trial_id}.keras"), **kwargs
        )


tuner = MyTuner(
    max_trials=3,
    overwrite=True,
    directory="my_dir",
    project_name="keep_code_separate",
)
tuner.search(
    np.random.rand(40, 4),
    np.random.rand(40, 1),
    validation_data=(np.random.rand(10, 4), np.random.rand(10, 1)),
)
# Retraining the model
best_trial = tuner.oracle.get_best_trials()[0]
best_model = keras.models.load_model(os.path.join("my_dir", f"{best_trial.trial_id}.keras"))
assert best_model.predict(np.random.rand(2, 4)).shape == (2, 1)

# KerasTuner includes pre-made tunable applications: HyperResNet and HyperXception
from keras_tuner.applications import HyperResNet, HyperXception

hypermodel = keras_tuner.applications.HyperXception(input_shape=(28, 28, 1), classes=10)

tuner = keras_tuner.RandomSearch(
    hypermodel=hypermodel,
    objective="val_accuracy",
    max_trials=2,
    overwrite=True,
    directory="my_dir",
    project_name="built_in_hypermodel",
)
names = {p.name for p in tuner.oracle.get_space().space}
assert "learning_rate" in names
assert "num_residual_blocks" in names
assert isinstance(HyperResNet(input_shape=(28, 28, 1), classes=10), keras_tuner.HyperModel)
print("OK")
