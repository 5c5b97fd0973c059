"""Searches of other libraries on the same problems; each is left out where it is not installed."""

from __future__ import annotations

import importlib.util
import itertools
import tempfile
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np
from problems import Curves, Problem
from runners import Run
from samplers import OptunaSpace


def is_installed(module: str) -> bool:
    return importlib.util.find_spec(module) is not None


def optuna_epochs(pruner: str) -> Callable[[Curves, int, int, int], Run]:
    """Optuna's default sampler with a pruner: what is pruned is never continued."""

    def run(problem: Curves, seed: int, epochs: int, slots: int) -> Run:
        import optuna

        del slots
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        rng, found, spent = np.random.default_rng(seed), Run(), 0
        made = {
            "hyperband": lambda: optuna.pruners.HyperbandPruner(1, problem.max_epochs, 3),
            "halving": optuna.pruners.SuccessiveHalvingPruner,
            "median": optuna.pruners.MedianPruner,
        }[pruner]()
        sampler = optuna.samplers.TPESampler(seed=seed)
        study = optuna.create_study(sampler=sampler, pruner=made)

        def outcome(trial: Any) -> float:
            nonlocal spent
            space = OptunaSpace(trial)
            problem.space(space)  # type: ignore[arg-type]  # what it has is what is called
            true = problem.loss(space.values, problem.max_epochs) - problem.minimum
            seen = 0.0
            for epoch in range(1, problem.max_epochs + 1):
                spent += 1
                noise = problem.noise * rng.standard_normal()
                seen = problem.loss(space.values, epoch) + noise
                trial.report(seen, epoch)
                if epoch < problem.max_epochs and trial.should_prune():
                    break
            else:
                found.add(spent, seen, true)
                return seen
            found.add(spent, seen, true)
            raise optuna.TrialPruned

        began = time.process_time()
        count = 0
        while spent < epochs:
            study.optimize(outcome, n_trials=1)
            count += 1
        found.cpu = (time.process_time() - began) / count
        return found

    return run


def keras_tuner_trials(oracle: str) -> Callable[[Problem, int, int, int], Run]:
    """A search of Keras Tuner, one trial after the other."""

    def run(problem: Problem, seed: int, trials: int, slots: int) -> Run:
        import keras_tuner as kt

        del slots
        space = kt.HyperParameters()
        problem.space(space)
        observe, found, seconds = problem.observer(seed), Run(), 0.0

        class Tuner(kt.engine.base_tuner.BaseTuner):  # type: ignore[misc]  # untyped
            def run_trial(self, trial: Any) -> float:
                nonlocal seconds
                began = time.process_time()
                true = problem.loss(trial.hyperparameters.values)
                seen = observe(trial.hyperparameters.values, true)
                seconds += time.process_time() - began
                found.add(len(found.costs) + 1, seen, problem.regret(true))
                return seen

        objective = kt.Objective("default_objective", "min")
        made = getattr(kt.oracles, oracle)(
            objective, max_trials=trials, seed=seed, hyperparameters=space
        )
        found.cpu = (_search(Tuner, made) - seconds) / trials
        return found

    return run


def keras_tuner_hyperband(problem: Curves, seed: int, epochs: int, slots: int) -> Run:
    """Keras Tuner's Hyperband; a promoted trial pays its new epochs only."""
    import keras_tuner as kt

    del slots
    space = kt.HyperParameters()
    problem.space(space)
    rng, found, spent = np.random.default_rng(seed), Run(), 0

    class Tuner(kt.engine.base_tuner.BaseTuner):  # type: ignore[misc]  # untyped
        def run_trial(self, trial: Any) -> float:
            nonlocal spent
            values = trial.hyperparameters.values
            until = values["tuner/epochs"]
            spent += until - values["tuner/initial_epoch"]
            seen = problem.loss(values, until) + problem.noise * rng.standard_normal()
            true = problem.loss(values, problem.max_epochs) - problem.minimum
            found.add(spent, seen, true)
            if spent >= epochs:
                self.oracle.populate_space = lambda _: {"status": "STOPPED"}
            return float(seen)

    objective = kt.Objective("default_objective", "min")
    oracle = kt.oracles.HyperbandOracle(
        objective, problem.max_epochs, hyperband_iterations=100, seed=seed, hyperparameters=space
    )
    cpu = _search(Tuner, oracle)
    found.cpu = cpu / len(found.costs)
    return found


def _search(tuner: Any, oracle: Any) -> float:
    """CPU seconds of a whole search."""
    oracle.verbose = 0
    with tempfile.TemporaryDirectory() as folder:
        made = tuner(oracle, directory=folder, project_name="quality")
        began = time.process_time()
        made.search()
        return time.process_time() - began


def ray_asha(problem: Curves, seed: int, epochs: int, slots: int) -> Run:
    """Ray's ASHA, its scheduler asked directly: random configurations, stopped at its rungs."""
    from ray.tune.experiment import Trial as RayTrial
    from ray.tune.schedulers import AsyncHyperBandScheduler

    from tuner import HyperParameters
    from tuner.core.hyperparameters.sampling import random_values

    del slots
    space = HyperParameters()
    problem.space(space)
    rng, found, spent = np.random.default_rng(seed), Run(), 0
    scheduler = AsyncHyperBandScheduler(
        metric="loss", mode="min", max_t=problem.max_epochs, reduction_factor=3
    )
    began = time.process_time()
    for number in itertools.count():
        if spent >= epochs:
            found.cpu = (time.process_time() - began) / number
            return found
        values = random_values(space, rng)
        true = problem.loss(values, problem.max_epochs) - problem.minimum
        trial = RayTrial("problem", stub=True)
        scheduler.on_trial_add(None, trial)
        seen = 0.0
        for epoch in range(1, problem.max_epochs + 1):
            spent += 1
            seen = problem.loss(values, epoch) + problem.noise * rng.standard_normal()
            result = {"loss": seen, "training_iteration": epoch}
            if epoch == problem.max_epochs:
                scheduler.on_trial_complete(None, trial, result)
            elif scheduler.on_trial_result(None, trial, result) == scheduler.STOP:
                break
        found.add(spent, seen, true)
    raise AssertionError


class SyneSpace(dict[str, Any]):
    """What `Curves.space` declares, in Syne Tune's words."""

    def Float(self, name: str, low: float, high: float, sampling: str = "linear") -> None:
        from syne_tune.config_space import loguniform, uniform

        self[name] = (loguniform if sampling == "log" else uniform)(low, high)

    def Int(self, name: str, low: int, high: int, sampling: str = "linear") -> None:
        from syne_tune.config_space import lograndint, randint

        self[name] = (lograndint if sampling == "log" else randint)(low, high)

    def Choice(self, name: str, values: Sequence[Any]) -> None:
        from syne_tune.config_space import choice

        self[name] = choice(list(values))


def syne_tune_epochs(scheduler: str) -> Callable[[Curves, int, int, int], Run]:
    """One of Syne Tune's ASHA schedulers, asked directly: what it stops is never continued."""

    def run(problem: Curves, seed: int, epochs: int, slots: int) -> Run:
        from syne_tune.backend.trial_status import Trial as SyneTrial
        from syne_tune.optimizer import baselines
        from syne_tune.optimizer.scheduler import SchedulerDecision

        del slots
        space = SyneSpace()
        problem.space(space)  # type: ignore[arg-type]  # what it has is what is called
        rng, found, spent = np.random.default_rng(seed), Run(), 0
        np.random.seed(seed)  # noqa: NPY002 - it draws from the global generator
        made = getattr(baselines, scheduler)(
            space, metric="loss", time_attr="epoch", max_t=problem.max_epochs, random_seed=seed
        )
        began = time.process_time()
        for number in itertools.count():
            if spent >= epochs:
                found.cpu = (time.process_time() - began) / number
                return found
            values = made.suggest().config
            true = problem.loss(values, problem.max_epochs) - problem.minimum
            trial = SyneTrial(number, values, datetime.now(tz=UTC))
            made.on_trial_add(trial)
            seen = 0.0
            for epoch in range(1, problem.max_epochs + 1):
                spent += 1
                seen = problem.loss(values, epoch) + problem.noise * rng.standard_normal()
                result = {"loss": seen, "epoch": epoch}
                if epoch == problem.max_epochs:
                    made.on_trial_complete(trial, result)
                elif made.on_trial_result(trial, result) == SchedulerDecision.STOP:
                    break
            found.add(spent, seen, true)
        raise AssertionError

    return run
