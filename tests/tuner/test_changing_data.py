"""A search whose study trains longer than before, or on other data."""

import pytest
from changing import Built, lines_of, tuner_of

from tuner import Objective, TrialStatus
from tuner.core.hyperparameters import Float
from tuner.journal.events import StudyDeclared
from tuner.journal.project import Project
from tuner.journal.reading import read_history
from tuner.oracles import HyperbandOracle

X = Float("x", 0.0, 1.0)


class Dated(Built):
    """Its score is another on other data."""

    shift = 0.0

    def run_trial(self, trial, **_):
        return super().run_trial(trial) + self.shift


def dated(directory, version, shift=0.0, max_trials=4, **arguments):
    """Searches on data of a version; the tuner, and what was said at the start."""
    tuner = tuner_of(directory, X, cls=Dated, max_trials=max_trials)
    tuner.shift = shift
    return tuner, lines_of(tuner, data_version=version, **arguments)


def test_the_same_data_changes_nothing(tmp_path):
    dated(tmp_path, "monday")
    again, said = dated(tmp_path, "monday", max_trials=6)
    assert said == []
    assert len(again.oracle.trials) == 6
    told = [e for e in Project(str(tmp_path), "p").events() if isinstance(e, StudyDeclared)]
    assert [event.data_version for event in told] == ["monday"]


def test_trials_on_other_data_count_all_the_same_unless_told_otherwise(tmp_path):
    first, _ = dated(tmp_path, "monday")
    again, said = dated(tmp_path, "tuesday", shift=10, max_trials=6)
    what = "The data is another: tuesday (was monday)."
    assert said == [f"{what} 4 trials on other data count all the same (stale=keep)."]
    assert len(again.oracle.trials) == 6
    best = first.oracle.get_best_trials()[0].trial_id
    assert again.oracle.get_best_trials()[0].trial_id == best


def test_trials_on_other_data_do_not_count_where_they_are_ignored(tmp_path):
    dated(tmp_path, "monday")
    again, said = dated(tmp_path, "tuesday", shift=10, stale="ignore")
    assert "4 trials on other data do not count, and are learnt from (stale=ignore)." in said[0]
    assert list(again.oracle.trials) == [f"{n:04d}" for n in range(8)]
    assert again.oracle.get_best_trials()[0].score >= 10
    assert read_history(Project(str(tmp_path), "p"))[0].best.score >= 10
    # It stays so until something else is asked for.
    later, _ = dated(tmp_path, "wednesday", shift=20)
    assert len(later.oracle.trials) == 12
    kept, _ = dated(tmp_path, "wednesday", stale="keep")
    assert kept.oracle.get_best_trials()[0].score < 10


def test_trials_on_other_data_train_once_more_where_that_is_asked_for(tmp_path):
    first, _ = dated(tmp_path, "monday")
    values = [trial.values for trial in first.oracle.trials.values()]
    again, said = dated(tmp_path, "tuesday", shift=10, stale="retry")
    assert said[1] == "Tried again, they trained on other data: trials 0000, 0001, 0002, 0003."
    assert [trial.values for trial in again.oracle.trials.values()] == values
    assert all(trial.score >= 10 for trial in again.oracle.trials.values())
    assert again.oracle.search_history.completed == 4
    read = read_history(Project(str(tmp_path), "p"))[0]
    assert (read.completed, read.best.score >= 10) == (4, True)
    assert dated(tmp_path, "tuesday", stale="retry")[1] == []


def test_trials_of_before_the_first_version_are_taken_for_trials_of_it(tmp_path):
    dated(tmp_path, None)
    assert dated(tmp_path, "monday", stale="ignore")[1] == []
    assert "4 trials on other data" in dated(tmp_path, "tuesday")[1][0]


def test_a_trial_that_was_cut_off_is_one_of_the_data_that_it_ends_on(tmp_path):
    cut = tuner_of(tmp_path, X, cls=Dated, max_trials=4)
    cut.cut_at = "0002"
    with pytest.raises(KeyboardInterrupt):
        cut.search(data_version="monday")
    again, said = dated(tmp_path, "tuesday", stale="ignore")
    assert "2 trials on other data" in said[0]
    assert again.oracle.trials["0002"].status == TrialStatus.COMPLETED
    assert again.oracle.search_history.counted == 4


def test_trials_that_go_on_from_each_other_are_not_tried_again_on_other_data(tmp_path):
    def search(**arguments):
        made = HyperbandOracle(Objective("loss", "min"), max_epochs=4, seed=0)
        made.verbose = 0
        Dated(made, lambda hp: hp.Float("x", 0, 1), directory=tmp_path, project_name="h").search(
            **arguments
        )

    search(data_version="monday")
    with pytest.raises(ValueError, match="stale='retry'"):
        search(data_version="tuesday", stale="retry")
    search(data_version="tuesday")  # which is not remembered


def test_a_wrong_word_for_stale_trials_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"one of keep, retry, ignore\. Received: stale='drop'"):
        dated(tmp_path, "monday", stale="drop")


def shown(tuner, capsys):
    tuner.oracle.verbose = 1
    tuner.search()
    return capsys.readouterr().out


def test_a_number_of_trials_beyond_what_is_done_and_below_is_told(tmp_path, capsys):
    assert "max_trials" not in shown(tuner_of(tmp_path, X, max_trials=4), capsys)
    assert "max_trials" not in shown(tuner_of(tmp_path, X, max_trials=4), capsys)
    more = shown(tuner_of(tmp_path, X, max_trials=6), capsys)
    told = "max_trials=6 (was 4): the 4 trials done so far count, and 2 more may begin."
    assert f"{told}\n" in more
    less = tuner_of(tmp_path, X, max_trials=3)
    best = less.oracle.get_best_trials()[0].trial_id
    told = "max_trials=3 (was 6): the 6 trials done so far stay, the best of all is the best, "
    assert f"{told}and no other begins.\n" in shown(less, capsys)
    assert less.oracle.get_best_trials()[0].trial_id == best
    assert len(less.oracle.trials) == 6


class Trained(Built):
    """Takes epochs as Keras does."""

    def run_trial(self, trial, epochs=1, **_):
        return super().run_trial(trial) / epochs


def test_longer_training_is_told_and_earlier_trials_count(tmp_path):
    def search(epochs, max_trials):
        tuner = tuner_of(tmp_path, X, cls=Trained, max_trials=max_trials)
        return tuner, lines_of(tuner, epochs=epochs)

    assert search(2, 3)[1] == []
    assert search(2, 4)[1] == []
    tuner, said = search(5, 5)
    kept = "trials that have completed keep their scores and count"
    assert said == [f"epochs=5 (was 2): {kept}; those that begin from now on train so."]
    assert len(tuner.oracle.trials) == 5
