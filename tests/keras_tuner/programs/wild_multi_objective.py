"""Several objectives in a list."""

import keras
import keras_tuner as kt
import numpy as np

x, y = np.random.rand(40, 3).astype("float32"), np.random.randint(0, 2, (40, 1))


def build_model(hp):
    model = keras.Sequential([keras.Input((3,)), keras.layers.Dense(hp.Int("units", 2, 8)), keras.layers.Dense(1, activation="sigmoid")])
    model.compile("sgd", "binary_crossentropy", metrics=["accuracy"])
    return model


tuner = kt.RandomSearch(
    build_model,
    objective=["val_loss", kt.Objective("val_accuracy", "max")],
    max_trials=2,
    directory="mo",
    project_name="keras",
)
assert tuner.oracle.objective.name == "multi_objective"
tuner.search(x, y, epochs=2, validation_split=0.25, verbose=0)
tuner.results_summary()
trial = tuner.oracle.get_best_trials(1)[0]
metrics = trial.metrics
assert np.isclose(trial.score, metrics.get_best_value("val_loss") - metrics.get_best_value("val_accuracy"))
assert tuner.get_best_models()[0].predict(x, verbose=0).shape == (40, 1)


# What the documentation of `objective` says to return: the sum stands among the metrics.
class MyTuner(kt.RandomSearch):
    def run_trial(self, trial):
        a = trial.hyperparameters.Float("a", 0, 1)
        return {"mae": a, "r2": 1 - a, "multi_objective": a - (1 - a)}


tuner = MyTuner(
    objective=[kt.Objective("mae", "min"), kt.Objective("r2", "max")], max_trials=5, directory="mo", project_name="dict"
)
tuner.search()
best = tuner.get_best_hyperparameters()[0].get("a")
assert best == min(t.hyperparameters.get("a") for t in tuner.oracle.trials.values())
print("OK")
