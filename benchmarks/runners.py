"""Searches of our oracles in memory, on a simulated clock."""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Any

import numpy as np
from problems import Curves, Problem

from tuner import HyperParameters, Objective
from tuner.core.trial import Trial, TrialStatus
from tuner.oracles.oracle import Oracle
from tuner.testing import Search

OBJECTIVE = Objective("score", "min")


@dataclass
class Run:
    """One search: what it had spent when, and how good its choice was then."""

    costs: list[int] = field(default_factory=list)
    """Evaluations, or epochs of all trials together."""
    regrets: list[float] = field(default_factory=list)
    """True regret of what looked best by then."""
    cpu: float = 0.0
    """CPU seconds per proposal."""
    idle: float = 0.0
    """Share of the slots' time in which they had no trial, until the budget was spent."""
    best: float = float("inf")

    def add(self, cost: int, seen: float, regret: float) -> None:
        """Takes in a trial, the cost summed up with those before."""
        if seen < self.best or not self.costs:
            self.best = min(seen, self.best)
        else:
            regret = self.regrets[-1]
        self.costs.append(cost)
        self.regrets.append(regret)

    def at(self, cost: int) -> float:
        """The regret when so much was spent."""
        spent = [k for k, c in enumerate(self.costs) if c <= cost]
        return self.regrets[spent[-1]] if spent else float("inf")

    def to_json(self) -> dict[str, Any]:
        return asdict(self)


def run_trials(
    create: Callable[..., Oracle], problem: Problem, seed: int, trials: int, slots: int
) -> Run:
    """So many evaluations of a function."""
    space = HyperParameters()
    problem.space(space)
    oracle = create(OBJECTIVE, max_trials=trials, seed=seed, hyperparameters=space)
    observe = problem.observer(seed)
    run, seconds = Run(), 0.0
    true: dict[str, float] = {}

    def outcome(trial: Trial) -> float:
        nonlocal seconds
        began = time.process_time()
        true[trial.trial_id] = problem.loss(trial.values)
        seen = observe(trial.values, true[trial.trial_id])
        seconds += time.process_time() - began
        return seen

    began = time.process_time()
    search = Search(oracle, slots=slots, outcome=outcome)
    created = search.run(trials)
    run.cpu = (time.process_time() - began - seconds) / len(created)
    for count, trial_id in enumerate(oracle.end_order, 1):
        trial = oracle.trials[trial_id]
        run.add(count, trial.score or 0.0, problem.regret(true[trial_id]))
    return run


def run_epochs(
    create: Callable[..., Oracle], problem: Curves, seed: int, epochs: int, slots: int
) -> Run:
    """So many epochs of simulated trainings, on slots of unequal speed."""
    space = HyperParameters()
    problem.space(space)
    oracle = create(
        OBJECTIVE,
        max_epochs=problem.max_epochs,
        max_total_epochs=epochs,
        seed=seed,
        hyperparameters=space,
    )
    rng = np.random.default_rng(seed)
    speeds = rng.uniform(1.0, 2.0, slots)
    run, spent, proposals = Run(), 0, 0
    under_way: list[tuple[float, int, int, Trial]] = []
    free, now, numbers = list(range(slots)), 0.0, itertools.count()
    cpu, ended, intervals = 0.0, float("inf"), []
    while True:
        while free:
            began = time.process_time()
            trial = oracle.create_trial(f"slot-{free[-1]}")
            cpu, proposals = cpu + time.process_time() - began, proposals + 1
            if trial.status == TrialStatus.STOPPED:
                ended = min(ended, now)
            if trial.status != TrialStatus.RUNNING:
                break
            slot = free.pop()
            duration = _granted(trial) * speeds[slot] * rng.uniform(0.8, 1.2)
            intervals.append((now, now + duration))
            heapq.heappush(under_way, (now + duration, next(numbers), slot, trial))
        if not under_way:
            break
        now, _, slot, trial = heapq.heappop(under_way)
        free.append(slot)
        seen = _train(oracle, problem, trial, rng)
        spent += _granted(trial)
        run.add(spent, seen, problem.loss(trial.values, problem.max_epochs) - problem.minimum)
    run.cpu = cpu / max(proposals, 1)
    busy = sum(min(end, ended) - begin for begin, end in intervals)
    run.idle = 1 - busy / (slots * ended) if ended else 0.0
    return run


def _granted(trial: Trial) -> int:
    assert trial.budget is not None
    return trial.budget.epochs - trial.budget.initial_epoch


def _train(oracle: Oracle, problem: Curves, trial: Trial, rng: np.random.Generator) -> float:
    """The loss at the end of the budget; that is the score."""
    assert trial.budget is not None
    loss = problem.loss(trial.values, trial.budget.epochs)
    seen = loss + problem.noise * rng.standard_normal()
    oracle.update_trial(trial.trial_id, {"score": seen}, step=trial.budget.epochs - 1)
    trial.status = TrialStatus.COMPLETED
    oracle.end_trial(trial)
    return seen
