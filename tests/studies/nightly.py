"""A study without Keras whose data changes: the file `optimum` says where its best value is."""

from pathlib import Path

from tuner import BaseTuner, HyperParameters, Objective
from tuner.oracles import RandomSearchOracle


class Parabola(BaseTuner):
    def run_trial(self, trial, optimum):
        return {"distance": abs(trial.hyperparameters.Float("x", 0.0, 1.0) - optimum)}


def load_data():
    return {"optimum": float((Path(__file__).parent / "optimum").read_text())}


def build_tuner(**project):
    space = HyperParameters()
    space.Float("x", 0.0, 1.0)
    oracle = RandomSearchOracle(
        Objective("distance", "min"), max_trials=3, seed=1, hyperparameters=space
    )
    return Parabola(oracle, **project)
