"""Which oracle finds better configurations sooner? Ours and the peers that are installed.

    make quality
    make quality SEEDS=1 PROBLEMS=branin,crossing_curves

or, for a part of it:

    .venv/bin/python benchmarks/quality.py [--seeds 30] [--problems branin,mixed]
        [--oracles random,bayesian,keras-tuner,optuna] [--slots 1]

Each search is kept in `results/quality`, so what was stopped goes on, and more seeds are added to
those there are, but no more than 10 where a search takes long. The table and the plot of what is
there are written into docs/. On a noisy problem the regret is that of the trial that looked best.
Every problem has its own budget: 100 evaluations or 540 epochs.
"""

import argparse
import json
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")  # before numpy is loaded

import peers
import report
from problems import CURVES, PROBLEMS
from runners import Run, run_epochs, run_trials

from tuner.oracles import (
    AsyncHyperbandOracle,
    BayesianOptimizationOracle,
    HyperbandOracle,
    RandomSearchOracle,
)

ROOT = Path(__file__).resolve().parent.parent
CACHE = ROOT / "results" / "quality"
ENDLESS = 10**9

Runner = Callable[[Any, int, int, int], Run]

OF_TRIALS: dict[str, Runner] = {
    "random": partial(run_trials, RandomSearchOracle),
    "sobol": partial(run_trials, partial(RandomSearchOracle, sampler="sobol")),
    "bayesian": partial(run_trials, BayesianOptimizationOracle),
    "optuna": peers.optuna_trials("TPESampler"),
    "optuna-gp": peers.optuna_trials("GPSampler"),
    "keras-tuner": peers.keras_tuner_trials("BayesianOptimizationOracle"),
}
"""Searches of so many trials."""

_hyperband = partial(HyperbandOracle, hyperband_iterations=float("inf"))
_asha = partial(AsyncHyperbandOracle, max_trials=ENDLESS)
OF_EPOCHS: dict[str, Runner] = {
    "hyperband": partial(run_epochs, _hyperband),
    "hyperband-bayesian": partial(run_epochs, partial(_hyperband, sampler="bayesian")),
    "asha": partial(run_epochs, partial(_asha, sampler="random")),
    "asha-bayesian": partial(run_epochs, _asha),
    "keras-tuner-hyperband": peers.keras_tuner_hyperband,
    "optuna-hyperband": peers.optuna_epochs("hyperband"),
    "optuna-halving": peers.optuna_epochs("halving"),
    "optuna-median": peers.optuna_epochs("median"),
    "ray-asha": peers.ray_asha,
    "syne-asha": peers.syne_tune_epochs("ASHA"),
    "syne-bohb": peers.syne_tune_epochs("BOHB"),
}
"""Searches of so many epochs."""

NEEDS = {"keras-tuner": ["keras_tuner"], "optuna": ["optuna"], "optuna-gp": ["optuna", "torch"]}
NEEDS |= {"keras-tuner-hyperband": ["keras_tuner"], "ray-asha": ["ray"]}
NEEDS |= {name: ["syne_tune"] for name in ("syne-asha", "syne-bohb")}
NEEDS |= {f"optuna-{pruner}": ["optuna"] for pruner in ("hyperband", "halving", "median")}

TRIALS, EPOCHS = 100, 540
DEAR = {"keras-tuner": 50, "optuna-gp": 50}
"""Oracles whose proposals cost so much that they are asked less often."""
SLOW_PROBLEMS = ("boosting",)
SLOW_SEEDS = 10
"""Seeds at most of these problems and of those oracles."""


def main() -> None:
    """Runs what is missing, seed by seed, and writes the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--slots", type=int, default=1, help="at the same time; ours only")
    parser.add_argument("--problems", default=",".join([*PROBLEMS, *CURVES]))
    parser.add_argument("--oracles", default=",".join([*OF_TRIALS, *OF_EPOCHS]))
    parser.add_argument("--minutes", type=float, default=float("inf"), help="then only the report")
    options = parser.parse_args()
    until = time.monotonic() + 60 * options.minutes
    wanted = [name for name in options.oracles.split(",") if _is_there(name)]
    for seed in range(options.seeds):
        for problem in options.problems.split(","):
            for oracle in wanted:
                slow = oracle in DEAR or problem in SLOW_PROBLEMS
                if time.monotonic() < until and not (slow and seed >= SLOW_SEEDS):
                    search(oracle, problem, seed, options.slots)
    if options.slots == 1:
        report.write(CACHE, ROOT / "docs")


def _is_there(oracle: str) -> bool:
    missing = [module for module in NEEDS.get(oracle, []) if not peers.is_installed(module)]
    if missing:
        print(f"{oracle} is left out: {', '.join(missing)} is not installed")
    return not missing


def search(oracle: str, problem: str, seed: int, slots: int) -> None:
    """One search, unless it is in the cache; nothing for a problem of the other kind."""
    runners, found = (OF_EPOCHS, CURVES) if problem in CURVES else (OF_TRIALS, PROBLEMS)
    if oracle not in runners:
        return
    suffix = f"-slots{slots}" if slots > 1 else ""
    path = CACHE / problem / f"{oracle}{suffix}-{seed}.json"
    if path.exists():
        return
    budget = EPOCHS if problem in CURVES else DEAR.get(oracle, TRIALS)
    run = runners[oracle](found[problem], seed, budget, slots)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(run.to_json()))
    print(f"{problem:16} {oracle:22} {seed:3} {run.regrets[-1]:10.3g}", flush=True)


if __name__ == "__main__":
    main()
