"""What ends a search before its trials are used up."""

import pytest

from tuner import BaseTuner, Hyperband, Objective, RandomSearch
from tuner.journal.project import Project
from tuner.oracles import AsyncHyperbandOracle, RandomSearchOracle
from tuner.testing import Search, mixed_space

OBJECTIVE = Objective("score", "min")


def create(objective=OBJECTIVE, **options):
    return RandomSearchOracle(
        objective, 50, 0, mixed_space(), max_consecutive_failed_trials=1000, **options
    )


def scores(*given):
    left = iter(given)
    return lambda _: next(left)


@pytest.mark.parametrize(("direction", "sign"), [("min", 1), ("max", -1)])
def test_the_target_ends_it_once_it_is_reached_and_not_before(direction, sign):
    oracle = create(Objective("score", direction), target=sign * 0.5)
    created = Search(oracle, outcome=scores(sign * 0.9, sign * 0.51, sign * 0.5, 0)).run()
    assert len(created) == 3
    assert oracle.create_trial("slot").message == f"the target of {sign * 0.5} is reached"


def test_a_failed_trial_or_an_infeasible_one_reaches_no_target():
    oracle = create(target=0.5, constraints=[("size", "<=", 1)])
    search = Search(oracle, outcome=scores(None, 0.1, 0.1))
    for size in (1, 2, 1):
        trial = oracle.create_trial("slot")
        assert trial.status == "RUNNING"
        oracle.update_trial(trial.trial_id, {"score": 0.1, "size": size})
        search.end(trial)
    assert oracle.create_trial("slot").status == "STOPPED"


def test_patience_counts_trials_without_a_better_score_the_failed_ones_too():
    oracle = create(patience=3)
    created = Search(oracle, outcome=scores(5, 4, 4, None, 3, 3, 9, None, 1)).run()
    assert len(created) == 8
    assert oracle.create_trial("slot").message == "no better score for 3 trials"


def test_trials_that_run_are_waited_for_before_patience_is_spent():
    oracle = create(patience=1)
    first, second, third = (oracle.create_trial(f"slot-{k}") for k in range(3))
    search = Search(oracle, outcome=scores(2, 3, 1))
    search.end(first)
    assert oracle.create_trial("next").status == "RUNNING"
    search.end(second)
    assert oracle.create_trial("after").status == "STOPPED"
    search.end(third)
    assert oracle.create_trial("again").status == "RUNNING"


def test_epochs_of_all_trials_together_never_exceed_their_number():
    for slots in (1, 4):
        oracle = AsyncHyperbandOracle(
            OBJECTIVE,
            9,
            seed=0,
            hyperparameters=mixed_space(),
            sampler="random",
            max_trials=1000,
            max_total_epochs=60,
        )
        created = Search(oracle, slots).run()
        spent = sum(t.budget.epochs - t.budget.initial_epoch for t in created)
        assert 52 <= spent <= 60
        assert "of 60" in oracle.create_trial("slot").message


def test_hours_are_summed_over_slots():
    oracle = create(max_device_hours=1.0)
    for _ in range(3):
        trial = oracle.create_trial("slot")
        trial.record = {"started": 1000.0, "ended": 1000.0 + 1250}
        Search(oracle, outcome=lambda _: 1.0).end(trial)
    assert oracle.create_trial("slot").message == "1.04 device hours are spent, of 1"


@pytest.mark.parametrize(
    "rule",
    [
        {"patience": 0},
        {"max_total_epochs": -1},
        {"max_device_hours": 0},
        {"target": float("nan")},
    ],
)
def test_rules_that_make_no_sense_are_refused(rule):
    (name,) = rule
    with pytest.raises(ValueError, match=name):
        create(**rule)


class Falling(RandomSearch):
    def run_trial(self, trial, **kwargs):
        trial.hyperparameters.Float("x", 0.0, 1.0)
        return 10.0 - int(trial.trial_id)


def test_a_search_says_why_it_ended_keeps_it_and_goes_on_with_another_target(tmp_path, capsys):
    tuner = Falling(max_trials=9, directory=tmp_path, project_name="p", target=7.0)
    tuner.search()
    assert len(tuner.oracle.end_order) == 4
    assert "the target of 7 is reached" in capsys.readouterr().out
    ended = Project(str(tmp_path), "p").events()[-1]
    assert ended.reason == "the target of 7 is reached"
    again = Falling(max_trials=9, directory=tmp_path, project_name="p", target=7.0)
    again.search(verbose=0)
    assert len(again.oracle.end_order) == 4
    again = Falling(max_trials=9, directory=tmp_path, project_name="p")
    again.search(verbose=0, target=5.0)
    assert len(again.oracle.end_order) == 6


def test_epochs_are_counted_as_they_were_trained(tmp_path):
    class History:
        def __init__(self, epochs):
            self.epoch = list(range(epochs))
            self.history = {"loss": [1.0] * epochs}

    class Early(BaseTuner):
        def run_trial(self, trial, **kwargs):
            trial.hyperparameters.Float("x", 0.0, 1.0)
            return [History(2), History(3)]

    oracle = RandomSearchOracle(Objective("loss", "min"), 50, 0)
    tuner = Early(oracle, directory=tmp_path)
    tuner.search(max_total_epochs=12, verbose=0)
    assert len(tuner.oracle.end_order) == 3
    assert tuner.oracle.history.end_reason == "15 epochs are spent, of 12"


def test_a_tuner_hands_its_oracle_what_is_the_oracles(tmp_path):
    tuner = Hyperband(
        lambda hp: None,
        "val_loss",
        max_epochs=4,
        hyperparameters=mixed_space(),
        directory=tmp_path,
        sampler="bayesian",
        patience=7,
        constraints=[("model_size", "<=", 1e6)],
    )
    assert tuner.oracle.sampler == "bayesian"
    assert tuner.oracle.patience == 7
    assert tuner.oracle.constraints == [["model_size", "<=", 1e6]]
    with pytest.raises(ValueError, match="patient"):
        Hyperband(lambda hp: None, "val_loss", directory=tmp_path, patient=7)
