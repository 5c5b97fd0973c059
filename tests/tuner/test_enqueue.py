"""Configurations the user asks for, before the oracle's own."""

import pytest

from tuner import BaseTuner, Hyperband, Objective
from tuner.core.hyperparameters import HyperParameters
from tuner.core.hyperparameters.sampling import complete_values
from tuner.journal.history import History
from tuner.oracles import HyperbandOracle, RandomSearchOracle
from tuner.testing import Search, mixed_space


def space():
    hp = HyperParameters()
    hp.Choice("kind", ["a", "b"])
    hp.Float("x", -1.0, 1.0, default=0.5)
    with hp.conditional_scope("kind", ["b"]):
        hp.Int("n", 1, 3)
    return hp


class Square(BaseTuner):
    def run_trial(self, trial):
        return trial.hyperparameters.get("x") ** 2


def make(directory, trials=4, hyperparameters=None, **options):
    oracle = RandomSearchOracle(
        Objective("loss", "min"), trials, seed=0, hyperparameters=hyperparameters or space()
    )
    oracle.verbose = 0
    return Square(oracle, directory=str(directory), project_name="p", **options)


def values(tuner):
    return [trial.values for trial in tuner.oracle.trials.values()]


def test_enqueued_values_are_tried_first_in_their_order_and_the_rest_takes_defaults(tmp_path):
    tuner = make(tmp_path)
    tuner.enqueue({"x": 0.25})
    tuner.enqueue({"kind": "b", "n": 3})
    tuner.search()
    assert values(tuner)[:2] == [{"kind": "a", "x": 0.25}, {"kind": "b", "x": 0.5, "n": 3}]
    assert len(values(tuner)) == 4
    assert values(make(tmp_path)) == values(tuner)


def test_a_script_that_is_run_again_asks_for_nothing_twice(tmp_path):
    for _ in range(3):
        tuner = make(tmp_path, trials=2)
        tuner.enqueue({"x": 0.25})
        tuner.search()
    assert [v["x"] for v in values(tuner)].count(0.25) == 1
    tuner = make(tmp_path, trials=4)
    tuner.enqueue({"x": 0.25, "kind": "a"})  # the same, once it is complete
    tuner.enqueue({"x": 0.75})
    tuner.search()
    assert [v["x"] for v in values(tuner)].count(0.25) == 1
    assert values(tuner)[2]["x"] == 0.75


@pytest.mark.parametrize(
    ("wrong", "name"), [({"y": 1}, "y=1"), ({"x": 2.0}, "x=2.0"), ({"kind": "c"}, "kind='c'")]
)
def test_wrong_values_are_refused_at_once_by_name(tmp_path, wrong, name):
    tuner = make(tmp_path)
    with pytest.raises(ValueError, match=name):
        tuner.enqueue(wrong)
    tuner.search()
    assert len(values(tuner)) == 4


def test_values_are_taken_as_they_are_while_no_hyperparameter_is_known(tmp_path):
    class Late(BaseTuner):
        def run_trial(self, trial):
            return trial.hyperparameters.Float("x", -1.0, 1.0) ** 2

    oracle = RandomSearchOracle(Objective("loss", "min"), 2, seed=0)
    oracle.verbose = 0
    tuner = Late(oracle, directory=str(tmp_path), project_name="p")
    tuner.enqueue({"x": 0.125})
    tuner.search()
    assert values(tuner)[0] == {"x": 0.125}
    assert complete_values(HyperParameters(), {"a": 1}) == {"a": 1}


def test_hyperband_begins_enqueued_values_on_the_lowest_rung_of_its_bracket():
    oracle = HyperbandOracle(
        Objective("loss", "min"), max_epochs=4, factor=2, seed=0, hyperparameters=mixed_space()
    )
    oracle.enqueue({"rate": 0.05})
    first = Search(oracle).run()[0]
    assert first.values["rate"] == 0.05
    assert first.budget.epochs == 1
    again = HyperbandOracle(Objective("loss", "min"), max_epochs=4, factor=2, seed=0)
    assert len(oracle.trials) == again.planned_trials
    assert Hyperband


def test_values_asked_for_survive_the_death_of_the_search(tmp_path):
    tuner = make(tmp_path)
    tuner.enqueue({"x": 0.25})
    tuner.enqueue({"x": 0.75})
    tuner.oracle.start()
    tuner.oracle.create_trial("tuner0")
    tuner.oracle.stop()  # as if it had been killed: the second has had no trial
    again = make(tmp_path)
    assert [v["x"] for v in again.oracle.history.enqueued] == [0.75]
    again.search()
    assert [v["x"] for v in values(again)][:2] == [0.25, 0.75]
    assert isinstance(again.oracle.history, History)
