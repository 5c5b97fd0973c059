"""Trains a small CNN on scikit-learn's digits with every configuration of a grid, once.

    KERAS_BACKEND=torch .venv-quality/bin/python benchmarks/digits_table.py

writes `digits_table.json`, which `quality.py` looks losses up in: so a real search space can be
searched with many seeds, although a training takes a second.
"""

import itertools
import json
import math
from pathlib import Path

TABLE = Path(__file__).with_suffix(".json")
FILTERS = (8, 16, 32, 64)
KERNELS = (3, 5)
OPTIMIZERS = ("sgd", "adam", "rmsprop")
RATES, DROPOUTS = 7, 4
"""Numbers of levels: rates of 1e-4, 3e-4, … 0.1; dropouts of 0, 0.2, 0.4, 0.6."""
EPOCHS = 4
WORST = math.log(10)
"""The loss of a guess, and of a training that diverged."""


def grid() -> list[tuple[int, int, int, int, str]]:
    """Filters, kernel, level of the rate, level of the dropout, optimizer."""
    return list(itertools.product(FILTERS, KERNELS, range(RATES), range(DROPOUTS), OPTIMIZERS))


def train(filters: int, kernel: int, rate: int, dropout: int, optimizer: str) -> float:
    """The validation loss after the last epoch."""
    import keras
    import numpy as np
    from sklearn.datasets import load_digits

    keras.utils.set_random_seed(0)
    images, labels = load_digits(return_X_y=True)
    images = (images / 16).reshape(-1, 8, 8, 1).astype("float32")
    held = np.arange(len(images)) % 4 == 0
    model = keras.Sequential(
        [
            keras.Input((8, 8, 1)),
            keras.layers.Conv2D(filters, kernel, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(),
            keras.layers.Flatten(),
            keras.layers.Dropout(0.2 * dropout),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )
    made = keras.optimizers.get(optimizer)
    made.learning_rate = 10 ** (rate / 2 - 4)
    model.compile(made, "sparse_categorical_crossentropy")
    model.fit(images[~held], labels[~held], batch_size=64, epochs=EPOCHS, verbose=0)
    loss = float(model.evaluate(images[held], labels[held], batch_size=450, verbose=0))
    return min(loss, WORST) if math.isfinite(loss) else WORST


def main() -> None:
    """Trains them all and writes the losses in the order of `grid`."""
    losses = []
    for configuration in grid():
        losses.append(round(train(*configuration), 5))
        if len(losses) % 50 == 0:
            print(len(losses), min(losses), flush=True)
    TABLE.write_text(json.dumps(losses) + "\n")


if __name__ == "__main__":
    main()
