"""keras.io/guides/keras_tuner/distributed_tuning; fewer data and epochs."""

import keras
import keras_tuner
import numpy as np
import tensorflow as tf

x = np.random.rand(60, 28, 28).astype("float32")
y = np.random.randint(0, 10, 60)
x_train = np.expand_dims(x[:40], -1)
y_train = y[:40]
x_val = np.expand_dims(x[40:], -1)
y_val = y[40:]


def build_model(hp):
    """Builds a convolutional model."""
    inputs = keras.layers.Input(shape=(28, 28, 1))
    x = inputs
    for i in range(hp.Int("conv_layers", 1, 3, default=3)):
        x = keras.layers.Conv2D(
            filters=hp.Int("filters_" + str(i), 4, 32, step=4, default=8),
            kernel_size=hp.Int("kernel_size_" + str(i), 3, 5),
            activation="relu",
            padding="same",
        )(x)

        if hp.Choice("pooling" + str(i), ["max", "avg"]) == "max":
            x = keras.layers.MaxPooling2D()(x)
        else:
            x = keras.layers.AveragePooling2D(2)(x)

        x = keras.layers.BatchNormalization()(x)
        x = keras.layers.ReLU()(x)

    if hp.Choice("global_pooling", ["max", "avg"]) == "max":
        x = keras.layers.GlobalMaxPooling2D()(x)
    else:
        x = keras.layers.GlobalAveragePooling2D()(x)

    outputs = keras.layers.Dense(10, activation="softmax")(x)
    model = keras.Model(inputs, outputs)

    optimizer = hp.Choice("optimizer", ["adam", "sgd"])
    model.compile(optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


tuner = keras_tuner.Hyperband(
    hypermodel=build_model,
    objective="val_accuracy",
    max_epochs=2,
    factor=3,
    hyperband_iterations=1,
    distribution_strategy=tf.distribute.MirroredStrategy(["CPU:0"]),
    directory="results_dir",
    project_name="mnist",
    overwrite=True,
)

tuner.search(
    x_train,
    y_train,
    steps_per_epoch=2,
    validation_data=(x_val, y_val),
    validation_steps=1,
    callbacks=[keras.callbacks.EarlyStopping("val_accuracy")],
)

best = tuner.get_best_hyperparameters()[0]
print(best.values)
assert best.get("optimizer") in ("adam", "sgd")
assert tuner.get_best_models()[0].predict(x_val, verbose=0).shape == (20, 10)
print("OK")
