"""Oracles on functions: every tuner, their orders and their ends."""

import math

import keras_tuner as kt


def objective_of(hp):
    x = hp.Float("x", -2.0, 2.0)
    y = hp.Int("y", -2, 2)
    return x * x + y * y


class Bayes(kt.BayesianOptimization):
    def run_trial(self, trial, *args, **kwargs):
        return objective_of(trial.hyperparameters)


tuner = Bayes(max_trials=14, directory="bb", project_name="bayes", seed=1, overwrite=True)
tuner.search()
tuner.results_summary()
assert len(tuner.oracle.trials) == 14
assert tuner.oracle.get_best_trials(1)[0].score < 1.5
assert tuner.oracle.objective.name == "default_objective"


class Grid(kt.GridSearch):
    def run_trial(self, trial):
        hp = trial.hyperparameters
        a = hp.Choice("a", [1, 2, 3])
        b = hp.Choice("b", ["x", "y"])
        return a + (b == "y") / 10


tuner = Grid(directory="bb", project_name="grid", overwrite=True)
tuner.search()
order = [tuple(tuner.oracle.get_trial(i).hyperparameters.values.values()) for i in tuner.oracle.start_order]
assert order == [(1, "x"), (1, "y"), (2, "x"), (2, "y"), (3, "x"), (3, "y")], order


class Random(kt.RandomSearch):
    def run_trial(self, trial):
        return trial.hyperparameters.Choice("a", [1, 2, 3, 4])


tuner = Random(max_trials=50, directory="bb", project_name="random", seed=2, overwrite=True)
tuner.search()
values = [t.hyperparameters.get("a") for t in tuner.oracle.trials.values()]
assert len(set(values)) == len(values) <= 4


# Failures: an exception is INVALID and tried again, then FAILED; NaN too; the search goes on.
class Flaky(kt.RandomSearch):
    runs = []

    def run_trial(self, trial):
        self.runs.append(trial.trial_id)
        x = trial.hyperparameters.Float("x", 0, 1)
        first = trial.trial_id == self.runs[0]
        if first and self.runs.count(trial.trial_id) == 1:
            raise ValueError("by chance")
        if len(set(self.runs)) == 2:
            return math.nan
        return x


tuner = Flaky(max_trials=4, max_retries_per_trial=1, directory="bb", project_name="flaky", overwrite=True)
tuner.search()
statuses = [tuner.oracle.get_trial(i).status for i in tuner.oracle.start_order]
assert statuses == ["COMPLETED", "FAILED", "COMPLETED", "COMPLETED"], statuses
assert Flaky.runs.count(Flaky.runs[0]) == 2


class Broken(kt.RandomSearch):
    def run_trial(self, trial):
        trial.hyperparameters.Float("x", 0, 1)
        raise ValueError("always broken")


tuner = Broken(max_trials=10, max_consecutive_failed_trials=3, directory="bb", project_name="broken", overwrite=True)
try:
    tuner.search()
except RuntimeError as error:
    assert "Number of consecutive failures exceeded the limit of 3." in str(error)
    assert "always broken" in str(error)
else:
    raise AssertionError("the search went on")
assert len(tuner.oracle.trials) == 3


class Silent(kt.RandomSearch):
    def run_trial(self, trial):
        trial.hyperparameters.Float("x", 0, 1)


tuner = Silent(max_trials=2, directory="bb", project_name="silent", overwrite=True)
try:
    tuner.search()
except kt.errors.FatalTypeError as error:
    print(error)
else:
    raise AssertionError("None is no result")

for wrong in (
    lambda: kt.RandomSearch(objective="val_loss"),
    lambda: Random(objective="no_such_metric_at_all"),
    lambda: Random(unknown_argument=1),
    lambda: kt.oracles.RandomSearchOracle(objective="val_loss", allow_new_entries=False),
    lambda: kt.oracles.RandomSearchOracle(objective="val_loss", tune_new_entries=False),
):
    try:
        wrong()
    except ValueError:
        continue
    raise AssertionError(wrong)
print("OK")
