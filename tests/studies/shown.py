"""A study without Keras that has all the pages of a search show: curves, conditions, a failure."""

import math
import os
import time
from pathlib import Path

from tuner import BaseTuner, HyperParameters, Objective
from tuner.oracles import RandomSearchOracle

UNTIL = os.environ.get("SHOWN_UNTIL")


class Curve:
    """Looks like a Keras History."""

    def __init__(self, values):
        self.epoch = list(range(len(values)))
        self.history = {"accuracy": values}


class Shown(BaseTuner):
    """Trial 0002 raises; trial 0004 waits in its third epoch for the file that `UNTIL` names."""

    def run_trial(self, trial, epochs=5):
        values = trial.hyperparameters.values
        if trial.trial_id == "0002":
            raise ValueError("the loss became <infinite>")
        top = 0.9 - abs(math.log10(values["rate"]) + 2) / 10
        found = []
        for epoch in range(epochs):
            if epoch == 2 and trial.trial_id == "0004" and UNTIL:
                while not Path(UNTIL).exists():
                    self.oracle.check_not_interrupted()
                    time.sleep(0.05)
            found.append(top * (1 - math.exp(-epoch - 1)))
            self.oracle.report_epoch(trial.trial_id, epoch, {"accuracy": found[-1]})
        print(f"trial {trial.trial_id} is through")
        return [Curve(found), Curve([value + 0.001 for value in found])]


def build_tuner(**project):
    space = HyperParameters()
    space.Float("rate", 1e-4, 1e-1, sampling="log")
    kind = space.Choice("kind", ["plain", "fancy"])
    assert kind
    with space.conditional_scope("kind", ["fancy"]):
        space.Int("layers", 1, 4)
    oracle = RandomSearchOracle(
        Objective("accuracy", "max"),
        max_trials=12,
        seed=3,
        hyperparameters=space,
        max_retries_per_trial=0,
        max_consecutive_failed_trials=3,
    )
    return Shown(oracle, **project)
