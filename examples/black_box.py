"""A tuner for anything: here the minimum of Branin's function, without Keras.

trialflow search examples/black_box.py --slots 2
"""

from math import cos, pi

from tuner import BaseTuner, Objective
from tuner.oracles import RandomSearchOracle


class BraninTuner(BaseTuner):
    """Branin's function of two variables; its minimum is 0.397887."""

    def run_trial(self, trial):
        hp = trial.hyperparameters
        x = hp.Float("x", -5.0, 10.0)
        y = hp.Float("y", 0.0, 15.0)
        bowl = (y - 5.1 / (4 * pi**2) * x**2 + 5 / pi * x - 6) ** 2
        return {"branin": bowl + 10 * (1 - 1 / (8 * pi)) * cos(x) + 10}


def build_tuner(**project):
    oracle = RandomSearchOracle(Objective("branin", "min"), max_trials=40, seed=0)
    return BraninTuner(oracle, **project)


if __name__ == "__main__":
    tuner = build_tuner(directory="results", project_name="black_box")
    tuner.search()
    print(tuner.get_best_hyperparameters()[0].values)
