"""keras.io/guides/keras_tuner/tailor_the_search_space."""

import keras
import keras_tuner
import numpy as np
from keras import layers


def build_model(hp):
    model = keras.Sequential()
    model.add(layers.Flatten())
    model.add(layers.Dense(units=hp.Int("units", min_value=32, max_value=128, step=32)))
    if hp.Boolean("dropout"):
        model.add(layers.Dropout(rate=0.25))
    model.add(layers.Dense(units=10, activation="softmax"))
    model.compile(
        optimizer=keras.optimizers.Adam(
            learning_rate=hp.Choice("learning_rate", values=[1e-2, 1e-3, 1e-4])
        ),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


hp = keras_tuner.HyperParameters()

# This will override the `learning_rate` parameter with your
# own selection of choices
hp.Float("learning_rate", min_value=1e-4, max_value=1e-2, sampling="log")

tuner = keras_tuner.RandomSearch(
    build_model,
    hyperparameters=hp,
    # Prevent unlisted parameters from being tuned
    tune_new_entries=False,
    objective="val_accuracy",
    max_trials=3,
    overwrite=True,
    directory="my_dir",
    project_name="search_a_few",
)

# Generate random data
x_train = np.random.rand(32, 28, 28, 1)
y_train = np.random.randint(0, 10, (32, 1))
x_val = np.random.rand(20, 28, 28, 1)
y_val = np.random.randint(0, 10, (20, 1))

# Run the search
tuner.search(x_train, y_train, epochs=1, validation_data=(x_val, y_val))
tuner.search_space_summary()

assert [p.name for p in tuner.oracle.get_space().space] == ["learning_rate"]
rates = {t.hyperparameters.get("learning_rate") for t in tuner.oracle.trials.values()}
assert len(rates) == 3 and not rates & {1e-2, 1e-3}
assert {t.hyperparameters.get("units") for t in tuner.oracle.trials.values()} == {32}

hp = keras_tuner.HyperParameters()
hp.Fixed("learning_rate", value=1e-4)

tuner = keras_tuner.RandomSearch(
    build_model,
    hyperparameters=hp,
    tune_new_entries=True,
    objective="val_accuracy",
    max_trials=3,
    overwrite=True,
    directory="my_dir",
    project_name="fix_a_few",
)

tuner.search(x_train, y_train, epochs=1, validation_data=(x_val, y_val))
tuner.search_space_summary()
assert {t.hyperparameters.get("learning_rate") for t in tuner.oracle.trials.values()} == {1e-4}
assert {p.name for p in tuner.oracle.get_space().space} == {"learning_rate", "units", "dropout"}

tuner = keras_tuner.RandomSearch(
    build_model,
    optimizer=keras.optimizers.Adam(1e-3),
    loss="mse",
    metrics=["sparse_categorical_crossentropy"],
    objective="val_loss",
    max_trials=3,
    overwrite=True,
    directory="my_dir",
    project_name="override_compile",
)

tuner.search(x_train, y_train, epochs=1, validation_data=(x_val, y_val))

assert len(tuner.oracle.get_best_trials(3)) == 3
assert all(t.status == "COMPLETED" for t in tuner.oracle.trials.values())
metrics = tuner.oracle.get_best_trials(1)[0].metrics
assert metrics.exists("val_sparse_categorical_crossentropy") and not metrics.exists("val_accuracy")
model = tuner.get_best_models()[0]
assert model.loss == "mse"

# `allow_new_entries=False`: whatever is not listed is an error.
hp = keras_tuner.HyperParameters()
hp.Choice("learning_rate", [1e-1, 1e-3])
try:
    keras_tuner.RandomSearch(
        build_model,
        hyperparameters=hp,
        allow_new_entries=False,
        objective="val_accuracy",
        max_trials=3,
        overwrite=True,
        directory="my_dir",
        project_name="not_allowed",
    )
except RuntimeError as error:
    assert "allow_new_entries" in str(error), error
else:
    raise AssertionError("new entries were let in")

# Built-in hypermodel with a search space of one's own.
hypermodel = keras_tuner.applications.HyperXception(input_shape=(28, 28, 1), classes=10)
hp = keras_tuner.HyperParameters()
hp.Choice("learning_rate", values=[1e-2, 1e-3, 1e-4])
tuner = keras_tuner.RandomSearch(
    hypermodel,
    hyperparameters=hp,
    tune_new_entries=False,
    optimizer=keras.optimizers.Adam(1e-3),
    loss="mse",
    metrics=[keras.metrics.Precision(), keras.metrics.Recall()],
    objective="val_loss",
    max_trials=3,
    overwrite=True,
    directory="my_dir",
    project_name="helloworld",
)
assert [p.name for p in tuner.oracle.get_space().space] == ["learning_rate"]
print("OK")
