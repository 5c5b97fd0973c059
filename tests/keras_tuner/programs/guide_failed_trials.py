"""keras.io/guides/keras_tuner/failed_trials: handling failed trials; fewer epochs."""

import keras
import keras_tuner
import numpy as np
from keras import layers


def build_model(hp):
    # Define the 2 hyperparameters for the units in dense layers
    units_1 = hp.Int("units_1", 10, 40, step=10)
    units_2 = hp.Int("units_2", 10, 30, step=10)

    # Define the model
    model = keras.Sequential(
        [
            layers.Input(shape=(20,)),
            layers.Dense(units=units_1),
            layers.Dense(units=units_2),
            layers.Dense(units=1),
        ]
    )
    model.compile(loss="mse")

    # Raise an error when the model is too large
    num_params = model.count_params()
    if num_params > 1200:
        raise ValueError(f"Model too large! It contains {num_params} params.")
    return model


tuner = keras_tuner.GridSearch(
    hypermodel=build_model,
    objective="val_loss",
    overwrite=True,
    max_retries_per_trial=3,
    max_consecutive_failed_trials=8,
)

# Use random data to train the model.
tuner.search(
    x=np.random.rand(20, 20),
    y=np.random.rand(20, 1),
    validation_data=(
        np.random.rand(20, 20),
        np.random.rand(20, 1),
    ),
    epochs=1,
    verbose=0,
)

# Print the results
tuner.results_summary()

sizes = [(u, v) for u in (10, 20, 30, 40) for v in (10, 20, 30)]
fits = {s for s in sizes if 21 * s[0] + (s[0] + 1) * s[1] + s[1] + 1 <= 1200}
trials = tuner.oracle.trials.values()


def units(trial):
    return trial.hyperparameters.get("units_1"), trial.hyperparameters.get("units_2")


assert len(trials) == 12
assert {units(t) for t in trials if t.status == "COMPLETED"} == fits
failed = [t for t in trials if t.status == "FAILED"]
assert {units(t) for t in failed} == set(sizes) - fits
assert all("Model too large!" in t.message for t in failed)


def build_model(hp):
    # Define the 2 hyperparameters for the units in dense layers
    units_1 = hp.Int("units_1", 10, 40, step=10)
    units_2 = hp.Int("units_2", 10, 30, step=10)

    # Define the model
    model = keras.Sequential(
        [
            layers.Input(shape=(20,)),
            layers.Dense(units=units_1),
            layers.Dense(units=units_2),
            layers.Dense(units=1),
        ]
    )
    model.compile(loss="mse")

    # Raise an error when the model is too large
    num_params = model.count_params()
    if num_params > 1200:
        # When this error is raised, it skips the retries.
        raise keras_tuner.errors.FailedTrialError(
            f"Model too large! It contains {num_params} params."
        )
    return model


tuner = keras_tuner.GridSearch(
    hypermodel=build_model,
    objective="val_loss",
    overwrite=True,
    max_retries_per_trial=3,
    max_consecutive_failed_trials=8,
)

# Use random data to train the model.
tuner.search(
    x=np.random.rand(20, 20),
    y=np.random.rand(20, 1),
    validation_data=(
        np.random.rand(20, 20),
        np.random.rand(20, 1),
    ),
    epochs=1,
    verbose=0,
)

# Print the results
tuner.results_summary()
trials = tuner.oracle.trials.values()
assert {units(t) for t in trials if t.status == "COMPLETED"} == fits


def build_model(hp):
    # Define the 2 hyperparameters for the units in dense layers
    units_1 = hp.Int("units_1", 10, 40, step=10)
    units_2 = hp.Int("units_2", 10, 30, step=10)

    # Define the model
    model = keras.Sequential(
        [
            layers.Input(shape=(20,)),
            layers.Dense(units=units_1),
            layers.Dense(units=units_2),
            layers.Dense(units=1),
        ]
    )
    model.compile(loss="mse")

    # Raise an error when the model is too large
    num_params = model.count_params()
    if num_params > 1200:
        # When this error is raised, the search is terminated.
        raise keras_tuner.errors.FatalError(f"Model too large! It contains {num_params} params.")
    return model


tuner = keras_tuner.GridSearch(
    hypermodel=build_model,
    objective="val_loss",
    overwrite=True,
    max_retries_per_trial=3,
    max_consecutive_failed_trials=8,
)

terminated = False
try:
    # Use random data to train the model.
    tuner.search(
        x=np.random.rand(20, 20),
        y=np.random.rand(20, 1),
        validation_data=(
            np.random.rand(20, 20),
            np.random.rand(20, 1),
        ),
        epochs=1,
        verbose=0,
    )
except keras_tuner.errors.FatalError:
    print("The search is terminated.")
    terminated = True
assert terminated
print("OK")
