"""What `search` keeps for itself of its arguments."""

import time

import pytest

from tuner import BaseTuner, HyperModel, Objective
from tuner.oracles import RandomSearchOracle


class Sleepy(BaseTuner):
    def run_trial(self, trial, seconds=0.0, **kwargs):
        assert "search_verbose" not in kwargs
        time.sleep(seconds)
        return trial.hyperparameters.Float("x", -1.0, 1.0) ** 2


class Ticking(Sleepy):
    """A clock by which each of its trials takes 0.2 s."""

    now = 0.0

    def run_trial(self, trial, **kwargs):
        self.now += 0.2
        return super().run_trial(trial, **kwargs)

    def time(self):
        return self.now

    monotonic = time


def make(directory, cls=Sleepy, trials=50, **options):
    oracle = RandomSearchOracle(Objective("loss", "min"), trials, seed=0)
    return cls(oracle, directory=str(directory), project_name="p", **options)


def test_when_the_time_is_up_no_more_trials_begin_and_the_search_can_go_on(tmp_path):
    tuner = make(tmp_path, Ticking, trials=30)
    tuner.oracle.session._clock = tuner
    tuner.search(timeout=1.0, verbose=0)
    done = len(tuner.oracle.end_order)
    assert done == 6
    assert not tuner.oracle.history.running
    assert tuner.oracle.history.end_reason == "the time is up"
    again = make(tmp_path, trials=done + 2)
    again.search(verbose=0)
    assert len(again.oracle.end_order) == done + 2


class Plain(BaseTuner):
    def run_trial(self, trial):
        return trial.hyperparameters.Float("x", -1.0, 1.0) ** 2


class Told(BaseTuner):
    def run_trial(self, trial, verbose="auto"):
        assert verbose == 0
        return trial.hyperparameters.Float("x", -1.0, 1.0) ** 2


@pytest.mark.parametrize("cls", [Plain, Told, Sleepy])
def test_a_search_that_is_to_be_silent_prints_nothing_whatever_its_trials_take(
    tmp_path, capfd, cls
):
    tuner = make(tmp_path, cls, trials=3)
    tuner.search(verbose=0)
    assert len(tuner.oracle.end_order) == 3
    assert capfd.readouterr() == ("", "")
    make(tmp_path, Plain, trials=4).search(verbose=1)
    assert "4/4 done" in capfd.readouterr().out


@pytest.mark.parametrize("timeout", [0, -1, float("nan")])
def test_a_timeout_is_positive(tmp_path, timeout):
    with pytest.raises(ValueError, match="timeout"):
        make(tmp_path).search(timeout=timeout)


def test_an_argument_that_the_user_s_own_function_takes_is_theirs(tmp_path):
    seen = []

    class Own(Sleepy):
        def run_trial(self, trial, timeout, **kwargs):
            seen.append(timeout)
            return 1.0

    make(tmp_path, Own, trials=1).search(timeout=-5, verbose=0)

    class Model(HyperModel):
        def build(self, hp):
            return None

        def fit(self, hp, model, timeout):
            return timeout

    class Calling(BaseTuner):
        def run_trial(self, trial, *args, **kwargs):
            seen.append(self.hypermodel.fit(trial.hyperparameters, None, **kwargs))
            return 1.0

    make(tmp_path / "2", Calling, 1, hypermodel=Model()).search(timeout=-6)
    assert seen == [-5, -6]


@pytest.mark.parametrize(
    ("arguments", "shown"),
    [
        ({}, True),
        ({"verbose": 0}, False),
        ({"verbose": 0, "search_verbose": 1}, True),
        ({"verbose": 1, "search_verbose": 0}, False),
        ({"verbose": "auto"}, True),
    ],
)
def test_the_search_has_a_verbosity_of_its_own(tmp_path, capsys, arguments, shown):
    make(tmp_path, trials=1).search(**arguments)
    assert ("1/1 done" in capsys.readouterr().out) is shown
