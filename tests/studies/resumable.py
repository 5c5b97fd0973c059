"""Trainings whose values say what is trained, and where the process kills itself.

A value `kills` lists, for each process that runs the trial, where it sends itself SIGKILL.
"""

import contextlib
import hashlib
import json
import os
import random
import shutil
import signal
import time
from pathlib import Path

import numpy as np

from storage import KeyMissingError, unseal
from tuner import HyperModel, Tuner
from tuner.core.seeds import seed_execution
from tuner.oracles import RandomSearchOracle

SAMPLES = 50
RNG = np.random.default_rng(0)
X = RNG.normal(size=(SAMPLES, 5)).astype("float32")
Y = (X @ np.array([1.0, -2.0, 3.0, 0.5, 0.0], "float32") > 0).astype("float32")


def optimizer_of(values):
    import keras

    rate = 0.05
    if values.get("schedule"):
        rate = keras.optimizers.schedules.CosineDecay(rate, 40)
    options = {"weight_decay": 0.01} if values.get("decay") else {}
    if values.get("ema"):
        options |= {"use_ema": True, "ema_momentum": 0.9}
    name = values.get("optimizer", "Adam")
    if name == "SGD":
        options["momentum"] = 0.9
    return getattr(keras.optimizers, name)(rate, **options)


def build_model(hp):
    import keras

    values = hp.values
    layers = [] if values.get("lazy") else [keras.Input((5,))]
    if values.get("noise"):
        layers.append(keras.layers.GaussianNoise(0.1))
    layers.append(keras.layers.Dense(values.get("units", 6), activation="relu"))
    if values.get("norm", True):
        layers.append(keras.layers.BatchNormalization())
    layers += [keras.layers.Dropout(0.3), keras.layers.Dense(1, activation="sigmoid")]
    model = keras.Sequential(layers)
    model.compile(
        optimizer_of(values),
        "binary_crossentropy",
        metrics=["accuracy"],
        steps_per_execution=values.get("steps_per_execution", 1),
    )
    return model


def callbacks_of(values, folder):
    import keras

    made = []
    for name in values.get("callbacks", []):
        match name:
            case "stop":
                made.append(
                    keras.callbacks.EarlyStopping("val_loss", patience=2, restore_best_weights=True)
                )
            case "plateau":
                made.append(
                    keras.callbacks.ReduceLROnPlateau(
                        "val_loss", factor=0.5, patience=1, cooldown=1
                    )
                )
            case "schedule":
                made.append(keras.callbacks.LearningRateScheduler(lambda epoch, lr: lr * 0.9))
            case "csv":
                made.append(keras.callbacks.CSVLogger(f"{folder}/log.csv"))
            case "board":
                made.append(keras.callbacks.TensorBoard(f"{folder}/board", update_freq=1))
            case "counts":
                made.append(counting())
    return made


def counting():
    import keras

    class Counts(keras.callbacks.Callback):
        """Has a state of its own, and draws from the global generators."""

        def __init__(self):
            super().__init__()
            self.seen = 0

        def on_epoch_end(self, epoch, logs=None):
            self.seen += 1
            noise = 1 + 0.1 * random.random() + 0.1 * np.random.rand()  # noqa: NPY002
            self.model.optimizer.learning_rate = 0.05 / (1 + self.seen) * noise

        def get_state(self):
            return {"seen": self.seen}

        def set_state(self, state):
            self.seen = state["seen"]

    return Counts()


def killer(kill, wait):
    """A callback that kills the process in the middle of an epoch, once `wait` has returned."""
    import keras

    class Killer(keras.callbacks.Callback):
        armed = False

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_end(self, batch, logs=None):
            if kill and self.armed and (self.epoch, batch) >= (kill["epoch"], kill["batch"]):
                wait(self.epoch)
                os.kill(os.getpid(), signal.SIGKILL)

    return Killer()


def cleaner(when, done):
    """A callback that deletes all local files in the middle of an epoch, once."""
    import keras

    class Cleaner(keras.callbacks.Callback):
        armed = False

        def on_epoch_begin(self, epoch, logs=None):
            self.epoch = epoch

        def on_train_batch_end(self, batch, logs=None):
            if not when or not self.armed or done.exists():
                return
            if (self.epoch, batch) == (when["epoch"], when["batch"]):
                done.touch()
                shutil.rmtree(os.environ["TRIALFLOW_SCRATCH"])

    return Cleaner()


def kill_in_a_save(store, trial_id, number, when):
    """Kills the process while it writes a file whose name has `when` in it, for the n-th time."""
    seen = []
    cls = type(store)
    upload, replace = cls._upload, cls._replace

    def dying(original, write):
        def method(self, first, second):
            key = second if isinstance(first, Path) else first
            if f"{trial_id}/execution-" in key and when in key:
                seen.append(key)
                if len(seen) == number:
                    write(self, first, second)
                    os.kill(os.getpid(), signal.SIGKILL)
            return original(self, first, second)

        return method

    def half(self, key, data):
        """What is left of a file that was being written."""
        if not self.url.startswith("s3://"):
            place = Path(self.url) / key
            place.parent.mkdir(parents=True, exist_ok=True)
            place.with_name(f".tmp-{os.getpid()}-half").write_bytes(data[: len(data) // 2])

    cls._replace = dying(replace, half)
    cls._upload = dying(upload, lambda *_: None)


class Resumable(Tuner):
    """Notes every epoch with the bits of all variables."""

    def run_trial(self, trial, *args, **kwargs):
        values = trial.hyperparameters.values
        self.checkpoint_every = values.get("every", 1)
        self.resume = values.get("resume", True)
        self.reuse_compiled = values.get("reuse", "auto")
        self.executions_per_trial = values.get("executions", 1)
        self.trial = trial
        self.execution = self.armed = 0
        self.folder = Path(values["folder"])
        self.folder.mkdir(parents=True, exist_ok=True)
        self.note("began")
        lives = sum(line["what"] == "began" for line in notes(self.folder))
        kill = dict(enumerate(values.get("kills", []), 1)).get(lives)
        if values.get("loop"):
            return self.train_by_hand(kill)
        made = callbacks_of(values, self.folder)
        in_epoch = kill if kill and "epoch" in kill else None
        made.append(killer(in_epoch, self.wait_for_save))
        made.append(cleaner(values.get("cleans"), self.folder / "cleaned"))
        self.armed = (in_epoch or {}).get("execution", values.get("executions", 1) - 1)
        if kill and in_epoch is None:
            store = self.search_project.store
            kill_in_a_save(store, trial.trial_id, kill["save"], kill["when"])
        if "raises" in values:
            made.insert(0, raising(lives == values["raises"]))
        return super().run_trial(trial, X, Y, callbacks=made, **arguments_of(values))

    def _callbacks_of(self, callbacks, trial, execution):
        self.execution = execution
        own = super()._callbacks_of(callbacks, trial, execution)
        for each in own:
            each.armed = execution == self.armed
        return own

    def train_by_hand(self, kill):
        seed_execution(self.trial.seed, 0)
        model = build_model(self.trial.hyperparameters)
        state = self.training_state(self.trial, model)
        losses = list(state.restore().get("losses", []))
        for epoch in range(state.epoch, 4):
            self.note("begin", epoch=epoch, bits=bits(model))
            if kill and kill["epoch"] == epoch:
                self.wait_for_save(epoch)
                os.kill(os.getpid(), signal.SIGKILL)
            losses.append(float(model.train_on_batch(X, Y)[0]))
            state.save(epoch + 1, losses=losses)
        return {"val_loss": losses[-1], "first": losses[0]}

    def wait_for_save(self, epoch):
        """Waits until the state in which this epoch began has been written."""
        if not epoch or self.checkpoint_every != 1 or not self.resume:
            return
        paths = self.search_project.paths.trial(self.trial.trial_id)
        key = paths.execution(self.execution, self.trial.retries).manifest
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with contextlib.suppress(KeyMissingError):
                if unseal(self.search_project.store.read(key), key)["epoch"] >= epoch:
                    return
            time.sleep(0.01)

    def on_epoch_begin(self, trial, model, epoch, logs=None):
        self.note("begin", epoch=epoch, bits=bits(model), model=id(model))

    def on_epoch_end(self, trial, model, epoch, logs=None):
        self.note("end", epoch=epoch)
        if trial.hyperparameters.values.get("reports") and "val_loss" in logs:
            self.oracle.update_trial(trial.trial_id, {**logs, "seen": logs["loss"]}, step=epoch)

    def note(self, what, **more):
        line = {"what": what, "pid": os.getpid(), "execution": self.execution, **more}
        with (self.folder / "notes").open("a") as file:
            file.write(json.dumps(line) + "\n")


class Model(HyperModel):
    def build(self, hp):
        return build_model(hp)

    def fit(self, hp, model, *args, **kwargs):
        for _ in range(hp.values.get("phases", 1)):
            result = model.fit(*args, **kwargs)
        return result


def arguments_of(values):
    """The arguments of `fit`."""
    fit = {"epochs": 4, "batch_size": 8, "verbose": 0, **values.get("fit", {})}
    if values.get("weights"):
        fit["sample_weight"] = np.linspace(0.5, 1.5, SAMPLES)
    if "class_weight" in fit:
        fit["class_weight"] = {int(k): v for k, v in fit["class_weight"].items()}
    return fit


def raising(now):
    import keras

    class Raises(keras.callbacks.Callback):
        def on_epoch_end(self, epoch, logs=None):
            if now and self.armed and epoch == 2:
                raise ValueError("asked to raise")

    return Raises()


def notes(folder):
    return [json.loads(line) for line in (Path(folder) / "notes").read_text().splitlines()]


def bits(model):
    import keras

    digest = hashlib.sha256()
    for variable in [*model.variables, *model.optimizer.variables]:
        digest.update(np.asarray(keras.ops.convert_to_numpy(variable)).tobytes())
    return digest.hexdigest()


def build_tuner(**project):
    oracle = RandomSearchOracle("val_loss", max_trials=8, seed=3)
    return Resumable(oracle, Model(), **project)
