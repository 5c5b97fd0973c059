"""The example in the docstring of SklearnTuner."""

import keras_tuner
import numpy as np
from sklearn import ensemble, linear_model, metrics, model_selection


def build_model(hp):
    model_type = hp.Choice("model_type", ["random_forest", "ridge"])
    if model_type == "random_forest":
        model = ensemble.RandomForestClassifier(
            n_estimators=hp.Int("n_estimators", 10, 20, step=10),
            max_depth=hp.Int("max_depth", 3, 10),
        )
    else:
        model = linear_model.RidgeClassifier(alpha=hp.Float("alpha", 1e-3, 1, sampling="log"))
    return model


tuner = keras_tuner.tuners.SklearnTuner(
    oracle=keras_tuner.oracles.BayesianOptimizationOracle(
        objective=keras_tuner.Objective("score", "max"), max_trials=4
    ),
    hypermodel=build_model,
    scoring=metrics.make_scorer(metrics.accuracy_score),
    cv=model_selection.StratifiedKFold(3),
    directory="sk",
    project_name="my_project",
)

X = np.random.uniform(size=(60, 10))
y = (X[:, 0] > 0.5).astype(int)
X_train, X_test, y_train, y_test = model_selection.train_test_split(X, y, test_size=0.2)

tuner.search(X_train, y_train)

best_model = tuner.get_best_models(num_models=1)[0]
assert best_model.score(X_test, y_test) >= 0
assert 0.3 < tuner.oracle.get_best_trials(1)[0].score <= 1
print("OK")
