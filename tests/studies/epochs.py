"""A study without Keras whose trials have epochs, told as Keras's callbacks tell them."""

import os
import time
from pathlib import Path

from tuner import BaseTuner, HyperParameters, Objective
from tuner.oracles import RandomSearchOracle

SECONDS = float(os.environ.get("EPOCH_SECONDS", "0.01"))
UNTIL = os.environ.get("EPOCH_UNTIL")


class Epochs(BaseTuner):
    def run_trial(self, trial, epochs=20):
        x = trial.hyperparameters.Float("x", 0.0, 1.0)
        history = []
        for epoch in range(epochs):
            self.oracle.check_not_interrupted()
            time.sleep(SECONDS)
            history.append(x + 1 / (1 + epoch))
            folder = Path(os.environ.get("EPOCH_TRACES", "."))
            (folder / f"trial-{trial.trial_id}-epoch-{epoch}").touch()
            reason = self.oracle.report_epoch(trial.trial_id, epoch, {"loss": history[-1]})
            if reason:
                print("stopped:", reason)
                break
        while UNTIL and not Path(UNTIL).exists():
            self.oracle.check_not_interrupted()
            time.sleep(0.05)
        return {"loss": min(history)}


def build_tuner(**project):
    space = HyperParameters()
    space.Float("x", 0.0, 1.0)
    loss = Objective("loss", "min")
    oracle = RandomSearchOracle(loss, max_trials=8, seed=3, hyperparameters=space)
    return Epochs(oracle, **project)
