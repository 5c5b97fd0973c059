"""Grid search keeps the laws of oracles, in Keras Tuner's order and without its defects."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from spaces import NESTED_POINTS, nested_space, space_of

from tuner import BaseTuner, Objective, TrialStatus
from tuner.core.proposal import Done, Wait
from tuner.journal.folding import replay
from tuner.journal.history import History
from tuner.oracles.grid_search import Grid, GridSearchOracle
from tuner.testing import LONGEST, OracleTests, Search, mixed_space, score_of, small_space

OBJECTIVE = Objective("score", "min")


def make(space=None, max_trials=None, **options):
    options = {"max_consecutive_failed_trials": 1000, **options}
    return GridSearchOracle(OBJECTIVE, max_trials, 0, space, **options)


class TestGridSearch(OracleTests):
    def make(self, space, seed=0):
        return GridSearchOracle(OBJECTIVE, None, seed, space, max_consecutive_failed_trials=1000)

    def test_the_same_seed_asks_the_same_and_zero_is_a_seed(self):
        """A grid leaves nothing to chance, so any seed asks the same."""
        first, other = (
            [t.values for t in Search(self.make(mixed_space(), seed)).run(5)] for seed in (0, 1)
        )
        assert first == other


def grid_of(space):
    """All points, by the successor alone."""
    grid = Grid(space.space)
    points = [grid.first()]
    while (following := grid.after(points[-1])) is not None:
        points.append(following)
    return points


def values_of(trials):
    return [trial.values for trial in trials]


def test_the_order_is_keras_tuners():
    space = space_of(lambda hp: hp.Choice("a", [1, 2, 3]), lambda hp: hp.Choice("b", ["x", "y"]))
    found = [f"{v['a']}{v['b']}" for v in values_of(Search(make(space)).run())]
    assert found == ["1x", "1y", "2x", "2y", "3x", "3y"]


def test_each_parameter_begins_with_its_default():
    space = space_of(
        lambda hp: hp.Int("a", 0, 6, step=3, default=3),
        lambda hp: hp.Boolean("b", default=True),
    )
    found = [(v["a"], v["b"]) for v in values_of(Search(make(space)).run())]
    assert found == list(itertools.product([3, 0, 6], [True, False]))


def test_inactive_children_are_absent():
    assert values_of(Search(make(nested_space())).run()) == NESTED_POINTS


def test_a_float_without_a_step_has_its_default_and_ten_samples_in_order():
    values = [v["x"] for v in grid_of(space_of(lambda hp: hp.Float("x", 0.0, 1.0, default=0.5)))]
    assert values == pytest.approx([0.5, *(0.05 + 0.1 * i for i in range(10))])


def test_an_int_has_all_its_values_and_a_logarithmic_one_ten_samples():
    assert [v["n"] for v in grid_of(space_of(lambda hp: hp.Int("n", 1, 30)))] == [*range(1, 31)]
    log = space_of(lambda hp: hp.Int("n", 1, 1000, sampling="log"))
    assert [v["n"] for v in grid_of(log)] == [1, 2, 5, 11, 22, 44, 89, 177, 355, 708]


def test_a_default_that_a_step_misses_by_rounding_is_no_second_point():
    space = space_of(lambda hp: hp.Float("x", 0.1, 0.5, step=0.1, default=0.3))
    assert len(grid_of(space)) == 5


def test_a_range_nobody_could_list_is_begun_all_the_same():
    space = space_of(lambda hp: hp.Int("n", 0, 10**30, default=7), lambda hp: hp.Boolean("b"))
    found = [(v["n"], v["b"]) for v in values_of(Search(make(space)).run(5))]
    assert found == [(7, False), (7, True), (0, False), (0, True), (1, False)]


def test_max_trials_ends_it_early():
    assert len(Search(make(nested_space(), max_trials=4), slots=3).run()) == 4


def test_failed_trials_count_as_tried():
    created = Search(make(nested_space()), slots=2, outcome=lambda _: None).run()
    assert values_of(created) == NESTED_POINTS


def test_it_waits_only_while_a_running_trial_may_reveal_more():
    oracle = make(small_space())
    search = Search(oracle, slots=9)
    search.run(5)
    assert isinstance(oracle.propose(oracle.history, None), Done)
    oracle = make(small_space())
    running = [oracle.create_trial(f"t{n}") for n in range(5)]
    assert all(trial.status == TrialStatus.RUNNING for trial in running)
    assert isinstance(oracle.propose(oracle.history, None), Wait)


# A space that is discovered during the search.


def declare_all(hp):
    """What a model declares bit by bit: a choice, a child of it, and more under an `if`."""
    hp.Choice("kind", ["a", "b"])
    with hp.conditional_scope("kind", ["b"]):
        hp.Int("width", 1, 3)
    if hp.get("kind") == "b":
        hp.Boolean("extra")
    return hp.Choice("last", [1, 2])


@pytest.mark.parametrize("slots", [1, 2, 3, 8])
@pytest.mark.parametrize("order", [None, 0, 1])
def test_a_space_that_is_discovered_late_is_covered_exactly_once(slots, order):
    def outcome(trial):
        declare_all(trial.hyperparameters)
        return score_of(trial)

    oracle = make()
    created = Search(oracle, slots, outcome, order=order).run()
    assert len(created) < LONGEST
    ran = [tuple(sorted(trial.values.items())) for trial in created]
    assert len(ran) == len(set(ran))
    # `extra` has no condition, and is combined with all that led to it.
    seen = {(v["kind"], v.get("width"), v["last"], v.get("extra")) for v in map(dict, ran)}
    met = {(kind, width, last, extra) for kind, width, last, extra in seen if kind == "b"}
    assert met == {
        ("b", width, last, extra)
        for width, last, extra in itertools.product((1, 2, 3), (1, 2), (False, True))
    }
    assert {(kind, last) for kind, _, last, _ in seen - met} == {("a", 1), ("a", 2)}


def test_a_parameter_met_under_an_if_does_not_stop_the_search():
    """With several slots Keras Tuner raises KeyError over a trial that never met the parameter."""

    def outcome(trial):
        hp = trial.hyperparameters
        return float(hp.Int("units", 2, 4)) if hp.Boolean("hidden") else 0.0

    created = Search(make(), outcome=outcome).run()
    assert [(v["hidden"], v.get("units")) for v in values_of(created)] == [
        (False, None),
        (True, 2),
        (True, 3),
        (True, 4),
    ]


def test_choices_that_depend_on_one_another_without_a_scope_are_as_many_as_keras_tuners():
    def outcome(trial):
        hp = trial.hyperparameters
        return float(
            hp.Choice("one", [0, 1, 2]) if hp.Boolean("which") else hp.Choice("two", [3, 4, 5])
        )

    assert len(Search(make(), outcome=outcome).run()) == 3 + 3 * 3


def test_it_waits_where_a_running_trial_may_meet_what_another_has_met():
    def end(trial):
        trial.hyperparameters.Boolean("late")
        oracle.update_trial(trial.trial_id, {"score": 1.0})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)

    oracle = make(space_of(lambda hp: hp.Boolean("early")))
    one, two = oracle.create_trial("1"), oracle.create_trial("2")
    assert oracle.create_trial("3").status == TrialStatus.IDLE
    end(one)
    three = oracle.create_trial("3")
    assert three.values == {"early": False, "late": True}
    assert oracle.create_trial("4").status == TrialStatus.IDLE  # is there a `late` after `two`?
    end(two)
    four = oracle.create_trial("4")
    assert four.values == {"early": True, "late": True}
    assert oracle.create_trial("5").status == TrialStatus.IDLE
    end(three)
    end(four)
    assert oracle.create_trial("5").status == TrialStatus.STOPPED


def test_values_between_those_of_the_grid_leave_it_as_it_is():
    oracle = make(
        space_of(lambda hp: hp.Choice("a", [1, 2, 3]), lambda hp: hp.Float("x", 0, 1, 0.5))
    )
    oracle.enqueue({"a": 2, "x": 0.5})
    oracle.enqueue({"a": 2, "x": 0.3})
    ran = [(t.values["a"], t.values["x"]) for t in Search(oracle, slots=2).run()]
    on_grid = [point for point in ran if point[1] != 0.3]
    assert sorted(on_grid) == list(itertools.product([1, 2, 3], [0.0, 0.5, 1.0]))


def test_a_trial_that_dies_before_it_declares_anything_does_not_exhaust_the_grid():
    fates = iter([False, False])

    def outcome(trial):
        return trial.hyperparameters.Int("x", 1, 3) if next(fates, True) else None

    created = Search(make(), outcome=outcome).run()
    assert [t.status for t in created] == ["FAILED", "FAILED"] + ["COMPLETED"] * 3
    assert [t.values.get("x") for t in created] == [None, None, 1, 2, 3]


def test_entries_that_are_not_tuned_keep_their_defaults():
    space = space_of(lambda hp: hp.Choice("a", [1, 2]))

    def outcome(trial):
        return trial.hyperparameters.Choice("more", [7, 8])

    created = Search(make(space, tune_new_entries=False), slots=2, outcome=outcome).run()
    assert values_of(created) == [{"a": 1, "more": 7}, {"a": 2, "more": 7}]


# Whatever it remembers, it answers from the history alone.


@given(st.data())
@settings(max_examples=40, deadline=None)
def test_an_oracle_that_has_answered_before_answers_like_a_fresh_one(data):
    def outcome(trial):
        declare_all(trial.hyperparameters)
        return score_of(trial)

    live = make()
    events, record = [], live.session.ledger.record

    def listen(*some):
        events.extend(some)
        record(*some)

    live.session.ledger.record = listen
    slots = data.draw(st.integers(1, 4))
    Search(live, slots, outcome, order=data.draw(st.integers(0, 9))).run()
    used = make()
    for cut in data.draw(st.lists(st.integers(0, len(events)), min_size=1, max_size=8)):
        history = History(OBJECTIVE)
        replay(history, events[:cut])
        assert used.propose(history, used._rng()) == make().propose(history, used._rng())
        replay(history, events[cut : cut + 3])
        assert used.propose(history, used._rng()) == make().propose(history, used._rng())


def test_no_question_begins_at_the_start_again(monkeypatch):
    space = space_of(*(lambda hp, n=n: hp.Int(f"p{n}", 0, 9) for n in range(4)))
    oracle = make(space)
    looked = []
    after = Grid.after
    monkeypatch.setattr(Grid, "after", lambda *a, **k: looked.append(a) or after(*a, **k))
    for number in range(200):
        oracle.create_trial(f"t{number}")
    # Each trial is followed once, and found to have been followed once.
    assert len(looked) < 2 * 200


# Keras Tuner's defects.


class Gridded(BaseTuner):
    fate: BaseException | None = None
    at: str = ""

    def run_trial(self, trial):
        hp = trial.hyperparameters
        value = hp.Choice("a", [1, 2, 3]) + 10 * hp.Choice("b", [1, 2])
        if trial.trial_id == self.at:
            raise self.fate
        return {"score": float(value)}


def tuner_at(directory, max_trials=None):
    oracle = make(max_trials=max_trials)
    oracle.verbose = 0
    return Gridded(oracle, directory=str(directory), project_name="p")


ALL_SIX = [(a, b) for a in (1, 2, 3) for b in (1, 2)]


def tried(tuner):
    return [(t.values["a"], t.values["b"]) for t in tuner.oracle.trials.values()]


@pytest.mark.parametrize("stop", range(7))
def test_a_search_goes_on_when_max_trials_was_raised(tmp_path, stop):
    """Keras Tuner stops at 3 of 6 without a word."""
    tuner_at(tmp_path, max_trials=stop).search()
    again = tuner_at(tmp_path)
    again.search()
    assert tried(again) == ALL_SIX
    assert all(t.status == TrialStatus.COMPLETED for t in again.oracle.trials.values())


@pytest.mark.parametrize("at", [f"{number:04d}" for number in range(6)])
def test_a_search_that_was_interrupted_in_a_trial_goes_on(tmp_path, at):
    """Keras Tuner raises KeyError: '0003'."""
    cut = tuner_at(tmp_path)
    cut.fate, cut.at = KeyboardInterrupt(), at
    with pytest.raises(KeyboardInterrupt):
        cut.search()
    again = tuner_at(tmp_path)
    again.search()
    assert tried(again) == ALL_SIX


# Its private methods.


def test_combinations_are_compared_and_followed_as_in_keras_tuner():
    oracle = make(nested_space())
    for before, after in itertools.pairwise(NESTED_POINTS):
        assert oracle._get_next_combination(before) == after
        assert (oracle._compare(before, after), oracle._compare(after, before)) == (-1, 1)
    assert oracle._get_next_combination(NESTED_POINTS[-1]) is None
    assert oracle._compare(NESTED_POINTS[3], NESTED_POINTS[3]) == 0
