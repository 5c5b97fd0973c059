"""A search whose study declares another space than before goes on in that."""

import pytest
from changing import Built, lines_of, searched, tuner_of

from tuner import BaseTuner, HyperParameters, Objective, TrialStatus
from tuner.core.hyperparameters import Boolean, Choice, Fixed, Float, Int
from tuner.core.hyperparameters.comparing import describe_change, point_of
from tuner.core.hyperparameters.conditions import Parent
from tuner.journal.events import SpaceChanged
from tuner.journal.project import Project
from tuner.journal.reading import read_history
from tuner.oracles import BayesianOptimizationOracle, GridSearchOracle, RandomSearchOracle


def events(directory):
    return Project(str(directory), "p").events()


WIDE, NARROW = Float("x", 0.0, 1.0), Float("x", 0.0, 0.5)


def test_a_study_that_has_not_changed_changes_nothing(tmp_path):
    searched(tmp_path, WIDE, Int("n", 1, 9))
    said = lines_of(tuner_of(tmp_path, WIDE, Int("n", 1, 9), max_trials=8))
    assert said == []
    assert not any(isinstance(event, SpaceChanged) for event in events(tmp_path))


def test_the_search_goes_on_in_the_space_that_is_declared_now(tmp_path):
    first = searched(tmp_path, Float("x", 0.5, 1.0))
    again = tuner_of(tmp_path, Float("x", 0.7, 2.0), max_trials=12)
    said = lines_of(again)
    old, new = (
        (again.oracle.trials[i] for i in list(first.oracle.trials)),
        list(again.oracle.trials.values())[6:],
    )
    outside = [t for t in old if t.values["x"] < 0.7]
    assert 0 < len(outside) < 6
    assert all(0.7 <= t.values["x"] <= 2.0 for t in new)
    assert any(t.values["x"] > 1.0 for t in new)
    assert len(new) == 6 + len(outside)  # what lies outside does not count
    counted = f"{6 - len(outside)} of 6 trials count in it"
    what = "The space has changed: x: bounds [0.7, 2.0] (was [0.5, 1.0])"
    assert said == [f"{what}. {counted}, {len(outside)} lie outside and are learnt from."]


def test_the_best_trial_is_one_of_the_space_as_it_is_now(tmp_path):
    first = searched(tmp_path, Float("x", 0.1, 1.0))
    best = first.oracle.get_best_trials()[0]
    low = sorted(t.values["x"] for t in first.oracle.trials.values())[1]
    again = searched(tmp_path, Float("x", low, 1.0), max_trials=5)
    assert again.oracle.search_history.best.values == {"x": low}
    assert best.trial_id not in {t.trial_id for t in again.oracle.get_best_trials(5)}
    assert again.oracle.trials[best.trial_id].score == best.score  # it stays


def test_a_space_that_is_changed_back_has_its_trials_back(tmp_path):
    first = searched(tmp_path, WIDE)
    best = min(t.score for t in first.oracle.trials.values())
    searched(tmp_path, Float("x", 0.99, 1.0), max_trials=1)
    again = tuner_of(tmp_path, WIDE, max_trials=6)
    said = lines_of(again)
    assert again.oracle.search_history.best.score == best
    assert said[0].endswith("7 of 7 trials count in it.")
    assert len(again.oracle.trials) == 7


def test_hyperparameters_are_added_and_earlier_trials_had_their_defaults(tmp_path):
    searched(tmp_path, Choice("kind", ["a", "b"]), oracle=GridSearchOracle, max_trials=None)
    again = tuner_of(
        tmp_path,
        Choice("kind", ["a", "b"]),
        Boolean("late"),
        oracle=GridSearchOracle,
        max_trials=None,
    )
    said = lines_of(again)
    added = "late added, earlier trials had its default False"
    assert said == [f"The space has changed: {added}. 2 of 2 trials count in it."]
    new = [t.values for t in list(again.oracle.trials.values())[2:]]
    assert new == [{"kind": "a", "late": True}, {"kind": "b", "late": True}]


def test_hyperparameters_are_removed_and_trials_that_had_them_do_not_count(tmp_path):
    searched(tmp_path, Choice("kind", ["a", "b"]), Boolean("gone"), oracle=GridSearchOracle)
    again = tuner_of(tmp_path, Choice("kind", ["a", "b"]), oracle=GridSearchOracle)
    said = lines_of(again)
    assert "gone removed. 0 of 4 trials count in it, 4 lie outside" in said[0]
    assert [t.values for t in list(again.oracle.trials.values())[4:]] == [
        {"kind": "a"},
        {"kind": "b"},
    ]


def test_one_that_is_fixed_now_keeps_the_trials_of_that_value(tmp_path):
    searched(tmp_path, Choice("kind", ["a", "b"]), Boolean("gone"), oracle=GridSearchOracle)
    again = tuner_of(
        tmp_path, Choice("kind", ["a", "b"]), Fixed("gone", True), oracle=GridSearchOracle
    )
    assert "gone Fixed True (was Boolean). 2 of 4 trials count" in lines_of(again)[0]
    assert len(again.oracle.trials) == 4  # both points of the grid have had theirs


def test_conditions_change(tmp_path):
    kind, under = Choice("kind", ["a", "b"]), [Parent("kind", ["b"])]
    grid = {"oracle": GridSearchOracle, "max_trials": None}
    searched(tmp_path, kind, Int("n", 1, 2), **grid)
    again = tuner_of(tmp_path, kind, Int("n", 1, 2, conditions=under), **grid)
    said = lines_of(again)
    assert "n now where kind is 'b'. 2 of 4 trials count in it" in said[0]
    assert [t.values for t in list(again.oracle.trials.values())[4:]] == [{"kind": "a"}]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        (Int("p", 1, 9), Int("p", 1, 9, step=2), "p: step 2 (was 1)"),
        (Int("p", 1, 9), Int("p", 1, 9, sampling="log"), "p: step None (was 1), sampling 'log'"),
        (Choice("p", [1, 2]), Choice("p", [1, 2, 4]), "p: values [1, 2, 4] (was [1, 2])"),
        (Float("p", 0.0, 1.0), Float("p", 0.0, 1.0, default=0.5), "p: default 0.5 (was 0.0)"),
        (Float("p", 0.0, 1.0), Int("p", 0, 1), "p Int 0 to 1 (was Float 0.0 to 1.0)"),
        (Choice("p", ["a"]), Fixed("p", "a"), "p Fixed 'a' (was Choice of ['a'])"),
    ],
)
def test_each_difference_is_told_in_a_few_words(old, new, told):
    assert next(describe_change([old], [new])).startswith(told)
    assert list(describe_change([old], [old])) == []


@pytest.mark.parametrize(
    ("parameter", "inside", "outside"),
    [
        (Float("p", 0.1, 0.5), [0.1, 0.5], [0.09, 0.6, "0.3", True]),
        (Float("p", 0.0, 1.0, step=0.1), [0.3, 0.1 + 0.2], [0.35]),
        (Int("p", 1, 9, step=2), [1, 3, 9, 3.0], [2, 10, 3.5]),
        (Int("p", 1, 64, step=2, sampling="log"), [1, 2, 64], [3, 128]),
        (Choice("p", [1, 2]), [1, 2], [3, True]),
        (Choice("p", ["a"]), ["a"], ["b", 1]),
        (Boolean("p"), [True, False], [1, "True"]),
        (Fixed("p", 7), [7], [8]),
    ],
)
def test_a_value_lies_inside_where_the_parameter_could_have_proposed_it(parameter, inside, outside):
    space, hp = HyperParameters(), HyperParameters()
    space._retrieve(parameter)
    for value in inside:
        hp.values = {"p": value}
        assert point_of(space, hp) is not None, value
    for value in outside:
        hp.values = {"p": value}
        assert point_of(space, hp) is None, value


def test_a_trial_that_was_cut_off_is_not_run_again_where_it_lies_outside(tmp_path):
    cut = tuner_of(tmp_path, WIDE)
    cut.cut_at = "0002"
    with pytest.raises(KeyboardInterrupt):
        cut.search()
    again = tuner_of(tmp_path, Float("x", 2.0, 3.0), max_trials=2)
    again.search()
    withdrawn = again.oracle.trials["0002"]
    assert (withdrawn.status, withdrawn.outcome) == (TrialStatus.FAILED, "withdrawn")
    assert "the space has changed" in withdrawn.message
    assert [t.status for t in list(again.oracle.trials.values())[3:]] == [TrialStatus.COMPLETED] * 2
    assert again.oracle.search_history.failed == 0
    back = tuner_of(tmp_path, Float("x", 0.0, 3.0), max_trials=5)
    assert lines_of(back)[1] == ("Tried again, they lie inside of the space again: trials 0002.")
    assert back.oracle.trials["0002"].status == TrialStatus.COMPLETED
    assert len(back.oracle.trials) == 5


def test_a_trial_that_was_cut_off_goes_on_where_it_lies_inside(tmp_path):
    cut = tuner_of(tmp_path, WIDE)
    cut.cut_at = "0002"
    with pytest.raises(KeyboardInterrupt):
        cut.search()
    again = searched(tmp_path, Float("x", 0.0, 3.0), Boolean("late"))
    trial = again.oracle.trials["0002"]
    assert trial.status == TrialStatus.COMPLETED
    assert trial.values["late"] is False
    assert [p.name for p in again.oracle.search_history.space.space] == ["x", "late"]
    assert again.oracle.search_history.space.space[0].max_value == 3.0


def test_values_that_wait_and_are_illegal_now_are_dropped(tmp_path):
    first = searched(tmp_path, WIDE, max_trials=1)
    first.enqueue({"x": 0.9})
    first.enqueue({"x": 0.25})
    first.oracle.start()
    first.oracle.stop()
    again = searched(tmp_path, NARROW, max_trials=3)
    values = [trial.values for trial in again.oracle.trials.values()]
    assert {"x": 0.25} in values
    assert {"x": 0.9} not in values
    assert again.oracle.search_history.enqueued == []


def test_patience_begins_anew_with_the_space(tmp_path):
    searched(tmp_path, Float("x", 0.5, 1.0), patience=2, max_trials=50)
    trials = len(read_history(Project(str(tmp_path), "p"))[0].trials)
    again = searched(tmp_path, Float("x", 0.5, 2.0), patience=2, max_trials=50)
    assert len(again.oracle.trials) >= trials + 2


def test_trials_outside_are_learnt_from(tmp_path):
    """The model of a narrower space knows from the start where it is good."""
    bowl = type("Bowl", (Built,), {"run_trial": lambda s, t, **_: (t.values["x"] - 0.42) ** 2})
    options = {"cls": bowl, "oracle": BayesianOptimizationOracle}
    first = searched(tmp_path, Float("x", 0.0, 1.0), max_trials=12, **options)
    best = first.oracle.get_best_trials()[0].values["x"]
    step = Float("x", 0.0005, 1.0005, step=0.001)  # off the old grid, so all lies outside
    again = tuner_of(tmp_path, step, max_trials=1, **options)
    assert "0 of 12 trials count in it, 12 lie outside" in lines_of(again)[0]
    assert abs(list(again.oracle.trials.values())[-1].values["x"] - best) < 0.1


def test_a_project_that_is_read_knows_what_was_lived_through(tmp_path):
    searched(tmp_path, WIDE, Boolean("gone"))
    live = searched(tmp_path, NARROW, Int("new", 1, 3), max_trials=9).oracle.search_history
    read = read_history(Project(str(tmp_path), "p"))[0]
    assert read.space.space == live.space.space
    assert read.tried == live.tried
    assert read.counting.aside == live.counting.aside
    assert read.best.trial_id == live.best.trial_id
    assert [t.values for t in read.trials.values()] == [t.values for t in live.trials.values()]


def test_hyperparameters_that_only_trials_meet_stay(tmp_path):
    class Late(Built):
        def run_trial(self, trial, **_):
            trial.hyperparameters.Float("in_fit", 0.0, 1.0)
            return super().run_trial(trial)

    searched(tmp_path, WIDE, cls=Late)
    said = lines_of(tuner_of(tmp_path, NARROW, cls=Late, max_trials=7))
    assert len(said) == 1
    assert "in_fit" not in said[0]


def test_the_hyperparameters_given_in_advance_change_too(tmp_path):
    def given(*parameters):
        space = HyperParameters()
        for parameter in parameters:
            space._retrieve(parameter)
        return {"hyperparameters": space}

    class Given(BaseTuner):
        def run_trial(self, trial, **_):
            return trial.hyperparameters.get("x")

    def make(*parameters, max_trials):
        oracle = RandomSearchOracle(
            Objective("loss", "min"), max_trials=max_trials, seed=0, **given(*parameters)
        )
        oracle.verbose = 0
        return Given(oracle, directory=str(tmp_path), project_name="p")

    make(WIDE, Boolean("gone"), max_trials=4).search()
    again = make(Float("x", 5.0, 6.0), max_trials=3)
    [said] = lines_of(again)
    told = "x: bounds [5.0, 6.0] (was [0.0, 1.0]); gone removed. 0 of 4 trials count in it"
    assert told in said
    new = list(again.oracle.trials.values())[4:]
    assert len(new) == 3
    assert all(5 <= t.values["x"] <= 6 and set(t.values) == {"x"} for t in new)
