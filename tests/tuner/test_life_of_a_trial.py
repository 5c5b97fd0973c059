"""How trials end, are tried again, are lost and are taken over."""

import math
import os
import tempfile

import pytest
from killing import KilledError, kill_at

from storage.local import temporary
from storage.scratch import prefix
from tuner import BaseTuner, HyperParameters, Objective, TrialStatus
from tuner.errors import FailedTrialError, FatalTypeError, FatalValueError
from tuner.journal.project import Project
from tuner.oracles import RandomSearchOracle
from tuner.oracles.oracle import MAX_LOSSES


class Scripted(BaseTuner):
    """Returns or raises what it is told, one after the other."""

    fates: list
    ran: list

    def run_trial(self, trial, **kwargs):
        trial.hyperparameters.Float("x", 0.0, 1.0)
        self.ran.append(trial.trial_id)
        fate = self.fates.pop(0)
        if isinstance(fate, BaseException):
            raise fate
        return fate


def make(directory, fates, *, cls=Scripted, objective=None, **options):
    options = {"max_trials": 3, "seed": 0, "max_consecutive_failed_trials": 100, **options}
    oracle = RandomSearchOracle(objective or Objective("loss", "min"), **options)
    tuner = cls(oracle, directory=str(directory), project_name="p")
    oracle.verbose = 0
    tuner.fates, tuner.ran = list(fates), []
    return tuner


def outcomes(tuner):
    return [(t.status, t.score) for t in tuner.oracle.trials.values()]


def test_results_of_all_kinds_are_understood(tmp_path):
    tuner = make(tmp_path, [{"loss": 1.0, "other": 5}, [{"loss": 2.0}, {"loss": 4.0}], 0.5])
    tuner.search()
    assert [score for _, score in outcomes(tuner)] == [1.0, 3.0, 0.5]
    assert tuner.oracle.trials["0001"].record["scores"] == [2.0, 4.0]
    assert [t.trial_id for t in tuner.oracle.get_best_trials(2)] == ["0002", "0000"]


class Reporting(BaseTuner):
    """Reports on its way, and returns its result."""

    def run_trial(self, trial, executions=1):
        trial.hyperparameters.Float("x", 0.0, 1.0)
        for step, loss in enumerate([9.0, 7.0, 8.0]):
            self.oracle.update_trial(trial.trial_id, {"loss": loss, "other": loss}, step=step)
        return [{"loss": 1.0}] * executions


@pytest.mark.parametrize("executions", [1, 2])
def test_a_result_is_not_averaged_with_what_the_trial_reported_on_its_way(tmp_path, executions):
    tuner = make(tmp_path, [], cls=Reporting, max_trials=1)
    tuner.search(executions=executions)
    trial = tuner.oracle.trials["0000"]
    assert (trial.score, trial.best_step) == (1.0, 2)
    losses = [(o.step, o.value) for o in trial.metrics.get_history("loss")]
    assert losses == [(0, [9.0]), (1, [7.0]), (2, [1.0])]
    assert trial.metrics.get_last_value("other") == 8.0


@pytest.mark.parametrize("trial_id", ["0001", "1", "01", "00001"])
def test_a_trial_is_found_with_as_many_zeros_as_keras_tuner_writes(tmp_path, trial_id):
    space = HyperParameters()
    space.Float("x", 0.0, 1.0)
    oracle = make(tmp_path, [], hyperparameters=space).oracle
    oracle.create_trial("a")
    second = oracle.create_trial("b")
    if len(trial_id) <= 4:
        assert oracle.get_trial(trial_id) is second
        assert oracle.trials[trial_id] is second
    else:
        with pytest.raises(KeyError, match=trial_id):
            oracle.get_trial(trial_id)
    with pytest.raises(KeyError, match="7"):
        oracle.get_trial("7")


@pytest.mark.parametrize("result", [None, "good", {"accuracy": 1.0}, [], [1.0, None]])
def test_a_result_that_cannot_be_understood_ends_the_search_and_says_what_to_return(
    tmp_path, result
):
    tuner = make(tmp_path, [result])
    with pytest.raises((FatalTypeError, FatalValueError), match="run_trial"):
        tuner.search()
    assert tuner.oracle.trials["0000"].status == TrialStatus.RUNNING


def test_a_search_that_ended_by_a_bad_result_goes_on_once_it_is_mended(tmp_path):
    with pytest.raises(FatalTypeError):
        make(tmp_path, [None]).search()
    tuner = make(tmp_path, [1.0, 2.0, 3.0])
    tuner.search()
    assert tuner.ran == ["0000", "0001", "0002"]


def test_an_invalid_trial_is_tried_again_and_its_first_try_is_forgotten(tmp_path):
    """Keras Tuner keeps the NaN, so that no retry can succeed."""
    tuner = make(
        tmp_path, [math.nan, ValueError("bad luck"), 7.0, 1.0, 2.0], max_retries_per_trial=2
    )
    tuner.search()
    assert tuner.ran == ["0000", "0000", "0000", "0001", "0002"]
    assert outcomes(tuner)[0] == ("COMPLETED", 7.0)
    assert tuner.oracle.trials["0000"].retries == 2


@pytest.mark.parametrize("score", [math.nan, math.inf, -math.inf])
def test_a_score_that_is_not_finite_fails_the_trial(tmp_path, score):
    tuner = make(tmp_path, [score, 1.0, 2.0])
    tuner.search()
    assert outcomes(tuner)[0] == ("FAILED", None)
    assert "not finite" in tuner.oracle.trials["0000"].message


def test_a_trial_that_says_it_cannot_work_is_not_tried_again(tmp_path):
    tuner = make(tmp_path, [FailedTrialError("too big"), 1.0, 2.0], max_retries_per_trial=5)
    tuner.search()
    assert tuner.ran == ["0000", "0001", "0002"]
    assert "too big" in tuner.oracle.trials["0000"].message


def test_too_many_failures_in_a_row_end_the_search_after_all_are_recorded(tmp_path):
    """Keras Tuner never gives its lock back, and runs the last trial again on resume."""
    fates = [1.0, ValueError("a"), ValueError("b")]
    tuner = make(tmp_path, fates, max_consecutive_failed_trials=2, max_trials=9)
    with pytest.raises(RuntimeError, match=r"exceeded the limit of 2(.|\n)*ValueError: b"):
        tuner.search()
    assert [status for status, _ in outcomes(tuner)] == ["COMPLETED", "FAILED", "FAILED"]
    again = make(tmp_path, [2.0] * 6, max_consecutive_failed_trials=2, max_trials=9)
    again.search()
    assert again.ran == [f"{n:04d}" for n in range(3, 9)]


def test_a_lost_trial_goes_back_into_the_queue_until_it_was_lost_too_often(tmp_path):
    oracle = make(tmp_path, []).oracle
    for lost in range(1, MAX_LOSSES):
        trial = oracle.create_trial("t")
        assert (trial.trial_id, trial.losses) == ("0000", lost - 1)
        oracle.lose_trial("0000", "killed")
        assert trial.status == TrialStatus.RUNNING
    oracle.create_trial("t")
    assert oracle.lose_trial("0000", "killed").status == TrialStatus.FAILED
    assert oracle.create_trial("t").trial_id == "0001"
    oracle.stop()


def test_a_result_that_a_dead_process_left_is_taken_over_once(tmp_path):
    first = make(tmp_path, [])
    trial = first.oracle.create_trial("t")
    trial.hyperparameters.Float("x", 0.0, 1.0)
    trial.metrics.register("loss", "min")
    trial.metrics.update("loss", 0.25)
    trial.status = TrialStatus.COMPLETED
    assert first.project.save_result(trial.trial_id, trial.get_state())
    first.oracle.stop()

    second = make(tmp_path, [1.0, 2.0])
    second.search()

    assert second.ran == ["0001", "0002"]
    assert outcomes(second)[0] == ("COMPLETED", 0.25)
    assert outcomes(make(tmp_path, []))[0] == ("COMPLETED", 0.25)


def test_the_first_result_of_a_trial_stays(tmp_path):
    tuner = make(tmp_path, [5.0, 1.0, 1.0])
    other = Project(str(tmp_path), "p")
    run = tuner.run_trial

    def run_twice(trial, **kwargs):
        """Somebody else finishes the same trial first."""
        result = run(trial, **kwargs)
        if trial.trial_id == "0000":
            trial.metrics.register("loss", "min")
            trial.metrics.update("loss", 3.0)
            other.save_result("0000", {**trial.get_state(), "status": "COMPLETED"})
            trial.metrics.metrics.clear()
        return result

    tuner.run_trial = run_twice
    tuner.search()
    assert outcomes(tuner)[0] == ("COMPLETED", 3.0)


def test_a_reader_sees_what_the_searcher_wrote(tmp_path):
    tuner = make(tmp_path, [1.0, ValueError("no"), 0.5])
    tuner.search()
    reader = make(tmp_path, [])
    assert outcomes(reader) == outcomes(tuner)
    assert reader.oracle.history.end_reason == tuner.oracle.history.end_reason
    assert reader.remaining_trials == 0
    assert [hp.values for hp in reader.get_best_hyperparameters(2)] == [
        hp.values for hp in tuner.get_best_hyperparameters(2)
    ]
    assert reader.oracle.get_space().get_config() == tuner.oracle.get_space().get_config()


def test_hooks_run_in_order_once_each(tmp_path):
    calls = []

    class Hooked(Scripted):
        def on_search_begin(self):
            calls.append("search begins")

        def on_trial_begin(self, trial):
            calls.append(f"{trial.trial_id} begins")

        def on_trial_end(self, trial):
            super().on_trial_end(trial)
            calls.append(f"{trial.trial_id} {trial.status}")

        def on_search_end(self):
            calls.append("search ends")

    make(tmp_path, [1.0, 2.0], cls=Hooked, max_trials=2).search()
    assert calls == [
        "search begins",
        "0000 begins",
        "0000 COMPLETED",
        "0001 begins",
        "0001 COMPLETED",
        "search ends",
    ]


def test_an_oracle_without_a_project_works_in_memory():
    oracle = RandomSearchOracle(Objective("loss", "min"), max_trials=1, seed=0)
    trial = oracle.create_trial("t")
    oracle.update_trial(trial.trial_id, {"loss": 2.0}, step=3)
    trial.status = TrialStatus.COMPLETED
    oracle.end_trial(trial)
    assert (trial.score, trial.best_step) == (2.0, 3)
    assert oracle.create_trial("t").status == TrialStatus.STOPPED


def test_a_tuner_with_a_trial_under_way_gets_that_one_again(tmp_path):
    oracle = make(tmp_path, []).oracle
    assert oracle.create_trial("a") is oracle.create_trial("a")
    assert oracle.create_trial("a") is not oracle.create_trial("b")
    oracle.stop()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"unknown": 1}, "unknown"),
        ({"project_name": "../evil"}, "project_name"),
    ],
)
def test_bad_arguments_of_a_tuner_are_refused(tmp_path, options, message):
    oracle = RandomSearchOracle(Objective("loss", "min"))
    with pytest.raises(ValueError, match=message):
        Scripted(oracle, directory=str(tmp_path), **options)
    with pytest.raises(ValueError, match="run_trial"):
        BaseTuner(oracle, directory=str(tmp_path))
    with pytest.raises(ValueError, match="Oracle"):
        Scripted("random", directory=str(tmp_path))


def test_new_entries_can_be_forbidden_or_left_alone(tmp_path):
    from tuner import HyperParameters

    space = HyperParameters()
    space.Int("known", 1, 5)
    strict = make(tmp_path / "a", [1.0], hyperparameters=space, allow_new_entries=False)
    with pytest.raises(RuntimeError, match=r"new entries \['x'\]"):
        strict.search()
    strict.oracle.stop()
    tolerant = make(tmp_path / "b", [1.0] * 3, hyperparameters=space, tune_new_entries=False)
    tolerant.search()
    assert [p.name for p in tolerant.oracle.get_space().space] == ["known"]
    with pytest.raises(ValueError, match="hyperparameters"):
        RandomSearchOracle(tune_new_entries=False)


def test_what_a_killed_process_left_beside_a_result_is_deleted_with_the_next_start(tmp_path):
    tuner = make(tmp_path, [1.0, 2.0, 3.0], objective=Objective("default_objective", "min"))
    kill_at(tuner.search_project, 4)  # the end of trial 0001, whose result is there
    with pytest.raises(KilledError):
        tuner.search()
    tuner.search_project.close()
    folder = tmp_path / "p/trials/0001"
    left = temporary(folder).name.replace(f"-{os.getpid()}-", "-4194999-")
    assert (folder / "result.json").exists()
    (folder / left).touch()
    again = make(tmp_path, [2.0, 3.0], objective=Objective("default_objective", "min"))
    again.search()
    assert outcomes(again) == [("COMPLETED", 1.0), ("COMPLETED", 2.0), ("COMPLETED", 2.0)]
    assert again.ran == ["0002"]
    assert not (folder / left).exists()


def test_a_start_deletes_what_killed_processes_left_in_the_project_and_in_the_scratch_folder(
    tmp_path, monkeypatch
):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "tmp"))
    objective = Objective("default_objective", "min")
    make(tmp_path, [1.0, 2.0, 3.0], objective=objective).search()
    scratch = tmp_path / "tmp" / prefix().replace(f"-{os.getpid()}-", "-4194999-abc")
    scratch.mkdir()
    folders = [tmp_path / "p" / name for name in ("journal", "export", "journal/000000")]
    names = [temporary(each) for each in folders]
    left = [each.with_name(each.name.replace(f"-{os.getpid()}-", "-4194999-")) for each in names]
    for path in left:
        path.touch()
    make(tmp_path, [], objective=objective).search()
    assert [path for path in (scratch, *left) if path.exists()] == []
