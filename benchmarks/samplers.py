"""Searches of other libraries that are asked for a configuration and told its loss.

Each is left out where it is not installed. A space is declared to them as to ours: a level of an
ordered hyperparameter is an integer, a text a category. Only Optuna knows conditions; the others
choose all values, and the problem does not look at those that are not active.
"""

from __future__ import annotations

import random
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Protocol

import numpy as np
from problems import Problem
from runners import Run

Values = dict[str, Any]


class Sampler(Protocol):
    """One search of a peer."""

    def ask(self) -> tuple[Any, Values]:
        """A handle of the peer's own, and the configuration."""
        ...

    def tell(self, handle: Any, loss: float) -> None: ...


def run(create: Callable[..., Sampler]) -> Callable[[Problem, int, int, int], Run]:
    """The search of a sampler that is made from a problem, a seed and a number of trials."""

    def search(problem: Problem, seed: int, trials: int, slots: int) -> Run:
        observe, found = problem.observer(seed), Run()
        order, running, asked = random.Random(0), [], 0
        began = time.process_time()
        sampler = create(problem, seed, trials)
        seconds = time.process_time() - began
        while len(found.costs) < trials:
            while len(running) < slots and asked < trials:
                began = time.process_time()
                running.append(sampler.ask())
                seconds, asked = seconds + time.process_time() - began, asked + 1
            handle, values = running.pop(order.randrange(len(running)))
            true = problem.loss(values)
            seen = observe(values, true)
            began = time.process_time()
            sampler.tell(handle, seen)
            seconds += time.process_time() - began
            found.add(len(found.costs) + 1, seen, problem.regret(true))
        found.cpu = seconds / trials
        return found

    return search


@dataclass(frozen=True)
class Parameter:
    """A hyperparameter as it was declared."""

    name: str
    kind: str
    """`"float"`, `"int"` or `"choice"`."""
    low: float = 0
    high: float = 0
    log: bool = False
    values: tuple[Any, ...] = ()


class Declared(list[Parameter]):
    """What `Problem.space` declares, conditions left out."""

    def __init__(self, problem: Problem) -> None:
        super().__init__()
        problem.space(self)  # type: ignore[arg-type]  # what it has is what is called

    def Float(self, name: str, low: float, high: float, sampling: str = "linear") -> None:
        self.append(Parameter(name, "float", low, high, sampling == "log"))

    def Int(self, name: str, low: int, high: int, sampling: str = "linear") -> None:
        self.append(Parameter(name, "int", low, high, sampling == "log"))

    def Choice(self, name: str, values: Sequence[Any]) -> None:
        self.append(Parameter(name, "choice", values=tuple(values)))

    def Boolean(self, name: str) -> None:
        self.Choice(name, [False, True])

    def conditional_scope(self, name: str, values: Sequence[Any]) -> Any:
        del name, values
        return nullcontext()


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

    def conditional_scope(self, name: str, values: Sequence[Any]) -> OptunaSpace:
        self._open = self.values[name] in values
        return self

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self._open = True


class Optuna:
    """One of Optuna's samplers."""

    def __init__(self, sampler: str, problem: Problem, seed: int, trials: int) -> None:
        import optuna

        del trials
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._problem = problem
        made = getattr(optuna.samplers, sampler)(seed=seed)
        self._study = optuna.create_study(sampler=made)

    def ask(self) -> tuple[Any, Values]:
        trial = self._study.ask()
        space = OptunaSpace(trial)
        self._problem.space(space)  # type: ignore[arg-type]  # what it has is what is called
        return trial, space.values

    def tell(self, handle: Any, loss: float) -> None:
        self._study.tell(handle, loss)


class SyneTune:
    """One of Syne Tune's schedulers of full trainings."""

    def __init__(self, scheduler: str, problem: Problem, seed: int, trials: int) -> None:
        from syne_tune.backend.trial_status import Trial
        from syne_tune.config_space import choice, lograndint, loguniform, randint, uniform
        from syne_tune.optimizer import baselines

        del trials
        np.random.seed(seed)  # noqa: NPY002 - it draws from the global generator
        domains = {"float": (uniform, loguniform), "int": (randint, lograndint)}
        space = {
            p.name: choice(list(p.values)) if p.values else domains[p.kind][p.log](p.low, p.high)
            for p in Declared(problem)
        }
        self._made = getattr(baselines, scheduler)(space, metric="loss", random_seed=seed)
        self._trial, self._count = Trial, 0

    def ask(self) -> tuple[Any, Values]:
        values = self._made.suggest().config
        trial = self._trial(self._count, values, datetime.now(tz=UTC))
        self._count += 1
        self._made.on_trial_add(trial)
        return trial, dict(values)

    def tell(self, handle: Any, loss: float) -> None:
        self._made.on_trial_complete(handle, {"loss": loss})


class Smac:
    """SMAC's optimisation of hyperparameters, with its random forest."""

    def __init__(self, problem: Problem, seed: int, trials: int) -> None:
        import ConfigSpace
        from smac import HyperparameterOptimizationFacade, Scenario

        space = ConfigSpace.ConfigurationSpace(seed=seed)
        made = {"float": ConfigSpace.Float, "int": ConfigSpace.Integer}
        for p in Declared(problem):
            if p.values:
                space.add(ConfigSpace.Categorical(p.name, [str(value) for value in p.values]))
            else:
                space.add(made[p.kind](p.name, (p.low, p.high), log=p.log))
        self._texts = {p.name: {str(v): v for v in p.values} for p in Declared(problem)}
        self._folder = tempfile.TemporaryDirectory()
        scenario = Scenario(
            space,
            deterministic=True,
            n_trials=trials,
            seed=seed,
            output_directory=self._folder.name,
        )
        self._made = HyperparameterOptimizationFacade(
            scenario, lambda _, seed=0: 0.0 * seed, logging_level=False, overwrite=True
        )

    def ask(self) -> tuple[Any, Values]:
        info = self._made.ask()
        values = {name: self._texts[name].get(str(v), v) for name, v in dict(info.config).items()}
        return info, values

    def tell(self, handle: Any, loss: float) -> None:
        from smac.runhistory.dataclasses import TrialValue

        self._made.tell(handle, TrialValue(cost=loss))


class Hebo:
    """HEBO (Cowen-Rivers et al., 2022, arXiv:2012.03826)."""

    def __init__(self, problem: Problem, seed: int, trials: int) -> None:
        import torch
        from hebo.design_space.design_space import DesignSpace
        from hebo.optimizers.hebo import HEBO

        del trials
        torch.set_num_threads(1)
        torch.manual_seed(seed)
        np.random.seed(seed)  # noqa: NPY002 - it draws from the global generator
        kinds = {("float", 0): "num", ("float", 1): "pow", ("int", 0): "int", ("int", 1): "pow_int"}
        self._values = {p.name: p.values for p in Declared(problem)}
        space = DesignSpace().parse(
            [
                {"name": p.name, "type": "cat", "categories": list(map(str, p.values))}
                if p.values
                else {"name": p.name, "type": kinds[p.kind, p.log], "lb": p.low, "ub": p.high}
                for p in Declared(problem)
            ]
        )
        self._made = HEBO(space, scramble_seed=seed)

    def ask(self) -> tuple[Any, Values]:
        row = self._made.suggest(n_suggestions=1)
        values = row.iloc[0].to_dict()
        for name, texts in self._values.items():
            if texts:
                values[name] = {str(value): value for value in texts}[str(values[name])]
        return row, values

    def tell(self, handle: Any, loss: float) -> None:
        self._made.observe(handle, np.array([[loss]]))


class Vizier:
    """OSS Vizier's default: a Gaussian process with UCB and pure exploration in parallel."""

    def __init__(self, problem: Problem, seed: int, trials: int) -> None:
        import jax
        from vizier import algorithms, pyvizier
        from vizier._src.algorithms.designers import gp_ucb_pe

        del trials
        described = pyvizier.ProblemStatement()
        root = described.search_space.root
        scales = [pyvizier.ScaleType.LINEAR, pyvizier.ScaleType.LOG]
        self._values = {p.name: p.values for p in Declared(problem)}
        for p in Declared(problem):
            if p.values:
                root.add_categorical_param(p.name, [str(value) for value in p.values])
            elif p.kind == "int":
                root.add_int_param(p.name, int(p.low), int(p.high), scale_type=scales[p.log])
            else:
                root.add_float_param(p.name, p.low, p.high, scale_type=scales[p.log])
        goal = pyvizier.ObjectiveMetricGoal.MINIMIZE
        described.metric_information.append(pyvizier.MetricInformation("loss", goal=goal))
        self._made = gp_ucb_pe.VizierGPUCBPEBandit(described, rng=jax.random.PRNGKey(seed))
        self._completed, self._active = algorithms.CompletedTrials, algorithms.ActiveTrials
        self._pyvizier, self._running, self._count = pyvizier, {}, 0

    def ask(self) -> tuple[Any, Values]:
        self._count += 1
        trial = self._made.suggest(1)[0].to_trial(self._count)
        self._running[trial.id] = trial
        values = trial.parameters.as_dict()
        for name, texts in self._values.items():
            if texts:
                values[name] = {str(value): value for value in texts}[values[name]]
        return trial, values

    def tell(self, handle: Any, loss: float) -> None:
        handle.complete(self._pyvizier.Measurement(metrics={"loss": loss}))
        del self._running[handle.id]
        active = self._active(list(self._running.values()))
        self._made.update(self._completed([handle]), active)
