import threadpoolctl

from tuner import HyperParameters, Objective, TrialStatus
from tuner.oracles import BayesianOptimizationOracle
from tuner.oracles.bayesian.gp import GaussianProcess
from tuner.oracles.drawing import single_threaded


def threads():
    found = threadpoolctl.threadpool_info()
    return {each["filepath"]: each["num_threads"] for each in found if each["user_api"] == "blas"}


def test_linear_algebra_takes_one_thread_inside_and_as_many_as_before_outside():
    with single_threaded():  # the first one looks for the libraries
        assert set(threads().values()) == {1}
    before = threads()
    with single_threaded():
        assert set(threads().values()) == {1}
    assert threads() == before


def test_a_proposal_of_a_model_takes_one_thread(monkeypatch):
    space = HyperParameters()
    space.Float("x", 0.0, 1.0)
    oracle = BayesianOptimizationOracle(
        Objective("loss", "min"), 9, num_initial_points=3, seed=0, hyperparameters=space
    )
    seen = []
    predict = GaussianProcess.predict

    def watched(self, points):
        seen.append(set(threads().values()))
        return predict(self, points)

    monkeypatch.setattr(GaussianProcess, "predict", watched)
    for _ in range(9):
        trial = oracle.create_trial("t")
        oracle.update_trial(trial.trial_id, {"loss": trial.values["x"]})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    assert seen
    assert all(numbers == {1} for numbers in seen)
