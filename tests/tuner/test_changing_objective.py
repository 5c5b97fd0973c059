"""A search whose objective changes between two starts: all trials are scored anew."""

import math
import shutil

import pytest
from changing import lines_of
from hypothesis import given, settings
from hypothesis import strategies as st

from tuner import BaseTuner, Objective, TrialStatus
from tuner.journal.check import check
from tuner.journal.events import ObjectiveChanged
from tuner.journal.project import Project
from tuner.journal.reading import read_history
from tuner.oracles import AsyncHyperbandOracle, HyperbandOracle, RandomSearchOracle

LOSS, ACCURACY = Objective("loss", "min"), Objective("accuracy", "max")
EPOCHS = 4


class History:
    """As Keras has it."""

    def __init__(self, **history):
        self.history = history
        self.epoch = list(range(len(next(iter(history.values())))))


class Curves(BaseTuner):
    """Loss is best in the second epoch, accuracy in the last but for one trial that is NaN."""

    cut_at = None
    nan_at = None
    more = ()

    def run_trial(self, trial, **_):
        x = trial.hyperparameters.Float("x", 0.0, 1.0)
        if trial.trial_id == self.cut_at:
            raise KeyboardInterrupt
        accuracy = [math.nan] * EPOCHS if trial.trial_id == self.nan_at else [x, x, x, x + 1]
        more = {name: [value] * EPOCHS for name, value in dict(self.more).items()}
        executions = (
            History(loss=[1 + shift, x + shift, 1 + shift, 1 + shift], accuracy=accuracy, **more)
            for shift in (0.0, 0.5)
        )
        return list(executions)


def tuner_of(directory, objective, cls=Curves, oracle=RandomSearchOracle, **options):
    options = {"max_trials": 5, "seed": 0, **options}
    made = oracle(objective, **options)
    made.verbose = 0
    return cls(made, directory=str(directory), project_name="p")


def read(directory):
    return read_history(Project(str(directory), "p"))[0]


def test_trials_that_have_completed_are_scored_anew_from_every_epoch(tmp_path):
    first = tuner_of(tmp_path, LOSS)
    first.search()
    values = {trial.trial_id: trial.values["x"] for trial in first.oracle.trials.values()}
    again = tuner_of(tmp_path, ACCURACY, max_trials=7)
    said = lines_of(again)
    what = "The objective is another: accuracy, max (was loss, min)."
    assert said == [f"{what} 5 trials are scored anew."]
    for history in (again.oracle.search_history, read(tmp_path)):
        assert history.objective == ACCURACY
        assert len(history.trials) == 7
        for trial_id, x in values.items():
            trial = history.trials[trial_id]
            assert (trial.score, trial.best_step) == (x + 1, EPOCHS - 1)
            assert trial.record["scores"] == [x + 1, x + 1]
            assert trial.metrics.get_best_value("loss") == 1.25
        assert history.best.score == max(t.score for t in history.trials.values())
    executions = again.results("executions").to_pylist()
    assert {row["metric.accuracy"] for row in executions} == {
        t.score for t in history.trials.values()
    }
    assert check(Project(str(tmp_path), "p")).damages == []


def test_the_objective_of_before_gives_the_scores_of_before(tmp_path):
    first = tuner_of(tmp_path, LOSS)
    first.search()
    scores = [trial.get_state() for trial in first.oracle.trials.values()]
    tuner_of(tmp_path, ACCURACY).search()
    back = tuner_of(tmp_path, LOSS)
    back.search()
    assert [trial.score for trial in back.oracle.trials.values()] == [s["score"] for s in scores]
    known = [(s["best_step"], s["metrics"]["metrics"]["loss"]) for s in scores]
    assert [
        (t.best_step, t.metrics.get_config()["metrics"]["loss"])
        for t in back.oracle.trials.values()
    ] == known
    assert lines_of(tuner_of(tmp_path, LOSS)) == []


def test_one_that_was_not_recorded_is_refused_with_the_names_that_were(tmp_path):
    tuner_of(tmp_path, LOSS).search()
    before = read(tmp_path).best.score
    with pytest.raises(ValueError, match=r"one of accuracy, loss; .*--objective and --direction"):
        tuner_of(tmp_path, Objective("auc", "max")).search()
    goes_on = tuner_of(tmp_path, LOSS, max_trials=6)
    goes_on.search()
    assert len(goes_on.oracle.trials) == 6
    assert goes_on.oracle.search_history.best.score <= before


def test_names_are_those_that_every_trial_has_recorded(tmp_path):
    first = tuner_of(tmp_path, LOSS, max_trials=2)
    first.more = {"auc": 0.5}
    first.search()
    tuner_of(tmp_path, LOSS, max_trials=3).search()
    with pytest.raises(ValueError, match=r"one of accuracy, loss; .*which trials 0002 have not"):
        tuner_of(tmp_path, Objective("auc", "max")).search()


def test_a_trial_without_a_finite_score_by_the_new_one_has_failed_until_it_has_one(tmp_path):
    first = tuner_of(tmp_path, LOSS)
    first.nan_at = "0001"
    first.search()
    again = tuner_of(tmp_path, ACCURACY)
    again.search()
    for history in (again.oracle.search_history, read(tmp_path)):
        trial = history.trials["0001"]
        assert (trial.status, trial.score, trial.outcome) == ("FAILED", None, "not finite")
        assert (history.completed, history.failed) == (4, 1)
    back = tuner_of(tmp_path, LOSS)
    back.search()
    assert back.oracle.trials["0001"].status == TrialStatus.COMPLETED
    assert back.oracle.trials["0001"].outcome == "completed"
    assert (read(tmp_path).completed, read(tmp_path).failed) == (5, 0)


def test_with_nothing_completed_the_new_one_is_taken(tmp_path):
    cut = tuner_of(tmp_path, Objective("auc", "max"))
    cut.cut_at = "0000"
    with pytest.raises(KeyboardInterrupt):
        cut.search()
    again = tuner_of(tmp_path, LOSS)
    said = lines_of(again)
    assert said == ["The objective is another: loss, min (was auc, max). 1 trial is begun anew."]
    assert [trial.status for trial in again.oracle.trials.values()] == ["COMPLETED"] * 5
    assert read(tmp_path).objective == LOSS


def test_a_trial_that_was_cut_off_begins_with_its_first_epoch(tmp_path):
    cut = tuner_of(tmp_path, LOSS)
    cut.cut_at = "0002"
    with pytest.raises(KeyboardInterrupt):
        cut.search()
    seed = cut.oracle.trials["0002"].seed_of(0)
    again = tuner_of(tmp_path, ACCURACY)
    assert "1 trial is begun anew" in lines_of(again)[0]
    trial = again.oracle.trials["0002"]
    assert trial.seed_of(0) != seed  # nothing of what it had left is found
    assert trial.retries_lately == 0
    assert trial.status == TrialStatus.COMPLETED


@pytest.mark.parametrize("more", [{}, {"auc": 0.5}])
def test_what_a_killed_search_has_left_of_a_trial_is_scored_anew_as_well(tmp_path, more):
    first = tuner_of(tmp_path, LOSS)
    first.more = more
    first.search()
    # Its end never got into the journal; neither did what came after it.
    entries = sorted((tmp_path / "p/journal/000000").glob("0*.json"))
    last = next(e for e in entries if b'"trial_ended","trial_id":"0004"' in e.read_bytes())
    for entry in entries[entries.index(last) :]:
        entry.unlink()
    shutil.rmtree(tmp_path / "p/segments", ignore_errors=True)
    (tmp_path / "p/journal/tail.json").unlink()
    new = Objective("auc", "max") if more else ACCURACY
    again = tuner_of(tmp_path, new)
    again.more = more
    again.search()
    trial = again.oracle.trials["0004"]
    assert trial.score == (0.5 if more else trial.values["x"] + 1)
    assert read(tmp_path).trials["0004"].score == trial.score


def test_several_objectives_and_one_of_them(tmp_path):
    tuner_of(tmp_path, LOSS).search()
    both = tuner_of(tmp_path, [LOSS, ACCURACY])
    both.search()
    for trial in both.oracle.trials.values():
        x = trial.values["x"]
        # 1 - (x + 1) in the last epoch, x - x in the second, the loss 0.25 higher in the mean.
        assert trial.score == pytest.approx(min(-x, 0.0) + 0.25)
    other = tuner_of(tmp_path, [ACCURACY, Objective("loss", "max")])
    other.search()
    for trial in other.oracle.trials.values():
        assert trial.score == pytest.approx(-(trial.values["x"] + 2.25))
    tuner_of(tmp_path, ACCURACY).search()
    assert read(tmp_path).best.score == max(t.score for t in read(tmp_path).trials.values())


def test_trials_that_told_of_their_steps_are_scored_from_those(tmp_path):
    class Told(Curves):
        def run_trial(self, trial, **_):
            x = trial.hyperparameters.Float("x", 0.0, 1.0)
            for step, loss in enumerate([1.0, x, 1.0]):
                metrics = {"loss": loss, "accuracy": x + step}
                self.oracle.update_trial(trial.trial_id, metrics, step=step)

    with pytest.warns(DeprecationWarning, match="return them"):
        tuner_of(tmp_path, LOSS, cls=Told).search()
    tuner_of(tmp_path, ACCURACY, cls=Told).search()
    for trial in read(tmp_path).trials.values():
        assert (trial.score, trial.best_step) == (trial.values["x"] + 2, 2)


def test_an_oracle_that_scores_in_its_own_way_does_so_again(tmp_path):
    class Last(RandomSearchOracle):
        def score_trial(self, trial):
            trial.score = 100 + trial.metrics.get_last_value(self.objective.name)
            trial.best_step = 7

    tuner_of(tmp_path, LOSS, oracle=Last).search()
    tuner_of(tmp_path, ACCURACY, oracle=Last).search()
    for trial in read(tmp_path).trials.values():
        assert (trial.score, trial.best_step) == (101 + trial.values["x"], 7)


def test_what_an_earlier_search_has_recorded_is_learnt_from_by_the_new_objective(tmp_path):
    tuner_of(tmp_path / "earlier", LOSS).search()
    earlier = [f"{tmp_path}/earlier/p"]
    tuner_of(tmp_path, LOSS, warm_start_from=earlier).search()
    assert read(tmp_path).earlier[earlier[0]][0].score <= 1.25
    again = tuner_of(tmp_path, ACCURACY, warm_start_from=earlier, max_trials=6)
    again.search()
    for history in (again.oracle.search_history, read(tmp_path)):
        assert [e.score for e in history.earlier[earlier[0]]] == [
            e.values["x"] + 1 for e in history.earlier[earlier[0]]
        ]
    assert read(tmp_path / "earlier").objective == LOSS  # which was only read


def test_patience_begins_anew(tmp_path):
    tuner_of(tmp_path, LOSS).search()
    again = tuner_of(tmp_path, Objective("accuracy", "min"), max_trials=20, patience=4)
    again.search()
    assert len(again.oracle.trials) >= 9


def random_search(objective):
    return RandomSearchOracle(objective, 8, 0)


def hyperband(objective):
    return HyperbandOracle(objective, max_epochs=4, factor=2, seed=0)


def asha(objective):
    return AsyncHyperbandOracle(objective, max_epochs=4, factor=2, seed=0, max_trials=8)


OBJECTIVES = [LOSS, ACCURACY, Objective("loss", "max"), [LOSS, ACCURACY]]


@pytest.mark.parametrize("make", [random_search, hyperband, asha])
@given(
    chain=st.lists(st.sampled_from(range(len(OBJECTIVES))), min_size=2, max_size=4),
    cuts=st.lists(st.integers(0, 12), min_size=3, max_size=3),
)
@settings(max_examples=4, deadline=None)
def test_whatever_the_objective_changes_to_the_journal_says_it_all(
    make, chain, cuts, tmp_path_factory
):
    directory = tmp_path_factory.mktemp("chain")
    for number, index in enumerate(chain):
        made = make(OBJECTIVES[index])
        made.verbose = 0
        tuner = Curves(made, directory=str(directory), project_name="p")
        is_last = number == len(chain) - 1
        tuner.cut_at = None if is_last else f"{cuts[number]:04d}"
        try:
            tuner.search()
        except KeyboardInterrupt:
            assert not is_last
        history, folded = tuner.oracle.search_history, read(directory)
        assert folded.objective == history.objective == made.objective
        for trial_id, trial in history.trials.items():
            assert folded.trials[trial_id].score == trial.score
            assert folded.trials[trial_id].metrics.get_config() == trial.metrics.get_config()
        assert (folded.best and folded.best.trial_id) == (history.best and history.best.trial_id)
        assert (folded.completed, folded.failed) == (history.completed, history.failed)
    ended = history.trials.values()
    assert {trial.status for trial in ended} == {"COMPLETED"}
    assert history.loss(history.best) == min(map(history.loss, ended))
    fresh = [trial for trial in ended if trial.budget is None or trial.budget.parent is None]
    assert len({trial.values["x"] for trial in fresh}) == len(fresh)
    assert check(Project(str(directory), "p")).damages == []


def test_a_start_that_changes_nothing_writes_no_change(tmp_path):
    tuner_of(tmp_path, LOSS).search()
    tuner_of(tmp_path, LOSS).search()
    assert not any(isinstance(e, ObjectiveChanged) for e in Project(str(tmp_path), "p").events())
