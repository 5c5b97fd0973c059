"""A program for Keras Tuner without Keras: own tuner, own oracle, own `search`; it sleeps."""

import os
import sys
import threading
import time
from pathlib import Path

import keras_tuner as kt
import numpy as np
from beside import square
from keras_tuner.engine import base_tuner
from keras_tuner.engine import oracle as oracle_module

SECONDS = float(os.environ.get("NAP_SECONDS", "0.05"))
TRIALS = 6


def trace(name, text=""):
    Path(f"trace-{name}-{os.getpid()}").write_text(text)


class Steps(oracle_module.Oracle):
    """Proposes 0.0, 0.1, 0.2, ..."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.asked = 0

    def populate_space(self, trial_id):
        if len(self.trials) >= TRIALS:
            return {"status": kt.engine.trial.TrialStatus.STOPPED}
        self.asked += 1
        values = {"x": len(self.trials) / 10}
        return {"status": kt.engine.trial.TrialStatus.RUNNING, "values": values}

    def update_trial(self, trial_id, metrics, step=0):
        trial = super().update_trial(trial_id, metrics, step=step)
        if metrics.get("loss") == 99.0 and step == 2:
            trial.status = kt.engine.trial.TrialStatus.STOPPED
        return trial

    def get_state(self):
        return {**super().get_state(), "asked": self.asked}

    def set_state(self, state):
        super().set_state(state)
        self.asked = state["asked"]


class Data:
    """Tells who unpickled it."""

    def __init__(self):
        self.array = np.ones(1000)

    def __setstate__(self, state):
        trace("data")
        self.__dict__.update(state)


class Naps(base_tuner.BaseTuner):
    def search(self, data, *args, **kwargs):
        self.shift = 1.0
        super().search(data, *args, **kwargs)

    def on_search_begin(self):
        self.scale = 2.0

    def on_trial_end(self, trial):
        super().on_trial_end(trial)
        time.sleep(0.5)
        trace(f"ended-{trial.trial_id}")

    def run_trial(self, trial, data, pause, verbose=1):
        x = trial.hyperparameters.Float("x", 0.0, 1.0)
        trace(f"run-{trial.trial_id}", trial.hyperparameters.values.__repr__())
        print("napping", x)
        time.sleep(SECONDS + pause)
        data.array[:] += 1  # each process has its own
        for step in range(5):
            if self.oracle.update_trial(trial.trial_id, {"loss": 99.0}, step).status == "STOPPED":
                trace(f"stopped-{trial.trial_id}-{step}")
                break
        return {"loss": square(x) * self.scale + self.shift}


def make(name):
    oracle = Steps(objective=kt.Objective("loss", "min"))
    return Naps(oracle, directory="out", project_name=name)


if __name__ == "__main__":
    tuner = make("naps")
    tuner.search(Data(), pause=0.01)
    tuner.search(Data(), pause=0.01)  # nothing is left to do
    tuner.results_summary(2)
    best = tuner.get_best_hyperparameters()[0]
    print("best", best.get("x"), "of", len(tuner.oracle.end_order), "asked", tuner.oracle.asked)
    if "--threads" in sys.argv:
        other = make("other")
        thread = threading.Thread(target=other.search, args=(Data(), 0.0), kwargs={"verbose": 0})
        thread.start()
        thread.join()
        print("other", len(other.oracle.end_order))
