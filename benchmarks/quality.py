"""Which oracle finds better configurations sooner? Simple regret after so many trials.

    OMP_NUM_THREADS=1 .venv/bin/python benchmarks/quality.py [--seeds 10] [--trials 50]
        [--slots 1] [--problems branin,mixed] [--oracle random,bayesian,keras-tuner,optuna]

Prints the median and the quartiles over the seeds, and the CPU time of a proposal. Peers that are
not installed are left out. On a noisy problem the regret is that of the trial that looked best.
"""

import argparse
import importlib.util
import os
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded

import numpy as np
from problems import PROBLEMS, Problem

from tuner import HyperParameters, Objective
from tuner.oracle import Oracle
from tuner.oracles import BayesianOptimizationOracle, RandomSearchOracle
from tuner.testing import Search
from tuner.trial import Trial

OBJECTIVE = Objective("score", "min")
Run = tuple[list[float], list[float], float]
"""True losses and observed ones, in the order of the trials, and CPU seconds per proposal."""


def run_ours(
    create: Callable[..., Oracle], problem: Problem, seed: int, trials: int, slots: int
) -> Run:
    """A search of one of our oracles, in memory."""
    space = HyperParameters()
    problem.space(space)
    oracle = create(OBJECTIVE, max_trials=trials, seed=seed, hyperparameters=space)
    noise = np.random.default_rng(seed)

    def outcome(trial: Trial) -> float:
        return problem.loss(trial.values) + problem.noise * noise.standard_normal()

    began = time.process_time()
    created = Search(oracle, slots=slots, outcome=outcome).run(trials)
    cpu = (time.process_time() - began) / len(created)
    return [problem.loss(t.values) for t in created], [t.score or 0.0 for t in created], cpu


def run_keras_tuner(problem: Problem, seed: int, trials: int, slots: int) -> Run:
    """A search of Keras Tuner's Bayesian optimisation, one trial after the other."""
    import keras_tuner as kt

    del slots
    space = kt.HyperParameters()
    problem.space(space)
    noise = np.random.default_rng(seed)
    true, seen = [], []

    class Tuner(kt.engine.base_tuner.BaseTuner):
        def run_trial(self, trial: Any) -> float:
            true.append(problem.loss(trial.hyperparameters.values))
            seen.append(true[-1] + problem.noise * noise.standard_normal())
            return float(seen[-1])

    objective = kt.Objective("default_objective", "min")
    oracle = kt.oracles.BayesianOptimizationOracle(
        objective, max_trials=trials, seed=seed, hyperparameters=space
    )
    oracle.verbose = 0
    with tempfile.TemporaryDirectory() as folder:
        tuner = Tuner(oracle, directory=folder, project_name="quality")
        began = time.process_time()
        tuner.search()
    return true, seen, (time.process_time() - began) / trials


class OptunaSpace:
    """What `Problem.space` declares, asked of an Optuna trial."""

    def __init__(self, trial: Any) -> None:
        self.trial = trial
        self.values: dict[str, Any] = {}
        self._open = True

    def Float(self, name: str, low: float, high: float, sampling: str = "linear") -> Any:
        if self._open:
            log = sampling == "log"
            self.values[name] = self.trial.suggest_float(name, low, high, log=log)
        return self.values.get(name)

    def Int(self, name: str, low: int, high: int, sampling: str = "linear") -> Any:
        if self._open:
            self.values[name] = self.trial.suggest_int(name, low, high, log=sampling == "log")
        return self.values.get(name)

    def Choice(self, name: str, values: Sequence[Any]) -> Any:
        if self._open:
            self.values[name] = self.trial.suggest_categorical(name, values)
        return self.values.get(name)

    def Boolean(self, name: str) -> Any:
        return self.Choice(name, [False, True])

    def conditional_scope(self, name: str, values: Sequence[Any]) -> "OptunaSpace":
        self._open = self.values[name] in values
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._open = True


def run_optuna(problem: Problem, seed: int, trials: int, slots: int) -> Run:
    """A search of Optuna's default sampler, one trial after the other."""
    import optuna

    del slots
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    noise = np.random.default_rng(seed)
    true, seen = [], []

    def outcome(trial: Any) -> float:
        space = OptunaSpace(trial)
        problem.space(space)
        true.append(problem.loss(space.values))
        seen.append(true[-1] + problem.noise * noise.standard_normal())
        return float(seen[-1])

    began = time.process_time()
    study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=seed))
    study.optimize(outcome, n_trials=trials)
    return true, seen, (time.process_time() - began) / trials


RUNNERS: dict[str, Callable[[Problem, int, int, int], Run]] = {
    "random": partial(run_ours, RandomSearchOracle),
    "bayesian": partial(run_ours, BayesianOptimizationOracle),
    "keras-tuner": run_keras_tuner,
    "optuna": run_optuna,
}
NEEDS = {"keras-tuner": "keras_tuner", "optuna": "optuna"}


def regret(problem: Problem, run: Run) -> float:
    """How far the trial that looked best is from the minimum."""
    true, seen, _ = run
    return true[int(np.argmin(seen))] - problem.minimum


def compare(name: str, problem: Problem, oracles: list[str], options: argparse.Namespace) -> None:
    """Prints a row for each oracle."""
    for oracle in oracles:
        runs = [
            RUNNERS[oracle](problem, seed, options.trials, options.slots)
            for seed in range(options.seeds)
        ]
        low, middle, high = np.quantile([regret(problem, run) for run in runs], [0.25, 0.5, 0.75])
        cpu = 1000 * statistics.mean(run[2] for run in runs)
        figures = f"{middle:10.3g}  [{low:.3g}, {high:.3g}]"
        print(f"{name:18} {oracle:12} {figures:36} {cpu:8.1f} ms", flush=True)


def main() -> None:
    """Runs every oracle on every problem."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--trials", type=int, default=50)
    parser.add_argument("--slots", type=int, default=1, help="running at the same time; ours only")
    parser.add_argument("--problems", default=",".join(PROBLEMS))
    parser.add_argument("--oracle", default=",".join(RUNNERS))
    options = parser.parse_args()
    missing = [o for o, module in NEEDS.items() if importlib.util.find_spec(module) is None]
    oracles = [oracle for oracle in options.oracle.split(",") if oracle not in missing]
    for oracle in missing:
        print(f"{oracle} is not installed")
    print(f"{'problem':18} {'oracle':12} {'median regret [quartiles]':36} CPU per proposal")
    for name in options.problems.split(","):
        compare(name, PROBLEMS[name], oracles, options)


if __name__ == "__main__":
    main()
