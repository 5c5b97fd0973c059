"""A script that is run twice: the second time it finds what the first one did."""

import os

import keras_tuner as kt

again = os.path.exists("first.txt")
counted = []


class MyTuner(kt.GridSearch):
    def run_trial(self, trial):
        hp = trial.hyperparameters
        counted.append(trial.trial_id)
        if not again and len(counted) == 5:
            raise KeyboardInterrupt
        return hp.Int("a", 1, 3) * hp.Choice("b", [1.0, 2.0, 3.0])


class Bands(kt.Hyperband):
    def run_trial(self, trial):
        hp = trial.hyperparameters
        x = hp.Float("x", 0, 1)
        assert hp.values["tuner/epochs"] > hp.values["tuner/initial_epoch"]
        return x / hp.values["tuner/epochs"]


hp = kt.HyperParameters()
hp.Float("x", 0, 1)
tuner = Bands(
    max_epochs=4,
    factor=2,
    hyperparameters=hp,
    directory="resume",
    project_name="bands",
)
assert (len(tuner.oracle.trials) > 0) == again
tuner.search()
# Brackets of 4, 3 and 3 configurations for max_epochs=4 and factor=2.
assert len(tuner.oracle.trials) == 15, len(tuner.oracle.trials)
assert tuner.oracle.get_best_trials(1)[0].hyperparameters.values["tuner/epochs"] == 4

hp = kt.HyperParameters()
hp.Int("a", 1, 3)
tuner = MyTuner(directory="resume", project_name="grid", hyperparameters=hp)
try:
    tuner.search()
except KeyboardInterrupt:
    assert not again
    open("first.txt", "w").close()
else:
    assert again
    values = sorted(tuple(t.hyperparameters.values.values()) for t in tuner.oracle.trials.values())
    assert len(values) == len(set(values)) == 9, values
    assert len(counted) == 5, counted
    assert tuner.get_best_hyperparameters()[0].values == {"a": 1, "b": 1.0}
print("OK")
