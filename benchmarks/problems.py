"""Functions to minimise, with their spaces and their minima, for `quality.py`."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import digits_table
import numpy as np

from tuner import HyperParameters

Values = Mapping[str, Any]


@dataclass(frozen=True)
class Problem:
    """A function of hyperparameters.

    Args:
        space: Declares its hyperparameters.
        loss: What is minimised, without noise.
        minimum: The least loss there is.
        noise: Standard deviation of the noise of what the oracle is told.
        scale: The difference from the minimum that counts as a regret of 1.
    """

    space: Callable[[HyperParameters], None]
    loss: Callable[[Values], float]
    minimum: float
    noise: float = 0.0
    scale: float = 1.0

    def regret(self, true: float) -> float:
        """How far a true loss is from the best."""
        return (true - self.minimum) / self.scale

    def observer(self, seed: int) -> Callable[[Values, float], float]:
        """Gives what an oracle is told of values and their true loss."""
        rng = np.random.default_rng(seed)
        return lambda _, true: float(true + self.noise * rng.standard_normal())


def on_box(
    bounds: list[tuple[float, float]],
    function: Callable[[np.ndarray], float],
    minimum: float,
    noise: float = 0.0,
) -> Problem:
    """The problem of a function of a vector."""

    def space(hp: HyperParameters) -> None:
        for k, (low, high) in enumerate(bounds):
            hp.Float(f"x{k}", low, high)

    def loss(values: Values) -> float:
        return float(function(np.array([values[f"x{k}"] for k in range(len(bounds))])))

    return Problem(space, loss, minimum, noise)


def branin(x: np.ndarray) -> float:
    a, b = 5.1 / (4 * math.pi**2), 5 / math.pi
    inner = x[1] - a * x[0] ** 2 + b * x[0] - 6
    return float(inner**2 + 10 * (1 - 1 / (8 * math.pi)) * math.cos(x[0]) + 10)


HARTMANN_A = np.array(
    [
        [10, 3, 17, 3.5, 1.7, 8],
        [0.05, 10, 17, 0.1, 8, 14],
        [3, 3.5, 1.7, 10, 17, 8],
        [17, 8, 0.05, 10, 0.1, 14],
    ]
)
HARTMANN_P = 1e-4 * np.array(
    [
        [1312, 1696, 5569, 124, 8283, 5886],
        [2329, 4135, 8307, 3736, 1004, 9991],
        [2348, 1451, 3522, 2883, 3047, 6650],
        [4047, 8828, 8732, 5743, 1091, 381],
    ]
)


def hartmann6(x: np.ndarray) -> float:
    inner = (HARTMANN_A * (x - HARTMANN_P) ** 2).sum(1)
    return float(-np.array([1, 1.2, 3, 3.2]) @ np.exp(-inner))


def ackley(x: np.ndarray) -> float:
    """Its minimum is moved out of the centre."""
    z = x - np.array([1.1, -2.3, 0.7, -0.9, 1.7])[: len(x)]
    root = math.sqrt((z * z).mean())
    return float(
        20 + math.e - 20 * math.exp(-0.2 * root) - math.exp(np.cos(2 * math.pi * z).mean())
    )


def rosenbrock(x: np.ndarray) -> float:
    return float((100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum())


def levy(x: np.ndarray) -> float:
    w = 1 + (x - 1) / 4
    head = math.sin(math.pi * w[0]) ** 2
    body = ((w[:-1] - 1) ** 2 * (1 + 10 * np.sin(math.pi * w[:-1] + 1) ** 2)).sum()
    tail = (w[-1] - 1) ** 2 * (1 + math.sin(2 * math.pi * w[-1]) ** 2)
    return float(head + body + tail)


def mixed_space(hp: HyperParameters) -> None:
    """An optimizer with its own options, and a network with units for each layer."""
    optimizer = hp.Choice("optimizer", ["sgd", "adam", "rmsprop"])
    hp.Float("rate", 1e-5, 1.0, sampling="log")
    hp.Int("layers", 1, 4)
    hp.Int("units", 16, 512, sampling="log")
    with hp.conditional_scope("optimizer", ["sgd"]):
        hp.Float("momentum", 0.0, 0.99)
        hp.Boolean("nesterov")
    with hp.conditional_scope("optimizer", ["adam"]):
        hp.Float("beta", 1e-3, 0.5, sampling="log")
        hp.Float("decay", 1e-6, 1e-1, sampling="log")
    with hp.conditional_scope("optimizer", ["rmsprop"]):
        hp.Float("rho", 0.5, 0.999)
    del optimizer


def mixed_loss(values: Values) -> float:
    """Adam holds the minimum, but SGD is better on average: deceptive."""
    rate, units = math.log10(values["rate"]), math.log2(values["units"])
    shape = 0.05 * (values["layers"] - 3) ** 2 + 0.03 * (units - 7) ** 2
    match values["optimizer"]:
        case "sgd":
            own = 0.12 + 0.03 * (rate + 1) ** 2 + 0.4 * (values["momentum"] - 0.9) ** 2
            own += 0.0 if values["nesterov"] else 0.02
        case "adam":
            beta, decay = math.log10(values["beta"]), math.log10(values["decay"])
            own = 0.25 * (rate + 3) ** 2 + 0.15 * (beta + 1) ** 2 + 0.05 * (decay + 4) ** 2
        case _:
            own = 0.08 + 0.2 * (rate + 3.3) ** 2 + 2.0 * (values["rho"] - 0.9) ** 2
    return float(1 - math.exp(-own - shape))


def boosting_space(hp: HyperParameters) -> None:
    hp.Float("rate", 1e-3, 1.0, sampling="log")
    hp.Int("trees", 5, 40)
    hp.Int("depth", 1, 6)
    hp.Float("subsample", 0.3, 1.0)
    hp.Int("leaf", 1, 40, sampling="log")
    hp.Choice("loss", ["squared_error", "huber", "absolute_error"])


def boosting_loss(values: Values) -> float:
    """Gradient boosting on scikit-learn's diabetes data: 1 - R2, two folds."""
    from sklearn.datasets import load_diabetes
    from sklearn.ensemble import GradientBoostingRegressor
    from sklearn.model_selection import KFold, cross_val_score

    x, y = load_diabetes(return_X_y=True)
    model = GradientBoostingRegressor(
        learning_rate=values["rate"],
        n_estimators=values["trees"],
        max_depth=values["depth"],
        subsample=values["subsample"],
        min_samples_leaf=values["leaf"],
        loss=values["loss"],
        random_state=0,
    )
    folds = KFold(2, shuffle=True, random_state=0)
    return float(1 - cross_val_score(model, x, y, cv=folds).mean())


DIGITS: dict[tuple[Any, ...], float] = dict(
    zip(digits_table.grid(), json.loads(digits_table.TABLE.read_text()), strict=True)
)


def digits_space(hp: HyperParameters) -> None:
    """The grid of `digits_table`; levels instead of values, so that all have them in order."""
    hp.Int("filters", 0, len(digits_table.FILTERS) - 1)
    hp.Choice("kernel", list(digits_table.KERNELS))
    hp.Int("rate", 0, digits_table.RATES - 1)
    hp.Int("dropout", 0, digits_table.DROPOUTS - 1)
    hp.Choice("optimizer", list(digits_table.OPTIMIZERS))


def digits_loss(values: Values) -> float:
    """Validation loss of a small CNN on scikit-learn's digits, trained once and looked up."""
    filters = digits_table.FILTERS[values["filters"]]
    rest = (values[name] for name in ("kernel", "rate", "dropout", "optimizer"))
    return DIGITS[filters, *rest]


@dataclass(frozen=True)
class Curves:
    """Learning curves, `a + b * epochs**-c`, with noise of each epoch's loss.

    Args:
        space: Declares the hyperparameters.
        curve: Gives a, b and c.
        minimum: The least loss after `max_epochs`.
        noise: Standard deviation.
        max_epochs: Of the longest training.
    """

    space: Callable[[HyperParameters], None]
    curve: Callable[[Values], tuple[float, float, float]]
    minimum: float
    noise: float = 0.01
    max_epochs: int = 27

    def loss(self, values: Values, epochs: int) -> float:
        """The loss after so many epochs, without noise."""
        a, b, c = self.curve(values)
        return a + b * epochs**-c


def network_space(hp: HyperParameters) -> None:
    hp.Float("rate", 1e-5, 1.0, sampling="log")
    hp.Int("units", 16, 512, sampling="log")
    hp.Float("dropout", 0.0, 0.8)
    hp.Float("decay", 1e-6, 1e-1, sampling="log")
    hp.Choice("activation", ["relu", "tanh", "gelu"])


def network_curve(values: Values) -> tuple[float, float, float]:
    """A small rate is slow, but ends lower than a large one: the curves cross."""
    rate, decay = math.log10(values["rate"]), math.log10(values["decay"])
    units = math.log2(values["units"])
    bump = {"relu": 0.0, "gelu": 0.01, "tanh": 0.05}[values["activation"]]
    a = 0.1 + 0.03 * (rate + 2.5) ** 2 + 0.01 * (units - 8) ** 2 + bump
    a += 0.3 * (values["dropout"] - 0.3) ** 2 + 0.008 * (decay + 4) ** 2
    c = 0.35 + 0.9 / (1 + math.exp(-1.5 * (rate + 2.5)))
    return a, 0.6, c


def trap_curve(values: Values) -> tuple[float, float, float]:
    """Large networks learn slowly, and best: what is ahead after an epoch is seldom the best."""
    a, b, c = network_curve(values)
    size = math.log2(values["units"] / 16) / 5
    return a - 0.08 * size, b + 0.5 * size, c + 0.3 * size


CURVES: dict[str, Curves] = {
    "curves": Curves(network_space, network_curve, 0.13259261374968512),
    "crossing_curves": Curves(network_space, trap_curve, 0.05361463942464985),
}

PROBLEMS: dict[str, Problem] = {
    "branin": on_box([(-5, 10), (0, 15)], branin, 0.39788735772973816),
    "hartmann6": on_box([(0, 1)] * 6, hartmann6, -3.322368011391339),
    "ackley5": on_box([(-5, 5)] * 5, ackley, 0.0),
    "rosenbrock4": on_box([(-2.048, 2.048)] * 4, rosenbrock, 0.0),
    "levy8": on_box([(-10, 10)] * 8, levy, 0.0),
    "mixed": Problem(mixed_space, mixed_loss, 0.0),
    "noisy_hartmann6": on_box([(0, 1)] * 6, hartmann6, -3.322368011391339, noise=0.1),
    "boosting": Problem(boosting_space, boosting_loss, 0.0),
    "digits": Problem(digits_space, digits_loss, min(DIGITS.values())),
}


def griewank(x: np.ndarray) -> float:
    """Its minimum is moved out of the centre."""
    z = x - np.array([13.0, -27.0, 8.0, 31.0])[: len(x)]
    waves = np.cos(z / np.sqrt(np.arange(1, len(x) + 1))).prod()
    return float((z * z).sum() / 4000 - waves + 1)


def michalewicz(x: np.ndarray) -> float:
    k = np.arange(1, len(x) + 1)
    return float(-(np.sin(x) * np.sin(k * x * x / math.pi) ** 20).sum())


def styblinski_tang(x: np.ndarray) -> float:
    return float(0.5 * (x**4 - 16 * x**2 + 5 * x).sum())


SHEKEL_B = 0.1 * np.array([1, 2, 2, 4, 4, 6, 3, 7, 5, 5])
SHEKEL_C = np.array(
    [
        [4, 1, 8, 6, 3, 2, 5, 8, 6, 7],
        [4, 1, 8, 6, 7, 9, 3, 1, 2, 3.6],
        [4, 1, 8, 6, 3, 2, 5, 8, 6, 7],
        [4, 1, 8, 6, 7, 9, 3, 1, 2, 3.6],
    ]
)


def shekel(x: np.ndarray) -> float:
    return float(-(1 / (((x[:, None] - SHEKEL_C) ** 2).sum(0) + SHEKEL_B)).sum())


HELD_OUT: dict[str, Problem] = {
    "griewank4": on_box([(-50, 50)] * 4, griewank, 0.0),
    "michalewicz5": on_box([(0, math.pi)] * 5, michalewicz, -4.687658),
    "styblinski5": on_box([(-5, 5)] * 5, styblinski_tang, -39.16616570377142 * 5),
    "shekel4": on_box([(0, 10)] * 4, shekel, -10.536443153483534),
}
"""Problems that are not in the tables."""
