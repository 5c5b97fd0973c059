"""What a proposal of the model costs while trials keep the processors busy.

    python benchmarks/proposals.py [--trials 50] [--busy 2] [--rounds 5]

With one thread for the linear algebra, as `tuner.oracles.drawing` has it, and with as many as the
library takes, in turn: medians over the last ten proposals of each search, in milliseconds.
"""

import argparse
import contextlib
import multiprocessing
import os
import statistics
import time
from unittest import mock

import numpy as np
from problems import PROBLEMS

from tuner import HyperParameters, Objective, TrialStatus
from tuner.oracles import BayesianOptimizationOracle

MEASURED = 10
WAYS = {"one thread": None, "the library's number": contextlib.nullcontext}


def keep_busy() -> None:
    """Does what a trial does to a processor."""
    matrix = np.ones((600, 600))
    while True:
        matrix = matrix @ matrix
        matrix /= matrix.max()


def proposals(trials: int, seed: int) -> list[tuple[float, float]]:
    """Wall and CPU seconds of the last proposals of a search."""
    problem = PROBLEMS["hartmann6"]
    space = HyperParameters()
    problem.space(space)
    objective = Objective("score", "min")
    oracle = BayesianOptimizationOracle(objective, trials, seed=seed, hyperparameters=space)
    spent = []
    for _ in range(trials):
        began = time.perf_counter(), time.process_time()
        trial = oracle.create_trial("benchmark")
        spent.append((time.perf_counter() - began[0], time.process_time() - began[1]))
        oracle.update_trial(trial.trial_id, {"score": problem.loss(trial.values)})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    return spent[-MEASURED:]


def main() -> None:
    """Prints a row for each way."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=50, help="of each search")
    parser.add_argument("--busy", type=int, default=os.cpu_count(), help="processes beside it")
    parser.add_argument("--rounds", type=int, default=5, help="searches each way, in turn")
    options = parser.parse_args()
    others = [multiprocessing.Process(target=keep_busy, daemon=True) for _ in range(options.busy)]
    for other in others:
        other.start()
    spent: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
    for seed in range(options.rounds):
        for way, context in WAYS.items():
            threads = mock.patch("tuner.oracles.drawing.single_threaded", context)
            with threads if context else contextlib.nullcontext():
                spent[way].extend(proposals(options.trials, seed))
    for other in others:
        other.kill()
    print(f"{options.trials} trials, {options.busy} busy processes, {os.cpu_count()} processors")
    for way, pairs in spent.items():
        wall, cpu = (1000 * statistics.median(each) for each in zip(*pairs, strict=True))
        print(f"{way:22} {wall:8.1f} ms on the clock {cpu:8.1f} ms of CPU")


if __name__ == "__main__":
    main()
