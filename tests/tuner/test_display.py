import io
import re
import time

from tuner import Objective, TrialStatus
from tuner.oracles import RandomSearchOracle
from tuner.search.display import LiveDisplay, LogDisplay, display_for
from tuner.search.progress import Progress, clock, outcome_line, progress_of
from tuner.testing import mixed_space


class Terminal(io.StringIO):
    def isatty(self):
        return True


def make(trials=3, ended=2):
    oracle = RandomSearchOracle(
        Objective("val_accuracy", "max"), max_trials=trials, seed=0, hyperparameters=mixed_space()
    )
    for number in range(ended):
        trial = oracle.create_trial("t")
        oracle.update_trial(trial.trial_id, {"val_accuracy": 0.5 + number / 10})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    return oracle


def test_a_line_says_done_running_failed_best_and_time_left():
    oracle = make()
    oracle.create_trial("running")
    line = progress_of(oracle, ended_before=0, seconds=120).line()
    assert line == (
        "2/3 done, 1 running, 0 failed, best val_accuracy 0.6 (trial 0001), about 1:00 left"
    )


def test_time_left_counts_only_the_trials_of_this_run():
    oracle = make(trials=10, ended=4)
    assert progress_of(oracle, ended_before=3, seconds=10).seconds_left == 60
    assert progress_of(oracle, ended_before=4, seconds=10).seconds_left is None


def test_a_search_without_an_end_says_no_total():
    line = Progress(3, 1, 2, None, None, "loss", None).line()
    assert line == "3 done, 2 running, 1 failed"


def test_a_log_has_plain_lines_only():
    oracle, stream = make(), io.StringIO()
    with display_for(oracle, stream=stream) as display:
        assert isinstance(display, LogDisplay)
        trial = oracle.trials["0001"]
        display.trial_began(trial)
        display.epoch_ended(trial, 0, {"val_accuracy": 0.1})
        display.trial_ended(trial)
        display.advanced()
    lines = stream.getvalue().splitlines()
    assert lines[0] == "[0:00] trial 0001: val_accuracy 0.6"
    assert len(lines) == 2
    assert re.fullmatch(r"[\x20-\x7e\n]+", stream.getvalue())


def test_a_terminal_shows_each_running_trial_in_place():
    oracle, stream = make(), Terminal()
    running = oracle.create_trial("running")
    with display_for(oracle, stream=stream) as display:
        assert isinstance(display, LiveDisplay)
        display.trial_began(running)
        display.epoch_ended(running, 4, {"val_accuracy": 0.75})
        time.sleep(0.3)  # it redraws by itself
        display.note("by the way")
    shown = stream.getvalue()
    assert "trial 0002  epoch 5, val_accuracy 0.75" in shown
    assert "by the way" in shown
    assert "2/3 done" in shown


def test_verbose_zero_is_silent():
    oracle, stream = make(), io.StringIO()
    oracle.verbose = 0
    with display_for(oracle, stream=stream) as display:
        display.trial_ended(oracle.trials["0000"])
        display.advanced()
        display.note("x")
    assert stream.getvalue() == ""


def test_an_outcome_says_the_score_or_the_last_line_of_what_went_wrong():
    trial = make().trials["0000"]
    assert outcome_line(trial, "val_accuracy") == "val_accuracy 0.5"
    trial.status, trial.message = TrialStatus.FAILED, "Traceback ...\nValueError: too wide\n"
    assert outcome_line(trial, "val_accuracy") == "failed: ValueError: too wide"
    trial.message = None
    assert "no reason" in outcome_line(trial, "val_accuracy")


def test_durations_read_like_a_clock():
    assert [clock(s) for s in (0.4, 61, 3661)] == ["0:00", "1:01", "1:01:01"]
