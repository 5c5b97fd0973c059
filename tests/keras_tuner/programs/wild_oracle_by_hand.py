"""Oracles without a tuner: ask, tell, save, and load in another object."""

import keras_tuner as kt

ORACLES = [
    (kt.oracles.RandomSearchOracle, {"max_trials": 5}, 5),
    (kt.oracles.GridSearchOracle, {"max_trials": 5}, 5),
    (kt.oracles.BayesianOptimizationOracle, {"max_trials": 5, "num_initial_points": 2}, 5),
    (kt.oracles.HyperbandOracle, {"max_epochs": 4, "factor": 2}, 15),
]

hps = kt.HyperParameters()
hps.Choice("a", [1, 2, 3], default=3)
hps.Float("f", 0, 1)


def make(cls, options, **more):
    oracle = cls(objective=kt.Objective("score", "max"), **options, **more)
    oracle._set_project_dir("by_hand", cls.__name__)
    return oracle


for cls, options, expected in ORACLES:
    # The next values can be looked at before there is a trial.
    oracle = make(cls, options, hyperparameters=hps)
    response = oracle.populate_space("0000")
    assert response["status"] == "RUNNING"
    assert {"a", "f"} <= set(response["values"]), (cls, response)
    assert {"a", "f"} == set(oracle._random_values())

    oracle = make(cls, options)
    oracle.update_space(hps)
    assert {p.name for p in oracle.get_space().space} == {"a", "f"}
    told = []
    while True:
        trials = [oracle.create_trial(f"tuner{i}") for i in range(2)]
        if all(trial.status == "STOPPED" for trial in trials):
            break
        running = [trial for trial in trials if trial.status == "RUNNING"]
        assert oracle.create_trial("tuner0") is trials[0] or trials[0].status != "RUNNING"
        for trial in running:
            oracle.update_trial(trial.trial_id, {"score": trial.hyperparameters.get("f")})
            trial.status = "COMPLETED"
            oracle.end_trial(trial)
            told.append(trial.trial_id)
    assert len(told) == len(set(told)) == expected, (cls, told)
    assert oracle.ongoing_trials == {}
    oracle.save()
    best = oracle.get_best_trials()[0]
    assert best.score == max(t.hyperparameters.get("f") for t in oracle.trials.values())

    other = make(cls, options)
    other.reload()
    assert set(other.trials) == set(oracle.trials), cls
    assert other.get_best_trials()[0].score == best.score
    oracle.reload()
    assert len(oracle.trials) == expected, cls
print("OK")
