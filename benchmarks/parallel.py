"""How many more evaluations does a search of several slots need for the same regret?

    .venv/bin/python benchmarks/parallel.py [--seeds 16] [--slots 4] [--problems branin,shekel4]

The level to reach is the regret of one slot after so many evaluations, the geometric mean over
seeds. The figure is the number of evaluations until that of several slots is there, as a multiple
of what one slot needs, and its quartiles when seeds are drawn anew (bootstrap). A second table has
the medians: the level is the median regret, and the figure compares the median numbers of
evaluations. Where about half of the searches end in a worse minimum a median jumps with a single
one of them.

Slots are of unequal speed: whichever trial ends next is drawn at random. Some of the problems are
in no table of `quality.py`. Each search is kept in `results/parallel`.
"""

import argparse
import json
import math
import os
from pathlib import Path

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded

import numpy as np
from problems import HELD_OUT, PROBLEMS
from runners import Run, run_trials

from tuner.oracles import BayesianOptimizationOracle

CACHE = Path(__file__).resolve().parent.parent / "results" / "parallel"
DEFAULT = ["branin", "hartmann6", "ackley5", "rosenbrock4", "levy8", *HELD_OUT]
LEVELS = (20, 30, 40, 50)
"""Evaluations of one slot whose regret is to be reached."""
TRIALS = 80
"""Evaluations of each search."""
RESAMPLED = 1000
LEAST = 1e-8
"""Regret below which all are alike."""


def regrets(problem: str, seeds: int, slots: int) -> np.ndarray:
    """Of the default oracle after each evaluation, (seeds, evaluations)."""
    found = []
    for seed in range(seeds):
        path = CACHE / problem / f"slots{slots}-{seed}.json"
        if not path.exists():
            found_in = PROBLEMS if problem in PROBLEMS else HELD_OUT
            run = run_trials(BayesianOptimizationOracle, found_in[problem], seed, TRIALS, slots)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(run.to_json()))
        found.append(Run(**json.loads(path.read_text())).regrets)
    return np.array(found)


def of_means(one: np.ndarray, several: np.ndarray, after: int) -> float:
    """Evaluations until the geometric mean of the regrets is that of one slot, as a multiple."""
    means = [np.log(np.maximum(regrets, LEAST)).mean(0) for regrets in (one, several)]
    level = means[0][after - 1]
    first = [first_below(mean[None, :], level)[0] for mean in means]
    return float(first[1] / first[0])


def of_medians(one: np.ndarray, several: np.ndarray, after: int) -> float:
    """Median number of evaluations until the regret is the median of one slot, as a multiple."""
    level = float(np.median(one[:, after - 1]))
    few, many = (np.median(first_below(regrets, level)) for regrets in (one, several))
    return float(many / few)


def first_below(values: np.ndarray, level: float) -> np.ndarray:
    """The evaluation of each row that is the first to reach a level, infinite if none does."""
    reached = values <= level
    return np.where(reached.any(1), reached.argmax(1) + 1.0, math.inf)


def quartiles(one: np.ndarray, several: np.ndarray, after: int) -> tuple[float, float]:
    """Of `of_means`, seeds drawn anew."""
    draws = np.random.default_rng(0).integers(len(one), size=(RESAMPLED, len(one)))
    values = [of_means(one[draw], several[draw], after) for draw in draws]
    low, high = np.quantile(values, [0.25, 0.75], method="nearest")
    return float(low), float(high)


def written(multiple: float, after: int) -> str:
    return f"{multiple:.2f}" if math.isfinite(multiple) else f"> {TRIALS / after:.1f}"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=16)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--problems", default=",".join(DEFAULT))
    options = parser.parse_args()
    pairs = {
        problem: [regrets(problem, options.seeds, slots) for slots in (1, options.slots)]
        for problem in options.problems.split(",")
    }
    head = f"| problem | {' | '.join(map(str, LEVELS))} |\n|{' --- |' * (len(LEVELS) + 1)}"
    print(head)
    for problem, (one, several) in pairs.items():
        cells = []
        for after in LEVELS:
            low, high = quartiles(one, several, after)
            middle = written(of_means(one, several, after), after)
            cells.append(f"{middle} [{written(low, after)}, {written(high, after)}]")
        print(f"| {problem} | {' | '.join(cells)} |")
    print(f"\nmedians\n\n{head}")
    for problem, (one, several) in pairs.items():
        cells = [written(of_medians(one, several, after), after) for after in LEVELS]
        print(f"| {problem} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
