"""A BaseTuner that tunes scikit-learn models and keeps them by pickle in the trial's folder."""

import os
import pickle

import keras_tuner as kt
import numpy as np
from keras_tuner.engine import base_tuner
from sklearn import ensemble, linear_model, metrics
from sklearn.model_selection import KFold


def build_model(hp):
    model_type = hp.Choice("model_type", ["random_forest", "ridge"])
    if model_type == "random_forest":
        with hp.conditional_scope("model_type", "random_forest"):
            model = ensemble.RandomForestRegressor(
                n_estimators=hp.Int("n_estimators", 5, 20, step=5),
                max_depth=hp.Int("max_depth", 3, 10),
            )
    elif model_type == "ridge":
        with hp.conditional_scope("model_type", "ridge"):
            model = linear_model.Ridge(alpha=hp.Float("alpha", 1e-3, 1, sampling="log"))
    else:
        raise ValueError("Unrecognized model_type")
    return model


class Sklearn(base_tuner.BaseTuner):
    def __init__(self, oracle, hypermodel, scoring=None, cv=KFold(3, shuffle=True), **kwargs):
        super().__init__(oracle=oracle, hypermodel=hypermodel, **kwargs)
        self.scoring = scoring
        self.cv = cv

    def run_trial(self, trial, X, y):
        scores = []
        for train, test in self.cv.split(X):
            model = self.hypermodel.build(trial.hyperparameters)
            model.fit(X[train], y[train])
            scores.append(metrics.r2_score(y[test], model.predict(X[test])))
        self.save_model(trial.trial_id, model)
        return {"score": np.mean(scores), "spread": np.std(scores)}

    def save_model(self, trial_id, model, step=0):
        fname = os.path.join(self.get_trial_dir(trial_id), "model.pickle")
        with open(fname, "wb") as f:
            pickle.dump(model, f)

    def load_model(self, trial):
        fname = os.path.join(self.get_trial_dir(trial.trial_id), "model.pickle")
        with open(fname, "rb") as f:
            return pickle.load(f)


X = np.random.uniform(size=(60, 5))
y = X @ np.array([1.0, 2.0, 3.0, 4.0, 5.0])

tuner = Sklearn(
    kt.oracles.BayesianOptimizationOracle(
        objective=kt.Objective("score", "max"), max_trials=8, num_initial_points=3
    ),
    build_model,
    directory="sk",
    project_name="r2",
)
assert {p.name for p in tuner.oracle.get_space().space} >= {"model_type", "n_estimators"}
tuner.search(X, y)
tuner.results_summary(3)
model = tuner.get_best_models()[0]
assert metrics.r2_score(y, model.predict(X)) > 0.5
best = tuner.oracle.get_best_trials(1)[0]
assert best.score == max(t.score for t in tuner.oracle.trials.values())
assert os.path.isdir(tuner.get_trial_dir(best.trial_id))
assert os.path.samefile(tuner.project_dir, os.path.join("sk", "r2"))
assert tuner.get_trial_dir(best.trial_id).startswith(tuner.project_dir)
print("OK")
