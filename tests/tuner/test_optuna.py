"""Optuna's samplers under our laws; only where Optuna is installed."""

import copy

import pytest

from tuner import Objective
from tuner.core.hyperparameters import HyperParameters
from tuner.core.hyperparameters.sampling import values_key
from tuner.oracles import OptunaOracle
from tuner.testing import OracleTests, Search, mixed_space

optuna = pytest.importorskip("optuna", minversion="5")

pytestmark = pytest.mark.filterwarnings("ignore::optuna.exceptions.ExperimentalWarning")

OBJECTIVE = Objective("score", "min")


def create(sampler, space, objective=OBJECTIVE, **options):
    return OptunaOracle(
        sampler,
        objective,
        1000,
        hyperparameters=space,
        max_consecutive_failed_trials=1000,
        **{"seed": 0, **options},
    )


@pytest.mark.story
class TestNsga2(OracleTests):
    def make(self, space, seed=0):
        return create(optuna.samplers.NSGAIISampler(population_size=6), space, seed=seed)


def test_a_sampler_finds_the_minimum():
    space = HyperParameters()
    space.Float("x", -1.0, 1.0)
    space.Int("n", 1, 9, step=2)
    space.Float("rate", 1e-3, 1.0, sampling="reverse_log")

    def loss(trial):
        return (trial.values["x"] - 0.3) ** 2 + abs(trial.values["n"] - 5)

    created = Search(create(optuna.samplers.TPESampler(), space), outcome=loss).run(40)
    assert min(t.score for t in created) < 0.05
    assert {t.values["n"] for t in created} <= {1, 3, 5, 7, 9}


def test_several_objectives_are_several_for_the_sampler():
    oracle = create(
        optuna.samplers.TPESampler(),
        mixed_space(),
        [Objective("a", "min"), Objective("b", "max")],
    )
    for n in range(15):
        trial = oracle.create_trial("slot")
        rate = trial.values["rate"]
        oracle.update_trial(trial.trial_id, {"a": rate, "b": rate * n, "multi_objective": 0.0})
        trial.status = "COMPLETED"
        oracle.end_trial(trial)
    assert oracle.create_trial("slot").values
    assert len(oracle._replay._study.best_trials) >= 1


def test_a_configuration_the_user_asked_for_does_not_confuse_the_sampler():
    oracle = create(optuna.samplers.TPESampler(), mixed_space())
    Search(oracle).run(12)
    oracle.enqueue({"rate": 0.01, "kind": "a"})
    created = Search(oracle).run(6)
    assert created[0].values["rate"] == 0.01
    assert len({values_key(t.values) for t in oracle.trials.values()}) == 18


def test_the_samplers_own_seed_does_not_matter():
    asked = [
        [t.values for t in Search(create(sampler, mixed_space())).run(12)]
        for sampler in (
            optuna.samplers.TPESampler(seed=1, n_startup_trials=3),
            optuna.samplers.TPESampler(n_startup_trials=3),
        )
    ]
    assert asked[0] == asked[1]


def test_what_is_no_sampler_is_refused():
    with pytest.raises(TypeError, match="sampler='tpe'"):
        create("tpe", copy.deepcopy(mixed_space()))


def test_the_sampler_knows_every_trial_that_has_ended():
    known = []

    class Watching(optuna.samplers.RandomSampler):
        def sample_independent(self, study, trial, name, distribution):
            known.append(len(study.get_trials(states=[optuna.trial.TrialState.COMPLETE])))
            return super().sample_independent(study, trial, name, distribution)

    space = HyperParameters()
    space.Float("x", 0.0, 1.0)
    Search(create(Watching(), space)).run(6)
    assert known == [0, 1, 2, 3, 4, 5]
