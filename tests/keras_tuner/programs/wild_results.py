"""The usual Keras search, and everything people read from it afterwards."""

import os

import keras
import keras_tuner as kt
import numpy as np

x, y = np.random.rand(40, 3).astype("float32"), np.random.randint(0, 2, (40, 1))


def build_model(hp):
    model = keras.Sequential([keras.Input((3,))])
    for i in range(hp.Int("layers", 1, 2)):
        model.add(keras.layers.Dense(hp.Int("units_" + str(i), 4, 8, step=2), activation=hp.Choice("act_" + str(i), ["relu", "tanh"])))
    model.add(keras.layers.Dense(1, activation="sigmoid"))
    model.compile(
        keras.optimizers.Adam(hp.Float("lr", 1e-4, 1e-2, sampling="log", default=1e-3)),
        "binary_crossentropy",
        metrics=["accuracy", keras.metrics.AUC(name="auc")],
    )
    return model


tuner = kt.BayesianOptimization(
    build_model,
    objective=kt.Objective("val_auc", direction="max"),
    max_trials=4,
    num_initial_points=2,
    alpha=1e-4,
    beta=2.6,
    seed=42,
    executions_per_trial=1,
    directory=os.path.normpath("keras_tuning"),
    project_name="kt",
    overwrite=True,
)
tuner.search_space_summary(extended=True)
callbacks = [
    keras.callbacks.EarlyStopping(monitor="val_loss", patience=1, restore_best_weights=True),
    keras.callbacks.ReduceLROnPlateau(monitor="val_loss", factor=0.2, patience=1, min_lr=1e-6),
    keras.callbacks.ModelCheckpoint("mine.keras", monitor="val_loss", save_best_only=True),
    keras.callbacks.TerminateOnNaN(),
]
assert tuner.search(x, y, epochs=3, batch_size=8, validation_split=0.25, callbacks=callbacks, verbose=0) is None
assert os.path.exists("mine.keras")
# The callbacks of the user were not touched.
assert callbacks[0].stopped_epoch == 0 and len(callbacks) == 4

tuner.results_summary(num_trials=2)
best_hps = tuner.get_best_hyperparameters(num_trials=1)[0]
print(best_hps.values)
assert best_hps.get("lr") == best_hps["lr"] == best_hps.values["lr"]
assert best_hps.get_config()["values"] == best_hps.values
assert isinstance(best_hps.get("layers"), int) and isinstance(best_hps.get("act_0"), str)
assert "units_0" in best_hps and "nothing" not in best_hps
try:
    best_hps.get("nothing")
except KeyError as error:
    assert "nothing does not exist" in str(error)
else:
    raise AssertionError

trials = tuner.oracle.get_best_trials(num_trials=10)
assert len(trials) == 4
assert [t.score for t in trials] == sorted((t.score for t in trials), reverse=True)
rows = []
for trial in trials:
    trial.summary()
    assert trial.status == "COMPLETED" and trial.status == kt.engine.trial.TrialStatus.COMPLETED
    assert trial is tuner.oracle.get_trial(trial.trial_id) or trial.trial_id == tuner.oracle.get_trial(trial.trial_id).trial_id
    rows.append({**trial.hyperparameters.values, "Score": trial.score, "Step": trial.best_step})
    history = trial.metrics.get_history("val_auc")
    assert history[0].value and isinstance(history[0].step, int)
    assert trial.metrics.get_best_value("val_auc") == trial.score
    assert trial.metrics.get_statistics("val_loss")["mean"] > 0
    assert trial.metrics.get_best_step("val_auc") == trial.best_step
    assert set(trial.metrics.metrics) >= {"loss", "accuracy", "auc", "val_loss", "val_accuracy", "val_auc"}
    assert trial.metrics.metrics["val_auc"].get_best_value() == trial.score
    state = trial.get_state()
    assert state["score"] == trial.score and state["hyperparameters"]["values"] == trial.hyperparameters.values
assert len(rows) == 4 and all("lr" in row for row in rows)

model = tuner.hypermodel.build(best_hps)
model.fit(x, y, epochs=1, verbose=0)
models = tuner.get_best_models(num_models=2)
assert len(models) == 2
evaluated = models[0].evaluate(x[30:], y[30:], verbose=0, return_dict=True)
assert abs(evaluated["auc"] - trials[0].score) < 1e-5, (evaluated, trials[0].score)
weights = models[0].get_weights()
assert tuner.load_model(trials[0]).get_weights()[0].shape == weights[0].shape

assert os.path.samefile(tuner.project_dir, os.path.join("keras_tuning", "kt"))
assert tuner.directory == "keras_tuning" and tuner.project_name == "kt"
assert os.path.isdir(tuner.project_dir)
assert tuner.remaining_trials == 0 and tuner.oracle.remaining_trials() == 0
assert tuner.oracle.objective == kt.Objective("val_auc", "max")
assert str(tuner.oracle.objective) == 'Objective(name="val_auc", direction="max")'
assert tuner.executions_per_trial == 1 and tuner.max_model_size is None
assert tuner.oracle.seed == 42 and tuner.oracle.max_trials == 4
assert list(tuner.oracle.start_order) == list(tuner.oracle.trials)
assert sorted(tuner.oracle.end_order) == sorted(tuner.oracle.start_order)
assert tuner.oracle.ongoing_trials == {}
assert tuner.oracle.hyperparameters.space and tuner.oracle.allow_new_entries and tuner.oracle.tune_new_entries
tuner.reload()
assert len(tuner.oracle.get_best_trials(10)) == 4

# Another tuner on the same folder sees the same.
other = kt.BayesianOptimization(
    build_model, objective=kt.Objective("val_auc", direction="max"), max_trials=4, directory="keras_tuning", project_name="kt"
)
assert [t.score for t in other.oracle.get_best_trials(4)] == [t.score for t in trials]
assert other.get_best_hyperparameters()[0].values == best_hps.values
other.search(x, y, epochs=3, validation_split=0.25)
assert len(other.oracle.trials) == 4
assert np.allclose(other.get_best_models()[0].get_weights()[0], weights[0])
other.reload()
print("OK")
