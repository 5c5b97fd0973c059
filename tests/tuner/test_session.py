"""A session's laws: what is asked, told and lost, on a clock that the test sets."""

import os

import pytest
from fakes import Clock

from storage.local import temporary
from tuner.core.hyperparameters import HyperParameters
from tuner.core.outcome import Outcome
from tuner.core.proposal import Done, Proposal, Wait
from tuner.core.trial import Trial
from tuner.journal.project import Project
from tuner.oracles import RandomSearchOracle
from tuner.oracles.session import MAX_LOSSES, Session


def session(propose=lambda _: Proposal({"x": 0.5}), project=None, clock=None, **settings):
    space = HyperParameters()
    space.Float("x", 0.0, 1.0)
    settings = RandomSearchOracle("loss", seed=1, **settings)
    made = None

    def end(trial):
        made.tell(trial)

    made = Session(settings, propose, space, end, clock=clock or Clock())
    if project is not None:
        made.attach(project)
    return made


def complete(some, trial, score=1.0):
    trial.status, trial.score = "COMPLETED", score
    some.tell(trial)


def test_who_asks_twice_gets_the_trial_under_way():
    some = session()
    assert some.ask("a") is some.ask("a")
    assert some.ask("b") is not some.ask("a")
    assert list(some.assignments.ongoing) == ["a", "b"]


@pytest.mark.parametrize("answer", [Wait(), Done("enough")])
def test_what_is_no_trial_is_not_recorded(answer):
    some = session(lambda _: answer)
    assert some.ask("a") == answer
    assert not some.history.trials
    assert not some.assignments.ongoing


def test_no_more_trials_are_created_than_there_may_be():
    some = session(max_trials=2)
    assert [type(some.ask(slot)) for slot in "abc"] == [Trial, Trial, Done]


def test_when_the_time_is_up_nothing_new_begins_and_what_runs_may_end():
    clock = Clock()
    some = session(clock=clock)
    some.settings.timeout = 60.0
    trial = some.ask("a")
    clock.now += 61.0
    assert some.ask("b") == Done("the time is up")
    complete(some, trial)
    assert some.history.completed == 1


def test_times_in_the_journal_are_those_of_the_clock(tmp_path):
    clock = Clock(5000.0)
    some = session(project=Project(tmp_path, "p"), clock=clock)
    some.ask("a")
    some.stop()
    read = Project(tmp_path, "p").events()
    assert {event.time for event in read if hasattr(event, "time")} >= {5000.0}


def test_a_trial_that_is_lost_comes_back_until_it_has_been_lost_too_often():
    some = session()
    trial = some.ask("a")
    for losses in range(1, MAX_LOSSES):
        some.lose(trial, "gone", Outcome.KILLED, hopeless=False)
        assert trial.losses == losses
        assert list(some.assignments.queue) == [trial.trial_id]
        assert some.ask("a") is trial
    some.lose(trial, "gone for good", Outcome.KILLED, hopeless=False)
    assert (trial.status, trial.outcome) == ("FAILED", "killed")
    assert some.history.failed == 1


def test_a_slot_may_keep_a_trial_that_is_due_another_try():
    some = session()
    trial = some.ask("a")
    assert not some.keep(trial, "a")
    some.lose(trial, "gone", Outcome.LOST, hopeless=False)
    assert some.keep(trial, "a")
    assert some.assignments.ongoing == {"a": trial}
    assert not some.assignments.queue


def test_another_session_takes_up_what_was_left_running(tmp_path):
    first = session(project=Project(tmp_path, "p"))
    ended, running = first.ask("a"), first.ask("b")
    complete(first, ended)
    first.stop()
    second = session(project=Project(tmp_path, "p"))
    again = second.ask("c")
    assert again.trial_id == running.trial_id
    assert second.history.trials[ended.trial_id].score == 1.0


def test_nothing_is_told_after_the_end_of_a_search():
    some = session()
    trial = some.ask("a")
    some.stop("enough")
    trial.status, trial.score = "COMPLETED", 1.0
    with pytest.raises(RuntimeError, match=r"after `stop`"):
        some.tell(trial)


def test_what_killed_processes_of_a_trial_have_left_is_deleted_when_it_has_ended(tmp_path):
    some = session(project=Project(tmp_path, "p"))
    trial = some.ask("a")
    folder = tmp_path / "p" / "trials" / trial.trial_id
    folder.mkdir(parents=True)
    own = temporary(folder)
    left = own.with_name(own.name.replace(f"-{os.getpid()}-", "-4194999-"))
    left.touch()
    own.touch()
    some.lose(trial, "killed", Outcome.KILLED, hopeless=False)
    complete(some, some.ask("a"))
    assert not left.exists()
    assert own.exists()


@pytest.mark.parametrize(("study", "asked"), [("as before", False), ("another", True)])
def test_a_study_as_it_was_is_not_asked_while_its_trials_may_still_run(tmp_path, study, asked):
    first = session(project=Project(tmp_path, "p"))
    first.settings.study = "as before"
    first.ask("a")
    first.stop()
    again = session(project=Project(tmp_path, "p"))
    again.settings.study = study
    again.start()
    assert again.may_have_changed is asked
