"""Bayesian optimisation keeps the laws of oracles, and finds what others do not."""

import itertools
import math
import random
import statistics

import numpy as np
import pytest

from tuner import Objective, TrialStatus
from tuner.core.hyperparameters import HyperParameters
from tuner.core.hyperparameters.sampling import values_key
from tuner.core.proposal import Proposal
from tuner.oracles import BayesianOptimizationOracle, RandomSearchOracle
from tuner.oracles.bayesian.acquisition import LogExpectedImprovement, Utility
from tuner.oracles.bayesian.encoding import Encoder
from tuner.oracles.bayesian.surrogate import Observations, build_utility
from tuner.oracles.bayesian_optimization import propose
from tuner.oracles.drawing import Recipe
from tuner.oracles.observing import warp
from tuner.testing import OracleTests, Search, mixed_space

OBJECTIVE = Objective("score", "min")


@pytest.mark.story
class TestBayesianOptimization(OracleTests):
    def make(self, space, seed=0):
        return BayesianOptimizationOracle(
            OBJECTIVE, 1000, None, 1e-4, 2.6, seed, space, max_consecutive_failed_trials=1000
        )


def create(space, objective=OBJECTIVE, **kwargs):
    options = {"max_trials": 1000, "seed": 0, "max_consecutive_failed_trials": 1000, **kwargs}
    return BayesianOptimizationOracle(objective, hyperparameters=space, **options)


def box(dimensions=2):
    hp = HyperParameters()
    for k in range(dimensions):
        hp.Float(f"x{k}", 0.0, 1.0)
    return hp


def point(trial):
    return np.array([trial.values[name] for name in sorted(trial.values)])


def bowl(trial):
    """Least at 0.3 in every coordinate, with value 0."""
    return float(((point(trial) - 0.3) ** 2).sum())


def distances(points):
    return [np.abs(a - b).max() for a, b in itertools.combinations(points, 2)]


@pytest.mark.story
def test_it_finds_the_minimum_of_a_function_with_several():
    """Branin's function: random search has a median regret of 1.3 after 25 trials."""
    space = HyperParameters()
    space.Float("a", -5.0, 10.0)
    space.Float("b", 0.0, 15.0)

    def branin(trial):
        a, b = trial.values["a"], trial.values["b"]
        inner = b - 5.1 * a * a / (4 * math.pi**2) + 5 * a / math.pi - 6
        return inner**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(a) + 10

    regrets = []
    for seed in range(3):
        created = Search(create(space.copy(), seed=seed), outcome=branin).run(25)
        regrets.append(min(trial.score for trial in created) - 0.397887)
    assert statistics.median(regrets) < 0.02


@pytest.mark.story
def test_it_goes_where_the_score_is_best_in_either_direction():
    for direction, sign in (("min", 1), ("max", -1)):
        oracle = create(box(), Objective("score", direction))
        created = Search(oracle, outcome=lambda t, sign=sign: sign * bowl(t)).run(16)
        assert min(bowl(trial) for trial in created) < 1e-3


@pytest.mark.story
def test_it_finds_the_best_of_categories_numbers_and_branches():
    space = mixed_space()

    def loss(trial):
        values = trial.values
        own = 1.0 if values["kind"] == "a" else (values["momentum"] - 0.6) ** 2
        rate = (math.log10(values["rate"]) + 2) ** 2
        return own + 0.1 * rate + 0.2 * (values["layers"] - 2) ** 2

    best = min(Search(create(space), outcome=loss).run(30), key=lambda t: t.score)
    assert best.score < 0.01


def waves(trial):
    return float(np.sin(25 * point(trial)).sum()) + bowl(trial)


def test_slots_that_ask_at_once_get_points_apart():
    oracle = create(box(4), num_initial_points=6)
    Search(oracle, outcome=waves).run(12)
    asked = [oracle.create_trial(f"slot-{k}") for k in range(6)]
    assert min(distances([point(trial) for trial in asked])) > 0.03


def test_trials_that_are_running_make_no_difference_to_what_is_known_elsewhere_only_there():
    oracle = create(box(), num_initial_points=6)
    Search(oracle, outcome=bowl).run(10)
    first = propose(oracle.history, np.random.default_rng(1))
    running = oracle.create_trial("slot")
    again = propose(oracle.history, np.random.default_rng(1))
    assert isinstance(first, Proposal)
    assert isinstance(again, Proposal)
    assert values_key(again.values) != values_key(running.values)
    assert again.values != first.values


@pytest.mark.story
def test_failed_trials_repel():
    """Around the minimum everything fails: the best that is left is 0.02."""

    def outcome(trial):
        return None if np.abs(point(trial) - 0.3).max() < 0.1 else bowl(trial)

    created = Search(create(box(), num_initial_points=6), outcome=outcome).run(25)
    failed = [point(t) for t in created if t.status == TrialStatus.FAILED]
    assert 2 <= len(failed) <= 15
    assert min(distances(failed)) > 0.001
    assert min(t.score for t in created if t.score is not None) < 0.02


def test_a_chance_of_failure_is_weighed_against_the_loss():
    """Failed trials whose losses would be believed to be the best."""
    space = box(1)
    points = np.linspace(0, 1, 11)[:, None]
    seen = Observations(
        points=points[:8],
        targets=warp(1.0 - points[:8, 0]),
        failed=points[8:],
        running=np.zeros((0, 1)),
        categorical=Encoder(space).categorical,
        context=np.zeros(0),
        feasible=np.ones(8, dtype=bool),
    )
    careful = build_utility(seen, LogExpectedImprovement, 1e-8, np.random.default_rng(0))
    careless = Utility(careful.losses, careful.acquisition)
    at = np.array([[0.4], [0.85], [0.95]])
    assert (careless(at)[1:] > careless(at)[0]).all()
    assert (careful(at) - careless(at))[0] == pytest.approx(0.0, abs=0.1)
    assert (careful(at) - careless(at) < -2)[1:].all()


@pytest.mark.story
@pytest.mark.parametrize("outlier", [1e6, 1e300])
def test_one_outlier_does_not_spoil_the_search(outlier):
    fates = random.Random(0)

    def outcome(trial):
        return outlier if fates.random() < 0.2 else bowl(trial)

    created = Search(create(box()), outcome=outcome).run(25)
    assert min(t.score for t in created) < 1e-3


def test_a_finite_space_of_many_points_is_exhausted_exactly():
    space = HyperParameters()
    space.Int("a", 0, 5)
    space.Choice("b", ["x", "y", "z"])
    created = Search(create(space), slots=2, outcome=lambda t: t.values["a"]).run()
    assert len({values_key(trial.values) for trial in created}) == len(created) == 18


def test_what_the_model_learns_is_used_in_a_finite_space():
    space = HyperParameters()
    space.Int("a", 0, 99)
    created = Search(create(space), outcome=lambda t: (t.values["a"] - 62) ** 2).run(14)
    assert min(t.score for t in created) <= 1


def test_a_space_with_nothing_to_choose_has_one_trial():
    space = HyperParameters()
    space.Fixed("a", 1)
    assert len(Search(create(space)).run()) == 1


def test_a_space_that_nobody_knows_yet_grows_while_it_is_searched():
    def outcome(trial):
        hp = trial.hyperparameters
        value = hp.Float("x", 0.0, 1.0)
        if value > 0.5:
            value += hp.Float("y", 0.0, 1.0, default=0.5)
        return value

    created = Search(create(None), slots=2, outcome=outcome).run(14)
    assert len(created) == 14
    assert min(t.score for t in created) < 0.05


def test_defaults_that_somebody_chose_are_tried_first():
    space = box()
    space.Int("layers", 1, 9, default=4)
    assert create(space).create_trial("slot").values == {"x0": 0.0, "x1": 0.0, "layers": 4}
    assert create(box()).create_trial("slot").values != {"x0": 0.0, "x1": 0.0}


def test_the_first_trial_is_the_middle_of_all_ranges():
    space = box()
    space.Float("rate", 1e-4, 1.0, sampling="log")
    space.Int("layers", 1, 5)
    space.Choice("kind", ["a", "b", "c"])
    firsts = [create(space.copy(), seed=seed).create_trial("slot").values for seed in range(9)]
    assert {first.pop("kind") for first in firsts} == {"a", "b", "c"}
    middle = {"x0": 0.5, "x1": 0.5, "rate": pytest.approx(0.01), "layers": 3}
    assert firsts == [middle] * 9


def test_the_first_trials_fill_the_space():
    oracle = create(box(), num_initial_points=8)
    created = Search(oracle, slots=8).run(8)
    for column in np.array([point(trial) for trial in created[1:]]).T:
        assert len(set((column * 8).astype(int))) == 7


def test_trials_that_are_running_count_among_the_first():
    """With four slots it is the ninth, as with one, that is the model's."""
    options = {"seed": 0, "hyperparameters": box()}
    even = RandomSearchOracle(OBJECTIVE, 1000, sampler="sobol", **options)
    modelled = create(box(), num_initial_points=8)
    pairs = zip(*(Search(o, slots=4, outcome=bowl).run(9) for o in (modelled, even)), strict=True)
    assert [a.values == b.values for a, b in pairs][1:] == [True] * 7 + [False]


@pytest.mark.parametrize(("categories", "first"), [(0, 4), (2, 4), (6, 7), (30, 10)])
def test_a_model_is_asked_later_where_there_are_many_categories(categories, first):
    space = box()
    for k in range(categories):
        space.Choice(f"c{k}", ["a", "b", "c"])
    options = {"seed": 0, "hyperparameters": space.copy()}
    even = RandomSearchOracle(OBJECTIVE, 1000, sampler="sobol", **options)
    outcome = lambda trial: trial.values["x0"]  # noqa: E731
    found = [Search(o, outcome=outcome).run(first + 1) for o in (create(space), even)]
    same = [a.values == b.values for a, b in zip(*found, strict=True)]
    assert same[1:] == [True] * (first - 1) + [False]


def test_keras_tuners_arguments_ask_for_keras_tuners_acquisition():
    assert create(box())._recipe() == Recipe()
    assert create(box(), beta=1.0)._recipe() == Recipe(None, "ucb", 1e-8, 1.0)
    assert create(box(), alpha=0.1)._recipe() == Recipe(None, "ucb", 0.1, 2.6)
    assert create(box(), beta=1.0, acquisition="log_ei")._recipe().acquisition == "log_ei"
    assert create(box(), acquisition="ucb")._recipe().acquisition == "ucb"
    with pytest.raises(ValueError, match="acquisition='ei'"):
        create(box(), acquisition="ei")
    with pytest.raises(ValueError, match="alpha=0"):
        create(box(), alpha=0)


def test_a_larger_beta_explores_more():
    spreads = []
    for beta in (0.01, 30.0):
        oracle = create(box(), num_initial_points=6, beta=beta)
        created = Search(oracle, outcome=bowl).run(16)
        spreads.append(statistics.mean(bowl(trial) for trial in created[8:]))
    assert spreads[0] < 0.3 * spreads[1]


def test_helpers_that_subclasses_call_speak_in_probabilities():
    space = HyperParameters()
    space.Float("x", 0.0, 10.0)
    space.Fixed("f", 3)
    space.Choice("c", ["a", "b"])
    with space.conditional_scope("c", ["b"]):
        space.Int("n", 0, 3)
    oracle = create(space)
    Search(oracle, outcome=lambda t: -t.values["x"]).run(3)
    points, losses = oracle._vectorize_trials()
    assert [p.name for p in oracle._nonfixed_space()] == ["x", "c", "n"]
    assert oracle._get_hp_bounds().tolist() == [[0, 1]] * 3
    assert points.shape == (3, 3)
    assert (points[:, 0] * -10).tolist() == pytest.approx(losses.tolist())
    for row, trial in zip(points, oracle.trials.values(), strict=True):
        assert oracle._vector_to_values(row) == pytest.approx(trial.values)
    assert oracle._random_populate_space()["status"] == TrialStatus.RUNNING
