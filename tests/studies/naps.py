"""A study without Keras whose trials sleep; the environment says how long, and what goes wrong."""

import os
import time
from pathlib import Path

from tuner import BaseTuner, Objective
from tuner.errors import FailedTrialError
from tuner.oracles import RandomSearchOracle

SECONDS = float(os.environ.get("NAP_SECONDS", "0.3"))
TRACES = os.environ.get("NAP_TRACES")
UNTIL = os.environ.get("NAP_UNTIL")


def trace(name):
    """Leaves a file, so that a test sees what ran, and how often."""
    if TRACES:
        path = Path(TRACES) / f"{name}-{os.getpid()}-{time.monotonic_ns()}"
        path.touch()


class NapTuner(BaseTuner):
    def run_trial(self, trial, pause=0.0):
        x = trial.hyperparameters.Float("x", -1.0, 1.0)
        trace(f"run-{trial.trial_id}")
        print(f"napping with x={x}")
        if os.environ.get("NAP_FAIL") == trial.trial_id:
            raise FailedTrialError("asked to fail")
        if os.environ.get("NAP_RAISE"):
            raise ValueError("asked to raise")
        if os.environ.get("NAP_LONG") == trial.trial_id:
            time.sleep(60)
        time.sleep(SECONDS + pause)
        while UNTIL and not Path(UNTIL).exists():
            time.sleep(0.05)
        trace(f"woke-{trial.trial_id}")
        return {"square": x**2}


def load_data():
    trace("data")
    return {"pause": 0.01}


def build_tuner(**project):
    oracle = RandomSearchOracle(Objective("square", "min"), max_trials=8, seed=3)
    return NapTuner(oracle, **project)
