"""Stores that fail, projects that change under one's feet, interruptions in one process."""

import pytest

from storage import TransientStoreError
from tuner import BaseTuner, Objective
from tuner.journal.events import TrialEnded
from tuner.journal.folding import apply
from tuner.journal.history import History
from tuner.oracles import RandomSearchOracle


class Square(BaseTuner):
    trouble = None

    def run_trial(self, trial):
        x = trial.hyperparameters.Float("x", -1.0, 1.0)
        if self.trouble is not None:
            self.trouble(self, trial)
        return x**2


def make(directory, trials=4, objective="min", **options):
    oracle = RandomSearchOracle(
        Objective("loss", objective), max_trials=trials, **{"seed": 0, **options}
    )
    oracle.verbose = 0
    return Square(oracle, directory=str(directory), project_name="p")


def scores(tuner):
    return [trial.score for trial in tuner.oracle.trials.values()]


@pytest.mark.parametrize("arrives", [True, False])
@pytest.mark.parametrize("entry", [2, 3, 4, 5])
def test_after_a_write_whose_outcome_nobody_knows_nothing_is_counted_twice(
    tmp_path, entry, arrives
):
    tuner = make(tmp_path)
    create = tuner.project.store.create

    def fail_once(key, data):
        if key.endswith(f"{entry:09d}.json"):
            tuner.project.store.create = create
            if arrives:
                create(key, data)
            raise TransientStoreError("the answer was lost")
        return create(key, data)

    tuner.project.store.create = fail_once
    with pytest.raises(TransientStoreError):
        tuner.search()
    tuner.search()
    reader = make(tmp_path)
    for seen in (tuner, reader):
        assert seen.oracle.end_order == ["0000", "0001", "0002", "0003"]
        assert seen.oracle.history.completed == 4
    assert scores(tuner) == scores(reader) == scores(straight(tmp_path))


def straight(tmp_path):
    tuner = make(tmp_path / "straight")
    tuner.search()
    return tuner


def test_a_search_goes_on_in_a_project_that_somebody_began_anew(tmp_path):
    first = make(tmp_path)
    first.search()
    other = Square(
        RandomSearchOracle(Objective("loss", "min"), max_trials=1, seed=7),
        directory=str(tmp_path),
        project_name="p",
        overwrite=True,
    )
    other.search()
    first.search()
    assert first.oracle.seed == 0  # its own argument wins
    assert (
        make(tmp_path).oracle.end_order
        == first.oracle.end_order
        == [
            "0000",
            "0001",
            "0002",
            "0003",
        ]
    )


def test_a_tuner_made_before_the_project_takes_its_seed_and_refuses_its_objective(tmp_path):
    early = make(tmp_path, seed=None)
    wrong = make(tmp_path, objective="max")
    wrong.oracle.objective = Objective("unheard", "max")
    make(tmp_path, trials=1, seed=9).search()
    early.search()
    assert early.oracle.seed == 9
    with pytest.raises(ValueError, match="objective"):
        wrong.search()
    make(tmp_path, trials=5).search()  # and the project was given back


def test_a_store_that_fails_in_a_trial_stops_the_search_and_fails_no_trial(tmp_path):
    def outage(tuner, trial):
        if trial.trial_id == "0001":
            tuner.trouble = None
            raise TransientStoreError("the store is away")

    tuner = make(tmp_path)
    tuner.trouble = outage
    with pytest.raises(TransientStoreError):
        tuner.search()
    assert tuner.oracle.history.failed == 0
    tuner.search()
    assert scores(tuner) == scores(straight(tmp_path))


def test_what_an_interrupted_attempt_reported_is_forgotten(tmp_path):
    def report(tuner, trial):
        tuner.oracle.update_trial(trial.trial_id, {"loss": 100.0}, step=0)
        if trial.trial_id == "0001":
            tuner.trouble = None
            raise KeyboardInterrupt

    tuner = make(tmp_path)
    tuner.trouble = report
    with pytest.raises(KeyboardInterrupt):
        tuner.search()
    tuner.search()
    assert tuner.oracle.trials["0001"].score == scores(straight(tmp_path))[1]
    assert tuner.oracle.trials["0001"].tries == 2


def test_parameters_met_late_by_several_trials_survive_a_resume(tmp_path):
    tuner = make(tmp_path, trials=2, hyperparameters=known())
    oracle = tuner.oracle
    trials = [oracle.create_trial(f"slot-{n}") for n in range(2)]
    for trial in trials:
        trial.hyperparameters.Int("late", 1, 9)
        oracle.update_trial(trial.trial_id, {"loss": 1.0})
        trial.status = "COMPLETED"
    for trial in trials:
        oracle.end_trial(trial)
    oracle.stop()
    again = make(tmp_path, trials=2, hyperparameters=known())
    assert [t.values for t in again.oracle.trials.values()] == [t.values for t in trials]
    assert again.oracle.history.tried == oracle.history.tried


def known():
    from tuner import HyperParameters

    space = HyperParameters()
    space.Int("known", 1, 5)
    return space


def test_a_trial_that_ends_after_the_search_was_stopped_is_refused(tmp_path):
    oracle = make(tmp_path).oracle
    trial = oracle.create_trial("t")
    oracle.stop()
    trial.status = "COMPLETED"
    with pytest.raises(RuntimeError, match="after `stop`"):
        oracle.end_trial(trial)
    make(tmp_path).search()


def test_a_second_end_of_a_trial_changes_nothing():
    oracle = RandomSearchOracle(Objective("loss", "min"), hyperparameters=known())
    oracle.create_trial("t")
    history: History = oracle.history
    for score in (1.0, 2.0):
        apply(history, TrialEnded("0000", "COMPLETED", score, 0, {"metrics": {}}, None, {}, 0.0))
    assert (history.completed, history.trials["0000"].score) == (1, 1.0)
