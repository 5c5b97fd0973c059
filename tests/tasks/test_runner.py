"""The runner's laws, driven by slots that are functions."""

from contextlib import contextmanager

import pytest
from fakes import RunnerLauncher

from storage import StoredFile, seal
from tasks.messages import Declared, Discover, Ended, EpochReport, Fatal, MetricsReport, Run
from tasks.runner import StudyError, TrialRunner
from tasks.slots import ChildLostError
from tuner import BaseTuner, HyperParameters, Objective
from tuner.core.declaration import Declaration
from tuner.core.outcome import Outcome
from tuner.core.trial import Trial
from tuner.errors import FatalValueError
from tuner.journal.project import Project
from tuner.journal.trial_files import Manifest
from tuner.oracles import RandomSearchOracle
from tuner.search.loop import run_search
from tuner.search.progress import Display

LOSS = Objective("loss", "min")


class Elsewhere(BaseTuner):
    def run_trial(self, trial):
        raise AssertionError("the process that searches runs no trial")


class ScriptedSlots:
    """One slot whose answers a function gives: of a trial, the attempt's number, and `on_report`.

    It answers a score, raises, or answers a message.
    """

    count = 1

    def __init__(self, script):
        self.script = script
        self.attempts = []
        self.note = print

    @contextmanager
    def lease(self):
        yield self

    def ask(self, request, on_report, emit):
        match request:
            case Discover():
                space = HyperParameters()
                space.Float("x", 0.0, 1.0)
                return Declared(**Declaration(space).to_json())
            case Run(state):
                return self._run(Trial.from_state(state), on_report, emit)

    def _run(self, trial, on_report, emit):
        self.attempts.append(trial.trial_id)
        attempt = self.attempts.count(trial.trial_id)
        emit(f"attempt {attempt}")
        answer = self.script(trial, attempt, on_report)
        if isinstance(answer, float):
            trial.status = "COMPLETED"
            trial.report({"loss": answer}, 0, LOSS)
            answer = Ended(trial.get_state())
        return answer


def search(tmp_path, script, trials=3, **settings):
    """The tuner and the slots of a search whose trials go as the script says."""
    oracle = RandomSearchOracle(LOSS, max_trials=trials, seed=0, **settings)
    tuner = Elsewhere(oracle, directory=str(tmp_path), project_name="p")
    slots = ScriptedSlots(script)
    runner = TrialRunner(oracle, tuner.search_project, slots, Display(oracle))
    run_search(tuner, RunnerLauncher(runner), Display)
    return tuner, slots


def outcomes(tuner):
    return [(t.status, t.outcome, t.tries) for t in tuner.oracle.trials.values()]


def test_every_trial_is_run_once_and_told(tmp_path):
    tuner, slots = search(tmp_path, lambda trial, attempt, report: trial.values["x"])
    assert slots.attempts == ["0000", "0001", "0002"]
    assert outcomes(tuner) == [("COMPLETED", "completed", 1)] * 3
    best = tuner.oracle.get_best_trials()[0]
    assert best.score == min(t.values["x"] for t in tuner.oracle.trials.values())


def test_a_trial_that_is_lost_without_getting_on_fails_at_the_third_time(tmp_path):
    def script(trial, attempt, report):
        if trial.trial_id == "0001":
            raise ChildLostError("It has crashed.", Outcome.CRASHED)
        return 1.0

    tuner, slots = search(tmp_path, script)
    assert outcomes(tuner)[1] == ("FAILED", "crashed", 3)
    assert slots.attempts.count("0001") == 3
    assert tuner.oracle.trials["0001"].message == "It has crashed."
    assert (tmp_path / "p/trials/0001/log.txt").read_text() == "attempt 3\nIt has crashed.\n"


def test_a_trial_that_gets_on_between_its_losses_may_be_lost_any_number_of_times(tmp_path):
    def script(trial, attempt, report):
        if trial.trial_id == "0000" and attempt <= 6:
            project = Project(tmp_path, "p")
            manifest = project.paths.trial("0000").execution(0, 0).manifest
            state = StoredFile.of(b"", lambda digest: digest)
            project.store.replace(manifest, seal(Manifest(attempt, state, None).to_json()))
            raise ChildLostError("It was killed.", Outcome.KILLED)
        return 1.0

    tuner, _ = search(tmp_path, script)
    assert outcomes(tuner)[0] == ("COMPLETED", "completed", 7)


def test_a_trial_that_asks_for_more_than_there_is_fails_at_once_and_is_nobodys_failure(tmp_path):
    def script(trial, attempt, report):
        raise ChildLostError("It took too long.", Outcome.TIMED_OUT, hopeless=True)

    tuner, _ = search(tmp_path, script, trials=5, max_consecutive_failed_trials=2)
    assert outcomes(tuner) == [("FAILED", "timed out", 1)] * 5
    assert all(trial.infeasible for trial in tuner.oracle.trials.values())


def test_too_many_failures_in_a_row_end_the_search(tmp_path):
    def script(trial, attempt, report):
        raise ChildLostError("It was killed.", Outcome.KILLED)

    with pytest.raises(RuntimeError, match="consecutive"):
        search(tmp_path, script, trials=9, max_consecutive_failed_trials=2)


def test_the_result_that_a_dead_process_has_left_counts(tmp_path):
    def script(trial, attempt, report):
        trial.status = "COMPLETED"
        trial.report({"loss": 0.25}, 0, LOSS)
        left = Elsewhere(RandomSearchOracle(LOSS), directory=str(tmp_path), project_name="p")
        left.search_project.save_result(trial.trial_id, trial.get_state())
        raise ChildLostError("It was killed on its way out.", Outcome.KILLED)

    tuner, slots = search(tmp_path, script)
    assert [t.score for t in tuner.oracle.trials.values()] == [0.25] * 3
    assert slots.attempts == ["0000", "0001", "0002"]


def test_metrics_that_a_trial_reports_are_its_own_when_it_ends_without_others(tmp_path):
    told = []

    def script(trial, attempt, report):
        told.append(report(EpochReport(0, {"loss": 0.5})))
        told.append(report(MetricsReport({"loss": 0.5}, 0)))
        return 0.5

    search(tmp_path, script, trials=1)
    assert told == [None, None]


def test_an_invalid_trial_is_tried_again_in_its_slot_as_often_as_the_search_allows(tmp_path):
    def script(trial, attempt, report):
        return float("nan") if attempt < 3 else 1.0

    tuner, slots = search(tmp_path, script, trials=2, max_retries_per_trial=2)
    assert slots.attempts == ["0000"] * 3 + ["0001"] * 3
    assert outcomes(tuner) == [("COMPLETED", "completed", 3)] * 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (Fatal("Traceback: the study is broken"), StudyError),
        (Fatal("no trial can work", "FatalValueError"), FatalValueError),
    ],
)
def test_what_no_trial_can_work_with_ends_the_search_and_the_trial_runs_again(
    tmp_path, answer, error
):
    with pytest.raises(error, match=answer.message):
        search(tmp_path, lambda trial, attempt, report: answer)
    tuner, slots = search(tmp_path, lambda trial, attempt, report: 1.0)
    assert slots.attempts[0] == "0000"
    assert tuner.oracle.trials["0000"].tries >= 1
    assert len(tuner.oracle.end_order) == 3
