"""Searches of black boxes that a campaign runs: fast, seeded, and each a function of its values."""

import os

from tuner import BaseTuner, Objective, Oracle, TrialStatus, synchronized
from tuner.oracles import GridSearchOracle, HyperbandOracle, RandomSearchOracle

LOSS = Objective("loss", "min")
TRIALS = 12


class Traced(BaseTuner):
    """Leaves a line when a trial begins, in one write: the trace is whole whatever happens."""

    trace: str

    def run_trial(self, trial, **kwargs):
        hp = trial.hyperparameters
        x = hp.Float("x", -1.0, 1.0)
        slope = 2.0 if hp.Boolean("steep") else 1.0
        if hp.Choice("kind", ["a", "b"]) == "b":
            slope += hp.Int("n", 1, 4, parent_name="kind", parent_values=["b"])
        note(self.trace, trial.trial_id)
        return {"loss": slope * x**2}


class Climber(Oracle):
    """Keeps a state of its own, by Keras Tuner's recipe, and learns when a trial ends."""

    def __init__(self, **options):
        super().__init__(**options)
        self.step, self.told = 0, []

    def get_state(self):
        state = super().get_state()
        state.update({"step": self.step, "told": self.told})
        return state

    def set_state(self, state):
        super().set_state(state)
        self.step, self.told = state["step"], state["told"]

    def populate_space(self, trial_id):
        self.step += 1
        hp = self.get_space()
        values = {p.name: p.random_sample(self.seed + self.step + len(self.told)) for p in hp.space}
        return {"status": TrialStatus.RUNNING, "values": values}

    @synchronized
    def end_trial(self, trial):
        super().end_trial(trial)
        self.told.append(trial.trial_id)


ORACLES = {
    "random": lambda seed: RandomSearchOracle(LOSS, TRIALS, seed=seed),
    "grid": lambda seed: GridSearchOracle(LOSS, TRIALS, seed=seed),
    "hyperband": lambda seed: HyperbandOracle(LOSS, max_epochs=4, factor=2, seed=seed),
    "own state": lambda seed: Climber(objective=LOSS, max_trials=TRIALS, seed=seed),
}


_open = os.open
"""As it was before any fault: the trace is no part of the search."""


def note(trace, line):
    descriptor = _open(trace, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
    try:
        os.write(descriptor, f"{line}\n".encode())
    finally:
        os.close(descriptor)


def search(oracle, seed, directory, trace):
    """Runs, or goes on with, a search in this process."""
    tuner = Traced(ORACLES[oracle](seed), directory=str(directory), project_name="p")
    tuner.trace = str(trace)
    tuner.search(search_verbose=0)
