"""Handwritten digits: a small convolutional network on scikit-learn's bundled images.

trialflow search examples/digits.py --slots 2

Heavy imports stand inside the functions, so that only the training processes pay for them.
"""


def build_model(hp):
    """A stack of convolutions whose parameters exist as far as there are layers."""
    import keras

    model = keras.Sequential([keras.Input((8, 8, 1))])
    layers = hp.Int("conv_layers", 1, 2)
    for i in range(2):
        # Around the `if`, so that the search knows these parameters before the first trial.
        with hp.conditional_scope("conv_layers", list(range(i + 1, 3))):
            filters = hp.Int(f"filters_{i}", 16, 64, step=16)
            kernel = hp.Choice(f"kernel_{i}", [3, 5])
        if i < layers:
            model.add(keras.layers.Conv2D(filters, kernel, padding="same", activation="relu"))
    model.add(keras.layers.MaxPooling2D())
    model.add(keras.layers.Flatten())
    model.add(keras.layers.Dropout(hp.Float("dropout", 0.0, 0.5)))
    model.add(keras.layers.Dense(10, activation="softmax"))
    rate = hp.Float("learning_rate", 3e-4, 1e-2, sampling="log")
    model.compile(
        optimizer=keras.optimizers.Adam(rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def load_data():
    """The keyword arguments of `tuner.search`, loaded once in each training process."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    images = (images / 16).reshape(-1, 8, 8, 1).astype("float32")
    x, x_val, y, y_val = train_test_split(images, labels, test_size=0.25, random_state=0)
    return {
        "x": x,
        "y": y,
        "validation_data": (x_val, y_val),
        "epochs": 8,
        "batch_size": 32,
        "verbose": 2,
    }


def build_tuner(**project):
    """`project` holds directory, project_name and overwrite."""
    from tuner import RandomSearch

    return RandomSearch(build_model, objective="val_accuracy", max_trials=12, seed=1, **project)


if __name__ == "__main__":
    # The same search in a plain script, without Prefect, on the same project.
    tuner = build_tuner(directory="results", project_name="digits")
    tuner.search(**load_data())
    tuner.results_summary(num_trials=3)
