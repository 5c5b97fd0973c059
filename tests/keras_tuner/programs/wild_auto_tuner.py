"""A tuner as AutoKeras has it: it overrides what is private, and keeps files beside the trials."""

import copy
import json
import os

import keras
import keras_tuner
import numpy as np
from keras_tuner.engine import tuner as tuner_module


class Graph(keras_tuner.HyperModel):
    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.shape = None
        self.epochs = None

    def set_io_shapes(self, shape):
        self.shape = shape

    def set_fit_args(self, validation_split, epochs=None):
        self.epochs = epochs

    def build(self, hp):
        model = keras.Sequential([keras.Input(self.shape)])
        for i in range(hp.Int("num_layers", 1, 2)):
            with hp.name_scope(f"block_{i}"):
                model.add(keras.layers.Dense(hp.Choice("units", [4, 8], default=8)))
        model.add(keras.layers.Dense(1))
        model.compile("adam", "mse", metrics=["mae"])
        return model

    def save(self, path):
        with open(path, "w") as f:
            json.dump({"name": self.name}, f)


class AutoTuner(tuner_module.Tuner):
    def __init__(self, oracle, hypermodel, **kwargs):
        # Initialize before super() for reload to work.
        self._finished = False
        super().__init__(oracle, hypermodel, **kwargs)
        # Save or load the HyperModel.
        self.hypermodel.save(os.path.join(self.project_dir, "graph"))

    def _populate_initial_space(self):
        # Override the function to prevent building the model during initialization.
        return

    def get_best_model(self):
        with tuner_module.maybe_distribute(self.distribution_strategy):
            model = keras.models.load_model(self.best_model_path)
        return model

    def _pipeline_path(self, trial_id):
        return os.path.join(self.get_trial_dir(trial_id), "pipeline")

    def _prepare_model_build(self, hp, **kwargs):
        scale = hp.Choice("scale", [1.0, 2.0])
        self.hypermodel.set_io_shapes(kwargs["x"].shape[1:])
        return {"scale": scale}, kwargs["x"] * scale, kwargs.get("validation_data")

    def _build_and_fit_model(self, trial, *args, **kwargs):
        pipeline, kwargs["x"], kwargs["validation_data"] = self._prepare_model_build(
            trial.hyperparameters, **kwargs
        )
        with open(self._pipeline_path(trial.trial_id), "w") as f:
            json.dump(pipeline, f)
        model = self._build_hypermodel(trial.hyperparameters)
        return model.fit(**kwargs)

    def search(self, epochs=None, callbacks=None, validation_split=0, verbose=1, **fit_kwargs):
        if self._finished:
            return
        if callbacks is None:
            callbacks = []
        self.hypermodel.set_fit_args(validation_split, epochs=epochs)
        epochs_provided = epochs is not None
        new_callbacks = self._deepcopy_callbacks(callbacks)
        new_callbacks.append(keras.callbacks.EarlyStopping(patience=3, min_delta=1e-4))

        # Populate initial search space.
        hp = self.oracle.get_space()
        self._prepare_model_build(hp, **fit_kwargs)
        self._try_build(hp)
        self.oracle.update_space(hp)
        super().search(epochs=epochs, callbacks=new_callbacks, verbose=verbose, **fit_kwargs)

        copied_fit_kwargs = copy.copy(fit_kwargs)
        copied_fit_kwargs["epochs"] = self._get_best_trial_epochs()
        copied_fit_kwargs.pop("validation_data")
        pipeline, model, history = self.final_fit(**copied_fit_kwargs)
        model.save(self.best_model_path)
        with open(os.path.join(self.project_dir, "best_pipeline"), "w") as f:
            json.dump(pipeline, f)
        self._finished = True
        return history

    def get_state(self):
        state = super().get_state()
        state.update({"finished": self._finished})
        return state

    def set_state(self, state):
        super().set_state(state)
        self._finished = state.get("finished")

    def _get_best_trial_epochs(self):
        best_trial = self.oracle.get_best_trials(1)[0]
        # steps counts from 0, so epochs = step + 1.
        return self.oracle.get_trial(best_trial.trial_id).best_step + 1

    def _build_best_model(self):
        best_trial = self.oracle.get_best_trials(1)[0]
        best_hp = best_trial.hyperparameters
        return self._try_build(best_hp)

    def final_fit(self, **kwargs):
        best_trial = self.oracle.get_best_trials(1)[0]
        best_hp = best_trial.hyperparameters
        pipeline, kwargs["x"], kwargs["validation_data"] = self._prepare_model_build(
            best_hp, **kwargs
        )
        model = self._build_best_model()
        history = model.fit(**kwargs)
        return pipeline, model, history

    @property
    def best_model_path(self):
        return os.path.join(self.project_dir, "best_model.keras")

    @property
    def objective(self):
        return self.oracle.objective

    @property
    def max_trials(self):
        return self.oracle.max_trials


class RandomAuto(AutoTuner):
    def __init__(self, hypermodel, objective="val_loss", max_trials=10, seed=None, **kwargs):
        oracle = keras_tuner.oracles.RandomSearchOracle(
            objective=objective, max_trials=max_trials, seed=seed
        )
        super().__init__(hypermodel=hypermodel, oracle=oracle, **kwargs)


x, y = np.random.rand(24, 3), np.random.rand(24, 1)
tuner = RandomAuto(Graph(name="g"), max_trials=3, seed=1, directory="auto", project_name="m")
history = tuner.search(x=x, y=y, epochs=2, verbose=0, validation_data=(x[:8], y[:8]))
assert history.history["loss"]
assert tuner.objective.name == "val_loss" and tuner.max_trials == 3
assert os.path.exists(os.path.join("auto", "m", "graph"))
best = tuner.oracle.get_best_trials(1)[0]
with open(tuner._pipeline_path(best.trial_id)) as f:
    assert json.load(f)["scale"] == best.hyperparameters.get("scale")
assert tuner.get_best_model().predict(x, verbose=0).shape == (24, 1)
names = {p.name for p in tuner.oracle.get_space().space}
assert {"scale", "num_layers", "block_0/units"} <= names, names

# What a tuner keeps in `get_state` is there in the next process.
tuner.save()
again = RandomAuto(Graph(name="g"), max_trials=3, seed=1, directory="auto", project_name="m")
assert again._finished is True
assert again.search(x=x, y=y, epochs=2, validation_data=(x[:8], y[:8])) is None
print("OK")
