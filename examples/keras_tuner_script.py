"""A Keras Tuner program as it is, for `trialflow run`."""

import keras
import keras_tuner as kt
from sklearn.datasets import load_digits


def build_model(hp):
    model = keras.Sequential([keras.Input((64,))])
    model.add(keras.layers.Dense(hp.Int("units", 16, 64, step=16), activation="relu"))
    if hp.Boolean("dropout"):
        model.add(keras.layers.Dropout(0.25))
    model.add(keras.layers.Dense(10, activation="softmax"))
    rate = hp.Float("learning_rate", 1e-4, 1e-2, sampling="log")
    model.compile(
        keras.optimizers.Adam(rate), "sparse_categorical_crossentropy", metrics=["accuracy"]
    )
    return model


x, y = load_digits(return_X_y=True)
tuner = kt.RandomSearch(
    build_model,
    objective="val_accuracy",
    max_trials=4,
    directory="results",
    project_name="keras_tuner_script",
)
tuner.search(x / 16, y, epochs=3, validation_split=0.2, verbose=0)
tuner.results_summary(1)
model = tuner.get_best_models()[0]
loss, accuracy = model.evaluate(x[-360:] / 16, y[-360:], verbose=0)
print(f"The best model's accuracy is {accuracy:.3f}")
