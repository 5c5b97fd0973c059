"""A program for Keras Tuner, as its guides have them."""

import sys

import keras
import keras_tuner
import numpy as np
import tensorflow as tf

keras.config.set_epsilon(1e-6)


@keras.saving.register_keras_serializable("mine")
class Scale(keras.layers.Layer):
    def call(self, inputs):
        return inputs * 2.0


class MyHyperModel(keras_tuner.HyperModel):
    def build(self, hp):
        model = keras.Sequential([keras.Input((4,)), Scale()])
        if hp.Boolean("hidden"):
            with hp.conditional_scope("hidden", [True]):
                model.add(keras.layers.Dense(hp.Int("units", 4, 16, step=4), activation="relu"))
        model.add(keras.layers.Dense(1))
        model.compile("adam", "mse", metrics=["mae"])
        return model

    def fit(self, hp, model, *args, **kwargs):
        print("epsilon", keras.config.epsilon(), keras.saving.get_registered_name(Scale))
        return model.fit(*args, batch_size=hp.Choice("batch_size", [16, 32]), **kwargs)


rng = np.random.default_rng(0)
x = rng.normal(size=(64, 4)).astype("float32")
y = x @ np.array([1.0, -2.0, 3.0, 0.5], "float32")
val_ds = tf.data.Dataset.from_tensor_slices((x, y)).map(lambda a, b: (a, b)).batch(32)

tuner = keras_tuner.RandomSearch(
    MyHyperModel(),
    objective=keras_tuner.Objective("val_mae", "min"),
    max_trials=3,
    optimizer=keras.optimizers.SGD(0.01),
    directory="out",
    project_name="tiny",
)
tuner.search_space_summary()
tuner.search(
    x,
    y,
    validation_data=val_ds,
    epochs=2,
    callbacks=[keras.callbacks.EarlyStopping("val_loss", patience=1)],
    verbose=0,
)
tuner.results_summary()
best = tuner.get_best_models(num_models=2)[0]
mae = best.evaluate(val_ds, verbose=0, return_dict=True)["mae"]
trial = tuner.oracle.get_best_trials()[0]
sys.exit(0 if abs(mae - trial.score) < 1e-4 else f"{mae} is not {trial.score}")
