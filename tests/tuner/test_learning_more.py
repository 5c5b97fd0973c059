"""Constraints, several objectives, and earlier searches: what a model takes into account."""

import math

import numpy as np
import pytest

from tuner import BaseTuner, BayesianOptimization, Objective, RandomSearch
from tuner.core.hyperparameters import HyperParameters
from tuner.core.objective import Constraint, create_constraints, non_dominated
from tuner.core.trial import TrialStatus
from tuner.journal.folding import replay
from tuner.journal.history import History
from tuner.journal.project import Project
from tuner.oracles import BayesianOptimizationOracle, RandomSearchOracle
from tuner.oracles.bayesian.encoding import Encoder
from tuner.oracles.observing import observe, scalarised
from tuner.testing import Search, score_of

OBJECTIVE = Objective("score", "min")


def box(names="xy"):
    hp = HyperParameters()
    for name in names:
        hp.Float(name, 0.0, 1.0)
    return hp


def bayesian(space, objective=OBJECTIVE, **options):
    return BayesianOptimizationOracle(
        objective,
        1000,
        hyperparameters=space,
        max_consecutive_failed_trials=1000,
        **{"seed": 0, **options},
    )


def run(oracle, trials, metrics_of):
    for _ in range(trials):
        trial = oracle.create_trial("slot")
        metrics = metrics_of(trial.values)
        if len(metrics) > 1 and "score" not in metrics:
            metrics["multi_objective"] = metrics["a"] + metrics["b"]
        oracle.update_trial(trial.trial_id, metrics)
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    return list(oracle.trials.values())


# Constraints.


def sized(values):
    """Without the constraint the least score is at x = 1, where the size is 1."""
    return {"score": 1 - values["x"] + 0.3 * (values["y"] - 0.5) ** 2, "size": values["x"] ** 2}


def test_the_best_trial_is_the_best_of_those_that_keep_the_constraints():
    oracle = bayesian(box(), constraints=[("size", "<=", 0.25)])
    created = run(oracle, 25, sized)
    feasible = [t for t in created if t.values["x"] <= 0.5]
    best = min(feasible, key=lambda t: t.score)
    assert oracle.history.best is best
    assert oracle.get_best_trials()[0] is best
    assert [t in feasible for t in oracle.get_best_trials(25)] == sorted(
        (t in feasible for t in created), reverse=True
    )
    assert best.score < 0.51  # 0.5 is the least there is


def test_the_model_learns_where_a_constraint_is_violated():
    oracle = bayesian(box(), constraints=[("size", "<=", 0.25)])
    created = run(oracle, 24, sized)
    late = [trial.values["x"] for trial in created[12:]]
    assert sum(x > 0.55 for x in late) <= 5
    assert sum(0.45 < x < 0.51 for x in late) >= 6


def test_while_nothing_keeps_the_constraints_it_looks_for_what_does():
    def metrics_of(values):
        return {"score": values["x"], "size": abs(values["x"] - 0.87) + abs(values["y"] - 0.13)}

    oracle = bayesian(box(), constraints=[("size", "<=", 0.02)])
    created = run(oracle, 25, metrics_of)
    assert any(oracle.history.is_feasible(trial) for trial in created)


def test_what_a_trial_did_not_tell_keeps_no_constraint():
    oracle = bayesian(box(), constraints=[("size", "<=", 0.25)])
    created = Search(oracle, outcome=score_of).run(8)
    assert len(created) == 8
    assert oracle.history.best is None


@pytest.mark.parametrize(("relation", "value"), [("<=", 2.0), (">=", 2.0)])
def test_a_constraint_holds_up_to_its_bound_and_not_beyond(relation, value):
    constraint = Constraint("size", relation, 2.0)
    beyond = math.nextafter(2.0, 3.0 if relation == "<=" else 1.0)
    assert constraint.excess_of(value) == 0.0
    assert constraint.excess_of(beyond) > 0.0


@pytest.mark.parametrize(
    "wrong", ["size", ("size", "<", 1), ("size", "<=", "1"), ("size", "<="), (1, "<=", 1)]
)
def test_what_is_no_constraint_is_refused(wrong):
    with pytest.raises(ValueError, match="Expected a constraint like"):
        create_constraints([wrong])


class Sized(RandomSearch):
    def run_trial(self, trial, **kwargs):
        x = trial.hyperparameters.Float("x", 0.0, 1.0)
        return {"score": 1 - x, "size": x}


def test_who_reads_a_project_knows_its_constraints(tmp_path):
    options = {"objective": OBJECTIVE, "max_trials": 12, "seed": 0, "project_name": "p"}
    tuner = Sized(**options, directory=tmp_path, constraints=[("size", "<=", 0.5)])
    tuner.search(verbose=0)
    history = History(OBJECTIVE)
    replay(history, Project(str(tmp_path), "p").events())
    assert history.best.trial_id == tuner.oracle.history.best.trial_id
    assert 0.2 < history.best.values["x"] <= 0.5
    again = Sized(**{**options, "max_trials": 13}, directory=tmp_path)
    again.search(verbose=0)
    assert again.oracle.history.best.values["x"] > 0.5


@pytest.mark.story
def test_a_keras_model_tells_its_size(tmp_path):
    import keras

    def build(hp):
        model = keras.Sequential(
            [keras.Input((3,)), keras.layers.Dense(hp.Choice("n", [2, 9])), keras.layers.Dense(1)]
        )
        model.compile("sgd", "mse")
        return model

    tuner = RandomSearch(
        build, "loss", 2, seed=0, directory=tmp_path, constraints=[("model_size", "<=", 20)]
    )
    tuner.search(np.ones((4, 3)), np.zeros(4), verbose=0)
    assert tuner.get_best_hyperparameters()[0].values == {"n": 2}
    sizes = {t.values["n"]: t.record["model_size"] for t in tuner.oracle.trials.values()}
    assert sizes == {2: 11, 9: 46}


# Several objectives.


def two_bowls(values):
    """The front lies between (0.2, 0.2) and (0.8, 0.8)."""
    x, y = values["x"], values["y"]
    return {"a": (x - 0.2) ** 2 + (y - 0.2) ** 2, "b": -((x - 0.8) ** 2) - (y - 0.8) ** 2}


def hypervolume(points, reference=(0.8, 0.8)):
    """The area that two losses dominate."""
    area, low = 0.0, reference[1]
    for a, b in sorted(points):
        if a < reference[0] and b < low:
            area += (reference[0] - a) * (low - b)
            low = b
    return area


def test_several_objectives_are_searched_along_their_front():
    objectives = [Objective("a", "min"), Objective("b", "max")]

    def area(oracle):
        run(oracle, 40, two_bowls)
        front = oracle.get_pareto_trials()
        return hypervolume(
            [(t.metrics.get_best_value("a"), -t.metrics.get_best_value("b")) for t in front]
        )

    model = area(bayesian(box(), objectives))
    chance = area(RandomSearchOracle(objectives, 1000, 0, box()))
    exact = hypervolume([(2 * t * t, 2 * (0.6 - t) ** 2) for t in np.linspace(0, 0.6, 1000)])
    assert chance < model
    assert model > 0.97 * exact


def test_the_weights_reach_every_part_of_the_front():
    rng = np.random.default_rng(0)
    losses = np.array([[0.0, 1.0], [0.4, 0.4], [1.0, 0.0], [1.0, 1.0]])
    assert non_dominated(losses).tolist() == [True, True, True, False]
    best = [int(scalarised(losses, rng).argmin()) for _ in range(100)]
    assert set(best) == {0, 1, 2}


def test_objectives_of_different_scales_count_alike():
    losses = np.random.default_rng(0).random((20, 3))
    plain = scalarised(losses, np.random.default_rng(1))
    scaled = scalarised(losses * [1, 1e6, 1e-6], np.random.default_rng(1))
    assert scaled == pytest.approx(plain)


# Earlier searches.


class Bowl(BaseTuner):
    """Least at `centre`."""

    centre = 0.3

    def run_trial(self, trial, **kwargs):
        hp = trial.hyperparameters
        return sum((hp.Float(n, 0.0, 1.0) - self.centre) ** 2 for n in "xyz")


@pytest.fixture
def earlier(tmp_path):
    oracle = BayesianOptimizationOracle(OBJECTIVE, 20, seed=1)
    Bowl(oracle, directory=tmp_path, project_name="earlier").search(verbose=0)
    return f"{tmp_path}/earlier"


def test_a_warm_start_begins_with_the_best_and_finds_better_ones_sooner(tmp_path, earlier):
    def best(name, **options):
        oracle = BayesianOptimizationOracle(
            OBJECTIVE, 6, seed=2, hyperparameters=box("xyz"), **options
        )
        tuner = Bowl(oracle, directory=tmp_path, project_name=name)
        tuner.centre = 0.33
        tuner.search(verbose=0)
        return [t.score for t in tuner.oracle.trials.values()]

    cold, warm = best("cold"), best("warm", warm_start_from=[earlier])
    assert warm[0] < 0.02
    assert min(warm) < 2e-3 < min(cold)


def test_earlier_trials_are_read_once_and_kept_with_the_search(tmp_path, earlier):
    options = {"objective": OBJECTIVE, "max_trials": 3, "seed": 0}
    oracle = BayesianOptimizationOracle(**options, warm_start_from=earlier)
    Bowl(oracle, directory=tmp_path, project_name="new").search(verbose=0)
    Project(str(tmp_path), "earlier").erase()
    oracle = BayesianOptimizationOracle(**{**options, "max_trials": 5}, warm_start_from=earlier)
    again = Bowl(oracle, directory=tmp_path, project_name="new")
    again.search(verbose=0)
    assert len(again.oracle.trials) == 5
    assert len(again.oracle.history.earlier[earlier]) == 20


def test_a_space_need_only_overlap_and_a_random_search_repeats_the_best(tmp_path, earlier):
    space = HyperParameters()
    space.Float("x", 0.0, 1.0)
    space.Float("y", 0.5, 1.0, default=0.6)
    space.Choice("kind", ["a", "b"])
    oracle = RandomSearchOracle(
        OBJECTIVE, 4, 0, space, warm_start_from=[earlier], constraints=[("size", "<=", 1)]
    )
    tuner = Sized2(oracle, directory=tmp_path, project_name="new")
    tuner.search(verbose=0)
    first = next(iter(tuner.oracle.trials.values())).values
    best = min(tuner.oracle.history.earlier[earlier], key=lambda t: t.score).values
    assert first["x"] == best["x"]
    assert first["y"] == 0.6  # what it was is not allowed any more
    assert first["kind"] == "a"


class Sized2(BaseTuner):
    def run_trial(self, trial, **kwargs):
        return {"score": trial.values["x"], "size": 1.0}


def test_what_is_no_project_with_the_same_objective_is_refused(tmp_path, earlier):
    oracle = RandomSearchOracle(OBJECTIVE, 4, 0, box(), warm_start_from=[f"{tmp_path}/none"])
    with pytest.raises(ValueError, match=r"no project\.json"):
        Bowl(oracle, directory=tmp_path, project_name="new").search(verbose=0)
    other = Objective("accuracy", "max")
    oracle = RandomSearchOracle(other, 4, 0, box(), warm_start_from=[earlier])
    with pytest.raises(ValueError, match="objective"):
        Bowl(oracle, directory=tmp_path, project_name="other").search(verbose=0)


# Noise.


def test_executions_of_a_trial_give_the_noise_a_figure():
    def observed(spread):
        oracle = bayesian(box())
        rng = np.random.default_rng(0)
        for _ in range(20):
            trial = oracle.create_trial("slot")
            scores = [score_of(trial) + spread * rng.standard_normal() for _ in range(4)]
            trial.record["scores"] = scores
            oracle.update_trial(trial.trial_id, {"score": float(np.mean(scores))})
            trial.status = TrialStatus.COMPLETED
            oracle.end_trial(trial)
        encoder = Encoder(oracle.history.space)
        return observe(oracle.history, encoder, np.random.default_rng(0)).noise

    little, much = observed(0.01), observed(0.1)
    assert 30 < much / little < 300
    # Of the mean of four, in units of the scores' own deviation, 0.29.
    assert 0.3 < much / (0.1**2 / 4 / 0.29**2) < 3
    assert observed(0.0) == 0.0


# Tuners.


def test_a_bayesian_tuner_takes_all_of_it(tmp_path, earlier):
    tuner = BayesianOptimization(
        lambda hp: None,
        objective=OBJECTIVE,
        warm_start_from=[earlier],
        constraints=[("size", "<=", 1.0)],
        acquisition="ucb",
        directory=tmp_path,
    )
    assert tuner.oracle.acquisition == "ucb"
    assert tuner.oracle.warm_start_from == [earlier]
