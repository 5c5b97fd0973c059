"""A Keras study that trains in a second."""

import os
import time

import numpy as np


def build_model(hp):
    import keras

    model = keras.Sequential([keras.Input((4,))])
    hidden = hp.Boolean("hidden")
    with hp.conditional_scope("hidden", [True]):
        units = hp.Int("units", 4, 16, step=4)
    if hidden:
        model.add(keras.layers.Dense(units, activation="relu"))
    model.add(keras.layers.Dense(1))
    rate = hp.Float("learning_rate", 1e-3, 1e-1, sampling="log")
    model.compile(keras.optimizers.SGD(rate), "mse")
    return model


def load_data():
    import keras

    class Slow(keras.callbacks.Callback):
        """Gives a test the time to kill the process."""

        def on_epoch_end(self, epoch, logs=None):
            print(f"epoch {epoch} has ended")
            time.sleep(float(os.environ.get("TINY_PAUSE", "0")))

    rng = np.random.default_rng(0)
    x = rng.normal(size=(64, 4))
    y = x @ np.array([1.0, -2.0, 3.0, 0.5])
    callbacks = [Slow()] if "TINY_PAUSE" in os.environ else []
    return {
        "x": x,
        "y": y,
        "validation_split": 0.25,
        "epochs": 3,
        "verbose": 0,
        "callbacks": callbacks,
    }


def build_tuner(**project):
    from tuner import RandomSearch

    return RandomSearch(build_model, objective="val_loss", max_trials=4, seed=5, **project)
