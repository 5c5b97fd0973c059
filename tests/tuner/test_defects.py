"""The defects of Keras Tuner 1.4.8, one test each; those of the oracles for every oracle.

More of them stand where their subject is tested: grids in test_grid_search.py, callbacks,
TensorBoard and oversized models in test_keras_arguments.py.
"""

import math
import threading
import time

import pytest

from storage import CorruptError
from tuner import BaseTuner, Objective, Oracle, TrialStatus, synchronized
from tuner.core.hyperparameters import HyperParameters
from tuner.core.hyperparameters.sampling import count_values, values_key
from tuner.core.proposal import Done, Wait
from tuner.errors import FailedTrialError
from tuner.oracles import (
    BayesianOptimizationOracle,
    GridSearchOracle,
    HyperbandOracle,
    RandomSearchOracle,
)
from tuner.testing import Search, score_of, small_space

LOSS = Objective("loss", "min")


def random_search(**options):
    return RandomSearchOracle(LOSS, max_trials=options.pop("max_trials", None), **options)


def grid_search(**options):
    return GridSearchOracle(LOSS, **options)


def bayesian_optimization(**options):
    return BayesianOptimizationOracle(LOSS, max_trials=options.pop("max_trials", None), **options)


def hyperband(**options):
    options.pop("max_trials", None)
    return HyperbandOracle(LOSS, max_epochs=4, factor=2, hyperband_iterations=9, **options)


every_oracle = pytest.mark.parametrize(
    "make", [random_search, grid_search, bayesian_optimization, hyperband]
)


class Scripted(BaseTuner):
    """Returns or raises what it is told, one after the other."""

    fates = ()

    def run_trial(self, trial, **kwargs):
        trial.hyperparameters.Float("x", 0.0, 1.0)
        fate = self.fates.pop(0)
        if isinstance(fate, BaseException):
            raise fate
        return fate


def tuner(directory, fates, oracle=None, cls=Scripted, **options):
    oracle = oracle or random_search(**{"max_trials": 3, "seed": 0, **options})
    oracle.verbose = 0
    made = cls(oracle, directory=str(directory), project_name="p")
    made.fates = list(fates)
    return made


def fresh_configurations(trials):
    return [values_key(t.values) for t in trials if t.budget is None or t.budget.parent is None]


def test_a_retry_after_nan_succeeds(tmp_path):
    search = tuner(tmp_path, [math.nan, 0.5], max_trials=1, max_retries_per_trial=3)
    search.search()
    assert [t.score for t in search.oracle.get_best_trials(9)] == [0.5]


def test_the_lock_is_given_back_when_too_many_trials_have_failed(tmp_path):
    search = tuner(tmp_path, [ValueError("no")] * 3)
    with pytest.raises(RuntimeError, match="consecutive failures"):
        search.search()
    other = threading.Thread(target=search.oracle.get_space)
    other.start()
    taken = []
    asking = threading.Thread(target=lambda: taken.append(search.oracle.lock.acquire(timeout=5)))
    asking.start()
    asking.join()
    assert taken == [True]
    # And the last trial is recorded: it does not run again.
    again = tuner(tmp_path, [], max_trials=3)
    assert [t.status for t in again.oracle.trials.values()] == [TrialStatus.FAILED] * 3
    assert not again.oracle.history.running


@pytest.mark.parametrize("name", ["project.json", "journal/000000/000000001.json"])
def test_a_truncated_file_is_named(tmp_path, name):
    tuner(tmp_path, [0.1, 0.2, 0.3]).search()
    path = tmp_path / "p" / name
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises((CorruptError, ValueError), match=name.rsplit("/", 1)[-1]):
        tuner(tmp_path, [])


@every_oracle
def test_a_finite_space_is_exhausted_exactly(make):
    created = Search(make(hyperparameters=small_space(), seed=1), slots=2).run()
    begun = fresh_configurations(created)
    assert len(begun) == len(set(begun)) == count_values(small_space())


def test_a_failed_trial_starves_no_bracket():
    oracle = hyperband(seed=1, max_consecutive_failed_trials=99)
    hp = HyperParameters()
    hp.Float("x", 0.0, 1.0)
    oracle.update_space(hp)
    fates = iter([None] + [1.0] * 999)
    created = Search(oracle, 1, lambda t: next(fates) and score_of(t)).run(40)
    first = [t for t in created if (t.budget.sweep, t.budget.bracket) == (0, 2)]
    assert max(t.budget.rung for t in first) == 2


@every_oracle
def test_a_space_that_only_the_trials_know_is_searched(make, tmp_path):
    fates = [0.1 * n for n in range(999)]
    search = tuner(tmp_path, fates, make(seed=1, max_trials=5))
    search.search()
    assert len(search.oracle.trials) >= 5
    assert len({t.values["x"] for t in search.oracle.trials.values()}) >= 3


@every_oracle
def test_a_space_of_fixed_values_has_one_configuration(make):
    hp = HyperParameters()
    hp.Fixed("a", 1)
    hp.Fixed("b", "two")
    created = Search(make(hyperparameters=hp, seed=1)).run()
    assert len(set(fresh_configurations(created))) == 1
    assert created[0].values == {"a": 1, "b": "two"}


@every_oracle
def test_zero_is_a_seed(make):
    hp = HyperParameters()
    hp.Float("x", 0.0, 1.0)
    asked = [[t.values for t in Search(make(hyperparameters=hp, seed=0)).run(4)] for _ in range(2)]
    assert asked[0] == asked[1]


@every_oracle
def test_an_infinite_score_is_a_failure_and_poisons_nothing(make, tmp_path):
    hp = HyperParameters()
    hp.Float("x", 0.0, 1.0)
    fates = [math.inf, -math.inf, 0.5] * 333
    oracle = make(hyperparameters=hp, seed=1, max_trials=6)
    search = tuner(tmp_path, fates, oracle)
    search.search()
    assert {t.score for t in search.oracle.history.ranked()} == {0.5}
    statuses = [t.status for t in search.oracle.trials.values()]
    assert statuses[:3] == [TrialStatus.FAILED, TrialStatus.FAILED, TrialStatus.COMPLETED]


def test_a_dict_of_several_objectives_needs_no_sum(tmp_path):
    oracle = RandomSearchOracle([Objective("a", "min"), Objective("b", "max")], 1, seed=0)
    search = tuner(tmp_path, [{"a": 3.0, "b": 1.0}], oracle)
    search.search()
    assert search.oracle.get_best_trials()[0].score == 2.0


def test_a_choice_of_booleans_stays_one():
    choice = HyperParameters().Choice("flag", [True, False])
    assert choice is True


def test_best_models_are_those_of_completed_trials(tmp_path):
    class Loading(Scripted):
        def load_model(self, trial):
            return trial.trial_id

    search = tuner(tmp_path, [0.3, FailedTrialError("no"), 0.2], cls=Loading)
    search.search()
    assert search.get_best_models(5) == ["0002", "0000"]


def test_an_idle_oracle_makes_no_busy_loop(tmp_path):
    class Idle(Oracle):
        asked = 0

        def populate_space(self, trial_id):
            self.asked += 1
            late = time.monotonic() - began > 0.5
            return {"status": TrialStatus.STOPPED if late else TrialStatus.IDLE}

    class Thinking(Oracle):
        waits = 0

        def propose(self, history, rng):
            self.waits += 1
            return Wait() if self.waits < 5 else Done("enough")

    began = time.monotonic()
    search = tuner(tmp_path, [], Idle(LOSS))
    search.search()
    assert search.oracle.asked < 9
    search = tuner(tmp_path / "2", [], Thinking(LOSS))
    search.search()
    assert search.oracle.search_history.end_reason == "enough"


def test_what_the_call_says_wins_over_what_is_stored(tmp_path):
    tuner(tmp_path, [0.1], bayesian_optimization(max_trials=1, beta=2.0)).search()
    search = tuner(tmp_path, [0.1] * 2, bayesian_optimization(max_trials=2, beta=0.5))
    search.search()
    assert search.oracle.beta == 0.5
    assert "beta=0.5 (was 2.0)" in search.oracle.changed_settings


def test_a_synchronized_method_may_call_another():
    class Counting(Oracle):
        @synchronized
        def outer(self):
            return self.inner()

        @synchronized
        def inner(self):
            return "both"

    assert Counting(LOSS).outer() == "both"
