"""Oracles keep the laws of oracles, and Hyperband those of its paper."""

import math
import random
from collections import Counter

import pytest

from tuner import Objective, TrialStatus
from tuner.core.hyperparameters import HyperParameters
from tuner.oracles import HyperbandOracle, RandomSearchOracle
from tuner.oracles.hyperband import Ladder
from tuner.search.progress import progress_of
from tuner.testing import OracleTests, Search, mixed_space, score_of, small_space

OBJECTIVE = Objective("score", "min")


class TestRandomSearch(OracleTests):
    def make(self, space, seed=0):
        return RandomSearchOracle(OBJECTIVE, 1000, seed, space, max_consecutive_failed_trials=1000)


class TestHyperband(OracleTests):
    def make(self, space, seed=0):
        return HyperbandOracle(OBJECTIVE, 27, 3, 1, seed, space, max_consecutive_failed_trials=1000)


def hyperband(max_epochs=9, factor=3, **kwargs):
    defaults = {"objective": OBJECTIVE, "seed": 0, "hyperparameters": mixed_space()}
    return HyperbandOracle(
        max_epochs=max_epochs,
        factor=factor,
        max_consecutive_failed_trials=1000,
        **{**defaults, **kwargs},
    )


def places(trials):
    return Counter((t.budget.bracket, t.budget.rung, t.budget.epochs) for t in trials)


def test_the_table_of_brackets_is_keras_tuners():
    table = [[(r.capacity, r.epochs) for r in rungs] for rungs in Ladder(100, 3).brackets()]
    assert table == [
        [(98, 2), (33, 4), (11, 12), (4, 34), (2, 100)],
        [(41, 4), (14, 12), (5, 34), (2, 100)],
        [(18, 12), (6, 34), (2, 100)],
        [(9, 34), (3, 100)],
        [(6, 100)],
    ]


def test_the_table_is_there_under_keras_tuners_names():
    oracle = hyperband(max_epochs=100)
    assert [oracle._get_num_rounds(n) for n in range(oracle._get_num_brackets())] == [1, 2, 3, 4, 5]
    assert [oracle._get_size(4, n) for n in range(5)] == [98, 33, 11, 4, 2]
    assert [oracle._get_epochs(2, n) for n in range(3)] == [12, 34, 100]


@pytest.mark.parametrize("slots", [1, 3, 20])
def test_every_rung_fills_whatever_the_number_of_slots(slots):
    created = Search(hyperband(), slots=slots, order=slots).run()
    assert places(created) == {
        (2, 0, 1): 9,
        (2, 1, 3): 3,
        (2, 2, 9): 1,
        (1, 0, 3): 5,
        (1, 1, 9): 2,
        (0, 0, 9): 3,
    }
    assert hyperband().planned_trials == len(created)


@pytest.mark.parametrize("slots", [1, 3])
@pytest.mark.parametrize(
    "limits",
    [
        *({"max_trials": n} for n in (1, 5, 12, 23, 99)),
        *({"max_total_epochs": n} for n in (1, 8, 9, 20, 31, 60, 999)),
        {"max_trials": 15, "max_total_epochs": 20},
        {"max_trials": 40, "hyperband_iterations": math.inf},
        {"max_total_epochs": 100, "hyperband_iterations": math.inf},
    ],
    ids=str,
)
def test_a_limit_holds_and_totals_progress_and_what_is_left_agree(slots, limits):
    limits = dict(limits)
    most = limits.pop("max_trials", None)
    oracle = hyperband(**limits)
    oracle.max_trials = most
    expected, left = oracle.planned_trials, []

    def outcome(trial):
        left.append(oracle.remaining_trials())
        return score_of(trial)

    created = Search(oracle, slots, outcome).run(200)
    assert len(created) < 200
    left.append(oracle.remaining_trials())
    assert most is None or len(created) <= most
    epochs = sum(t.budget.epochs - t.budget.initial_epoch for t in created)
    assert epochs <= limits.get("max_total_epochs", math.inf)
    assert left[-1] == 0
    progress = progress_of(oracle, 0, 1.0)
    assert progress.done == progress.total == oracle.planned_trials == len(created)
    if slots == 1:  # several begin the next bracket meanwhile
        assert expected == len(created)
        assert left[:-1] == list(reversed(range(expected)))


@pytest.mark.parametrize("slots", [1, 4, 9])
@pytest.mark.parametrize("direction", ["min", "max"])
def test_exactly_the_best_are_promoted_with_their_values_and_their_parents_epochs(slots, direction):
    oracle = hyperband(objective=Objective("score", direction))
    created = Search(oracle, slots, order=slots).run()
    lowest = [t for t in created if (t.budget.bracket, t.budget.rung) == (2, 0)]
    promoted = [t for t in created if (t.budget.bracket, t.budget.rung) == (2, 1)]
    best = sorted(lowest, key=score_of, reverse=direction == "max")[:3]
    assert {t.budget.parent for t in promoted} == {t.trial_id for t in best}
    for trial in promoted:
        parent = oracle.get_trial(trial.budget.parent)
        assert trial.values == parent.values
        values = trial.hyperparameters.values
        assert (values["tuner/initial_epoch"], values["tuner/epochs"]) == (1, 3)
        assert values["tuner/trial_id"] == parent.trial_id


@pytest.mark.parametrize("failed", [0, 3])
def test_nobody_is_promoted_while_those_still_running_could_all_be_better(failed):
    """Each trial is better than those before; the first of them may fail."""

    def outcome(trial):
        return None if trial.trial_id < f"{failed:04d}" else -float(trial.trial_id)

    created = Search(hyperband(), slots=4, outcome=outcome, order=None).run()
    lowest = [t for t in created if (t.budget.bracket, t.budget.rung) == (2, 0)]
    promoted = [t.budget.parent for t in created if (t.budget.bracket, t.budget.rung) == (2, 1)]
    assert [t.status for t in lowest].count(TrialStatus.FAILED) == failed
    assert sorted(promoted) == [t.trial_id for t in lowest[-3:]]


def test_failed_trials_never_starve_the_rungs_above():
    failed = random.Random(0)
    created = Search(
        hyperband(), 3, lambda t: None if t.budget.rung == 0 and failed.random() < 0.3 else 1.0
    ).run()
    assert any(t.status == TrialStatus.FAILED for t in created)
    assert places(created)[2, 2, 9] == 1
    assert places(created)[1, 1, 9] == 2


def test_a_second_sweep_begins_when_the_first_is_over():
    created = Search(hyperband(hyperband_iterations=2)).run()
    assert len(created) == 2 * hyperband().planned_trials
    assert {t.budget.sweep for t in created} == {0, 1}


@pytest.mark.parametrize("slots", [1, 8])
def test_a_space_smaller_than_a_bracket_still_reaches_the_last_rung(slots):
    oracle = hyperband(hyperparameters=small_space())
    created = Search(oracle, slots).run()
    assert places(created) == {(2, 0, 1): 5, (2, 1, 3): 2, (2, 2, 9): 1}


def test_a_trial_that_dies_before_it_declares_anything_does_not_exhaust_the_space():
    oracle = RandomSearchOracle(OBJECTIVE, max_trials=3, seed=0)
    fates = iter([None, None, 1.0])
    created = Search(oracle, outcome=lambda _: next(fates)).run()
    assert [t.status for t in created] == ["FAILED", "FAILED", "COMPLETED"]


def test_a_space_that_nobody_knows_yet_does_not_end_the_search():
    oracle = RandomSearchOracle(OBJECTIVE, max_trials=4, seed=0)

    def outcome(trial):
        return trial.hyperparameters.Float("x", 0.0, 1.0)

    created = Search(oracle, slots=2, outcome=outcome).run()
    assert len(created) == 4
    assert len({t.values["x"] for t in created}) == 4


def test_a_space_with_nothing_to_choose_has_one_trial():
    space = HyperParameters()
    space.Fixed("a", 1)
    oracle = RandomSearchOracle(OBJECTIVE, max_trials=4, seed=0, hyperparameters=space)
    assert len(Search(oracle).run()) == 1


def test_bad_ladders_are_refused():
    with pytest.raises(ValueError, match="factor=1"):
        hyperband(factor=1)
    with pytest.raises(ValueError, match="max_epochs=0"):
        hyperband(max_epochs=0)
