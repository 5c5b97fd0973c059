"""How many more evaluations does a search of several slots need for the same regret?

    .venv/bin/python benchmarks/parallel.py [--seeds 16] [--slots 4] [--problems branin,shekel4]

For each problem the level to reach is the median regret of one slot after so many evaluations. The
figure is the median number of evaluations to get there with several slots, as a multiple of that
with one, and its quartiles when seeds are drawn anew (bootstrap). Slots are of unequal speed:
whichever trial ends next is drawn at random. Some of the problems are in no table of `quality.py`.
Each search is kept in `results/parallel`.
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


def evaluations(regrets: np.ndarray, level: float) -> float:
    """The median number of evaluations until a regret is reached, infinite beyond the budget."""
    reached = regrets <= level
    first = np.where(reached.any(1), reached.argmax(1) + 1.0, math.inf)
    return float(np.median(first))


def multiple(one: np.ndarray, several: np.ndarray, after: int) -> float:
    """Evaluations with several slots, as a multiple of those with one."""
    level = float(np.median(one[:, after - 1]))
    return evaluations(several, level) / evaluations(one, level)


def cell(one: np.ndarray, several: np.ndarray, after: int, rng: np.random.Generator) -> str:
    """The multiple and its quartiles."""
    draws = rng.integers(len(one), size=(RESAMPLED, len(one)))
    values = [multiple(one[draw], several[draw], after) for draw in draws]
    low, high = np.quantile(values, [0.25, 0.75], method="nearest")
    most = several.shape[1] / after
    middle, low, high = (
        f"{x:.2f}" if math.isfinite(x) else f"> {most:.1f}"
        for x in (multiple(one, several, after), low, high)
    )
    return f"{middle} [{low}, {high}]"


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=16)
    parser.add_argument("--slots", type=int, default=4)
    parser.add_argument("--problems", default=",".join(DEFAULT))
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    print(f"| problem | {' | '.join(map(str, LEVELS))} |\n|{' --- |' * (len(LEVELS) + 1)}")
    for problem in options.problems.split(","):
        one, several = (regrets(problem, options.seeds, slots) for slots in (1, options.slots))
        cells = [cell(one, several, after, rng) for after in LEVELS]
        print(f"| {problem} | {' | '.join(cells)} |", flush=True)


if __name__ == "__main__":
    main()
