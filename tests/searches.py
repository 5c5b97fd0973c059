"""A search that needs no Keras and no time, with everything a report shows."""

import math

import numpy as np

from tuner import BaseTuner, Objective, Trial
from tuner.core.hyperparameters.sampling import random_values
from tuner.journal.history import History
from tuner.oracles import RandomSearchOracle


class Curve:
    """Looks like a Keras History."""

    def __init__(self, name, values):
        self.epoch = list(range(len(values)))
        self.history = {name: values}


class Curves(BaseTuner):
    """Learning curves whose height depends on the rate alone; every eighth trial fails."""

    def run_trial(self, trial, **_):
        hp = trial.hyperparameters
        rate = hp.Float("rate", 1e-4, 1e-1, sampling="log")
        hp.Int("units", 16, 256, step=16)
        if hp.Choice("kind", ["plain", "</script><b>odd"]) == "plain":
            with hp.conditional_scope("kind", ["plain"]):
                hp.Float("share", 0.1, 0.5)
        if int(trial.trial_id) % 8 == 7:
            raise ValueError("it became <NaN>")
        top = 1 - 0.1 * (math.log10(rate) + 2.5) ** 2
        curve = [top * (1 - math.exp(-epoch - 1)) for epoch in range(5)]
        return [Curve("accuracy", [value + 0.001 * k for value in curve]) for k in range(2)]


class Objectives(BaseTuner):
    """Two objectives that cannot both be had."""

    def run_trial(self, trial, **_):
        x = trial.hyperparameters.Float("x", 0.0, 1.0)
        return {"cost": x, "gain": x * x}


def searched(directory, trials=32, cls=Curves, objective=None, verbose=0):
    """A tuner whose search has ended."""
    oracle = RandomSearchOracle(
        objective or Objective("accuracy", "max"),
        max_trials=trials,
        seed=0,
        max_consecutive_failed_trials=9,
    )
    tuner = cls(oracle, directory=str(directory), project_name="curves")
    tuner.search(search_verbose=verbose)
    return tuner


def searched_twice(directory, trials=12):
    """One that improved two objectives."""
    both = [Objective("cost", "min"), Objective("gain", "max")]
    return searched(directory, trials, Objectives, both)


def history_of(space, function, trials, seed=0, budgets=(None,)):
    """A history of random trials, whose scores a function of values (and budget) gives."""
    history = History(Objective("y", "min"))
    history.space = space
    rng = np.random.default_rng(seed)
    for number in range(trials):
        values = random_values(space, rng)
        trial = Trial(space.with_values(values), trial_id=f"{number:04d}")
        trial.budget = budgets[number % len(budgets)]
        given = [] if trial.budget is None else [trial.budget]
        trial.score, trial.status = float(function(values, *given)), "COMPLETED"
        history.trials[trial.trial_id] = trial
        history.end_order.append(trial.trial_id)
        history.completed += 1
    return history
