"""A black-box study of two executions a trial, which record two metrics that disagree."""

from tuner import BaseTuner, HyperParameters, Objective
from tuner.oracles import RandomSearchOracle


class Measured(BaseTuner):
    def run_trial(self, trial):
        x = trial.hyperparameters.get("x")
        return [{"loss": x, "size": 2 - x}, {"loss": x, "size": 3 - x}]


def build_tuner(**project):
    space = HyperParameters()
    space.Float("x", 0.0, 1.0)
    oracle = RandomSearchOracle(
        Objective("loss", "min"), max_trials=4, seed=4, hyperparameters=space
    )
    return Measured(oracle, **project)
