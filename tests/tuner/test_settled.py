"""What a model expects of more trials, and the search that ends once that is hardly anything."""

import itertools

import numpy as np
import pytest
from searches import history_of

from tuner import BaseTuner, HyperParameters, Objective, RandomSearch
from tuner.core.proposal import Budget
from tuner.journal.project import Project
from tuner.oracles import AsyncHyperbandOracle, BayesianOptimizationOracle, RandomSearchOracle
from tuner.oracles.limits import Limits
from tuner.oracles.outlook import EARLIEST, EVERY, IN_A_ROW, outlook, settled
from tuner.testing import Search, mixed_space

OBJECTIVE = Objective("score", "min")
SOONEST = EARLIEST + EVERY * (IN_A_ROW - 1)


def square(dimensions=2):
    space = HyperParameters()
    for k in range(dimensions):
        space.Float(f"x{k}", 0.0, 1.0)
    return space


def bowl(values):
    return sum((value - 0.3) ** 2 for value in values.values())


def rugged(values):
    """Each point has a value of its own: a model learns nothing of the others."""
    return float(np.random.default_rng([int(v * 1e9) for v in values.values()]).random())


def searched(function, trials=60, space=None, seed=0, objective=OBJECTIVE, **options):
    oracle = BayesianOptimizationOracle(
        objective, trials, seed=seed, hyperparameters=space or square(), until="settled", **options
    )
    Search(oracle, outcome=lambda trial: function(trial.values)).run(trials)
    return oracle


@pytest.mark.parametrize(("direction", "sign"), [("min", 1), ("max", -1)])
def test_a_search_that_has_found_the_minimum_ends_and_says_what_it_expects(direction, sign):
    oracle = searched(lambda v: sign * bowl(v), objective=Objective("score", direction))
    assert SOONEST <= len(oracle.end_order) < 40
    assert abs(oracle.history.best.score) < 1e-4
    message = oracle.create_trial("slot").message
    assert message.startswith("settled: expected further improvement ")
    assert message.endswith(" of score")


def test_one_that_may_still_improve_goes_on():
    assert len(searched(rugged, 36).end_order) == 36


def test_it_is_not_fooled_by_what_noise_has_made_the_best():
    rng = np.random.default_rng(0)
    history = history_of(square(), lambda v: 0.1 * bowl(v) + 0.3 * rng.standard_normal(), 60)
    history.best = history.ranked()[0]
    noisy = outlook(history)
    assert noisy.sure < 0.5
    assert noisy.improvement < 0.1
    exact = outlook(history_of(square(), bowl, 60))
    assert exact.sure > 0.9


def test_the_best_of_clear_trials_is_surely_the_best_and_more_of_them_would_help():
    found = outlook(history_of(square(), bowl, 15))
    best = min(bowl(t.values) for t in history_of(square(), bowl, 15).trials.values())
    assert found.sure == found.close == 1.0
    assert 0.3 * best < found.improvement < 3 * best
    assert 0.1 < found.spread < 0.4
    assert found.left == found.improvement / found.spread


def test_scores_in_other_units_and_the_other_direction_are_expected_to_improve_alike():
    plain = outlook(history_of(square(), bowl, 15))
    # Powers of two round nothing, so that the model finds the same wherever it is fitted.
    scaled = outlook(history_of(square(), lambda v: 1024 * bowl(v), 15))
    assert scaled.improvement == pytest.approx(1024 * plain.improvement, rel=1e-9)
    assert scaled.left == pytest.approx(plain.left, rel=1e-9)
    turned = history_of(square(), lambda v: -1024 * bowl(v), 15)
    turned.objective = Objective("y", "max")
    assert outlook(turned).improvement == scaled.improvement
    moved = outlook(history_of(square(), lambda v: 1024 * bowl(v) + 7, 15))
    assert moved.left == pytest.approx(plain.left, rel=0.1)


def test_nothing_is_expected_of_a_space_that_is_tried_out():
    space = HyperParameters()
    space.Int("x0", 0, 11)
    history = history_of(space, lambda v: float((v["x0"] - 5) ** 2), 80)
    assert len({trial.values["x0"] for trial in history.trials.values()}) == 12
    assert outlook(history).improvement == 0


def test_the_same_history_gives_the_same_answer_whatever_was_asked_before():
    asked, fresh = history_of(square(), bowl, 40), history_of(square(), bowl, 40)
    for ended in (20, 30, 35, 38):
        assert outlook(asked, ended) == outlook(history_of(square(), bowl, ended))
    assert settled(asked) == settled(asked) == settled(fresh)


def test_what_runs_does_not_count():
    history = searched(bowl, 24).history
    before = outlook(history)
    oracle = searched(bowl, 24)
    oracle.max_trials = 30
    oracle.until = None
    assert oracle.create_trial("one").status == oracle.create_trial("two").status == "RUNNING"
    assert outlook(oracle.history) == before


@pytest.mark.parametrize("cut", [7, 23])
def test_a_search_that_was_stopped_ends_where_the_uninterrupted_one_does(tmp_path, cut):
    class Bowl(BaseTuner):
        def run_trial(self, trial, **_):
            if int(trial.trial_id) == self.cut:
                raise KeyboardInterrupt
            hp = trial.hyperparameters
            return {"score": bowl({k: hp.Float(k, 0.0, 1.0) for k in ("x0", "x1")})}

    def search(name, at):
        oracle = BayesianOptimizationOracle(OBJECTIVE, 60, seed=0)
        tuner = Bowl(oracle, directory=tmp_path, project_name=name)
        tuner.cut = at
        try:
            tuner.search(until="settled", verbose=0)
        except KeyboardInterrupt:
            return search(name, None)
        return [t.values for t in tuner.oracle.trials.values()], tuner.oracle.history.end_reason

    values, reason = search("whole", None)
    assert reason.startswith("settled")
    assert search("cut", cut) == (values, reason)
    ended = Project(str(tmp_path), "cut").events()[-1]
    assert ended.reason == reason


def test_budgets_constraints_failures_and_categories_are_understood():
    budgets = [Budget(3, 0, None), Budget(9, 0, None)]
    of_epochs = history_of(square(), lambda v, b: bowl(v) + 1 / b.epochs, 40, budgets=budgets)
    assert 0 < outlook(of_epochs).improvement < 0.2
    oracle = AsyncHyperbandOracle(
        OBJECTIVE, 9, seed=0, hyperparameters=mixed_space(), max_trials=40, until="settled"
    )
    every_fifth = itertools.cycle([0.3, 0.1, None, 0.5, 0.2])
    Search(oracle, 2, outcome=lambda _: next(every_fifth)).run()
    assert outlook(oracle.history) is not None


def test_an_improvement_that_breaks_a_constraint_is_none():
    def expected(*constraints):
        oracle = RandomSearchOracle(
            OBJECTIVE, 15, 0, square(1), constraints=[("size", *each) for each in constraints]
        )
        search = Search(oracle, outcome=lambda trial: trial.values["x0"])
        for _ in range(15):
            trial = oracle.create_trial("slot")
            size = {"score": trial.values["x0"], "size": trial.values["x0"]}
            oracle.update_trial(trial.trial_id, size)
            search.end(trial)
        return outlook(oracle.history).improvement

    free = expected()
    assert free > 0.01
    best = 0.5
    assert expected((">=", best)) < 10 * free


def test_nothing_is_said_and_nothing_raised_where_no_model_can_be_fitted(monkeypatch):
    assert outlook(history_of(square(), bowl, 9)) is None
    assert outlook(history_of(square(), lambda _: 1.0, 40)) is None
    assert outlook(history_of(HyperParameters(), lambda _: 1.0, 40)) is None
    assert outlook(history_of(square(), lambda _: float("nan"), 40)) is None
    assert outlook(history_of(square(), lambda v: 1e300 * bowl(v), 40)) is not None

    def broken(*_):
        raise np.linalg.LinAlgError("singular")

    monkeypatch.setattr("tuner.oracles.bayesian.surrogate.build_utility", broken)
    history = history_of(square(), bowl, 40)
    assert outlook(history) is None
    assert Limits(until="settled").reason_to_stop(history) is None


def test_several_objectives_are_refused_at_the_start(tmp_path):
    class Both(RandomSearch):
        def run_trial(self, trial, **_):
            raise AssertionError("no trial may begin")

    both = [Objective("cost", "min"), Objective("gain", "max")]
    tuner = Both(objective=both, max_trials=5, directory=tmp_path, hyperparameters=square())
    with pytest.raises(ValueError, match=r"single objective with until='settled'.*cost, gain"):
        tuner.search(until="settled", verbose=0)
    with pytest.raises(ValueError, match="until='done'"):
        tuner.search(until="done", verbose=0)


def test_the_model_is_asked_ever_less_often(monkeypatch):
    asked = []
    monkeypatch.setattr("tuner.oracles.outlook.outlook", lambda _, ended: asked.append(ended))
    history = history_of(square(), bowl, 0)
    whole = history_of(square(), bowl, 300)
    for trial in whole.trials.values():
        history.trials.put(trial)
        history.end_order.append(trial.trial_id)
        assert settled(history) is None
    assert len(asked) == len(set(asked)) < 60
    assert all(b - a >= max(EVERY, a // 20) for a, b in itertools.pairwise(asked))
