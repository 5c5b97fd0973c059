"""A Keras study whose first trial loses its process before each of its epochs but the first."""

import os
import signal
import time
from pathlib import Path

import numpy as np

EPOCHS = 7


def build_model(hp):
    import keras

    model = keras.Sequential([keras.Input((2,)), keras.layers.Dense(1)])
    model.compile(keras.optimizers.SGD(hp.Float("rate", 0.01, 0.1)), "mse")
    return model


def build_tuner(**project):
    import tuner
    from tuner.journal.executions import progress_of

    class Lossy(tuner.RandomSearch):
        def on_epoch_begin(self, trial, model, epoch, logs=None):
            met = Path(os.environ["LOSSES"]) / str(epoch)
            if trial.trial_id == "0000" and epoch > 0 and not met.exists():
                while progress_of(self.project, trial) < (0, epoch):
                    time.sleep(0.01)  # the epoch before is being saved
                met.touch()
                os.kill(os.getpid(), signal.SIGKILL)

    options = {"max_trials": 2, "seed": 0, "checkpoint_every": 1}
    return Lossy(build_model, objective="val_loss", **options, **project)


def load_data():
    x = np.random.default_rng(0).normal(size=(16, 2))
    return {"x": x, "y": x.sum(axis=1), "validation_split": 0.5, "epochs": EPOCHS, "verbose": 0}
