"""Bayesian optimisation: a Gaussian process of the losses says which trial promises most.

As in Snoek et al. (2012, arXiv:1206.2944), with the acquisition of Ament et al. (2023,
arXiv:2310.20708) and the priors of Hvarfner et al. (2024, arXiv:2402.02229). The model is made
anew from the history at each question.
"""

from __future__ import annotations

import os
import numpy as np

from tuner.history import History
from tuner.oracle import Oracle
from tuner.proposal import Decision, Done, Proposal, Wait
from tuner.sampling import values_key
from tuner.trial import Trial, TrialStatus

NOISE = float(os.environ.get("NOISE", -10))
SCALE = float(os.environ.get("SCALE", 0))
SCALES = float(os.environ.get("SCALES", 1.7))
INIT = int(os.environ.get("INIT", 6))
SIGS = float(os.environ.get("SIGS", 1))
LEASTN = float(os.environ.get("LEASTN", 1e-8))


def propose(history, rng, num_initial_points=None, acquisition=None, alpha=1e-4, beta=2.6):
    from tuner.bayesian.encoding import Encoder
    from tuner.bayesian.gp import Prior, fit
    from tuner.bayesian.warping import warp
    from tuner.bayesian.acquisition import LogExpectedImprovement
    from tuner.bayesian.utility import Utility
    from tuner.bayesian.search import maximise

    encoder = Encoder(history.space)
    completed = [t for t in history.trials.values() if t.status == TrialStatus.COMPLETED]
    initial = num_initial_points or INIT
    if len(completed) + len(history.running) < initial or len(completed) < 2 or not len(encoder):
        return _initial(history, rng, encoder)
    X = np.array([encoder.encode(t.values) for t in completed])
    y = warp(np.array([history.loss(t) for t in completed]))
    gp = fit(
        X,
        y,
        encoder.categorical,
        Prior(scale=(SCALE, SCALES), noise=(NOISE, 3.0), signal=(0.0, SIGS), least_noise=LEASTN),
    )
    mean, _ = gp.predict(X)
    acq = LogExpectedImprovement(float(mean.min()))
    running = [encoder.encode(t.values) for t in history.running.values()]
    if running:
        gp = gp.believing(np.array(running))
    utility = Utility(gp, acq)
    inc = X[np.argsort(y)[:5]]
    for point in maximise(utility, encoder, inc, rng)[:50]:
        values = encoder.decode(point)
        if values_key(values) not in history.tried:
            return Proposal(values)
    return _initial(history, rng, encoder)


def _initial(history, rng, encoder):
    if len(encoder):
        from scipy.stats import qmc

        s = qmc.Sobol(len(encoder), rng=np.random.default_rng([history.seed, 7]))
        values = encoder.decode(encoder.spread(s.random(64))[len(history.trials) % 64])
        if values_key(values) not in history.tried:
            return Proposal(values)
    values = history.untried(rng)
    if values is not None:
        return Proposal(values)
    return Wait() if history.running else Done("every configuration of the space has had a trial")


class BayesianOptimizationOracle(Oracle):
    def __init__(
        self,
        objective: object = None,
        max_trials: int | None = 10,
        num_initial_points: int | None = None,
        alpha: float = 1e-4,
        beta: float = 2.6,
        seed: int | None = None,
        hyperparameters: object = None,
        allow_new_entries: bool = True,
        tune_new_entries: bool = True,
        max_retries_per_trial: int = 0,
        max_consecutive_failed_trials: int = 3,
    ) -> None:
        super().__init__(
            objective=objective,
            max_trials=max_trials,
            hyperparameters=hyperparameters,
            tune_new_entries=tune_new_entries,
            allow_new_entries=allow_new_entries,
            seed=seed,
            max_retries_per_trial=max_retries_per_trial,
            max_consecutive_failed_trials=max_consecutive_failed_trials,
        )
        self.num_initial_points = num_initial_points

    def propose(self, history: History, rng: np.random.Generator) -> Decision:
        return propose(history, rng, self.num_initial_points)
