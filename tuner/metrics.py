"""Metrics of a trial, over its steps."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from tuner.jsonable import from_json, to_json

MAX_METRICS = frozenset(
    "accuracy acc binary_accuracy categorical_accuracy sparse_categorical_accuracy "
    "top_k_categorical_accuracy sparse_top_k_categorical_accuracy truepositives truenegatives "
    "true_positives true_negatives auc precision recall f1_score f1score fbeta_score fbetascore "
    "precision_at_recall precisionatrecall recall_at_precision recallatprecision "
    "sensitivity_at_specificity sensitivityatspecificity specificity_at_sensitivity "
    "specificityatsensitivity r2_score r2score iou binary_iou binaryiou mean_iou meaniou "
    "one_hot_iou onehotiou one_hot_mean_iou onehotmeaniou".split()
)
MIN_METRICS = frozenset(
    "loss mse mae mape msle rmse mean_squared_error mean_absolute_error cosine_proximity "
    "mean_absolute_percentage_error mean_squared_logarithmic_error root_mean_squared_error "
    "meansquarederror meanabsoluteerror rootmeansquarederror hinge squared_hinge "
    "categorical_hinge logcosh log_cosh huber poisson kl_divergence kld kullback_leibler_divergence "
    "binary_crossentropy categorical_crossentropy sparse_categorical_crossentropy "
    "binarycrossentropy categoricalcrossentropy sparsecategoricalcrossentropy crossentropy "
    "falsepositives falsenegatives false_positives false_negatives bce".split()
)


def infer_metric_direction(metric: Any) -> str | None:
    """Whether a metric is to be maximised (`"max"`) or minimised (`"min"`); None if unknown.

    Args:
        metric: Its name, with or without `val_`, or a Keras metric or loss.
    """
    name = _name_of(metric).removeprefix("val_").removeprefix("weighted_")
    if name in MAX_METRICS:
        return "max"
    if name in MIN_METRICS or _is_of_keras(name):
        return "min"
    return None


def _name_of(metric: Any) -> str:
    if not isinstance(metric, str):
        metric = getattr(metric, "name", None) or getattr(metric, "__name__", type(metric).__name__)
    return str(metric).lower()


def _is_of_keras(name: str) -> bool:
    """Whether Keras has it; asked only where Keras is there already, since it is heavy."""
    keras = sys.modules.get("keras")
    modules = [getattr(keras, part, None) for part in ("losses", "metrics")]
    return any(callable(getattr(module, name, None)) for module in modules)


class MetricObservation:
    """The values of a metric at one step, one an execution."""

    def __init__(self, value: float | Sequence[float], step: int) -> None:
        self.value = list(value) if isinstance(value, Iterable) else [value]
        self.step = step

    def append(self, value: float | Sequence[float]) -> None:
        self.value += list(value) if isinstance(value, Iterable) else [value]

    def mean(self) -> float:
        return float(np.mean(self.value))

    def get_config(self) -> dict[str, Any]:
        return {"value": to_json(self.value), "step": self.step}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> MetricObservation:
        return cls(from_json(config["value"]), config["step"])

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MetricObservation) and self.get_config() == other.get_config()

    __hash__ = None  # type: ignore[assignment] - `append` changes it

    def __repr__(self) -> str:
        return f"MetricObservation(value={self.value}, step={self.step})"


class MetricHistory:
    """A metric's observations.

    Args:
        direction: `"min"` or `"max"`.
    """

    def __init__(self, direction: str | None = "min") -> None:
        if direction not in ("min", "max"):
            msg = "Expected `direction` to be 'min' or 'max'."
            raise ValueError(f"{msg} Received: direction={direction!r}.")
        self.direction = direction
        self._observations: dict[int, MetricObservation] = {}

    def update(self, value: float | Sequence[float], step: int) -> None:
        if step in self._observations:
            self._observations[step].append(value)
        else:
            self._observations[step] = MetricObservation(value, step)

    def get_best_value(self) -> float | None:
        """The best mean of a step; NaN if all are, None without observations."""
        means = np.array([observation.mean() for observation in self._observations.values()])
        if not means.size:
            return None
        if np.isnan(means).all():
            return float("nan")
        return float(np.nanmin(means) if self.direction == "min" else np.nanmax(means))

    def get_best_step(self) -> int | None:
        """The first step with the best value."""
        best = self.get_best_value()
        if best is None:
            return None
        steps = (o.step for o in self.get_history() if o.mean() == best)
        return next(steps, 0)

    def get_history(self) -> list[MetricObservation]:
        return sorted(self._observations.values(), key=lambda observation: observation.step)

    def set_history(self, observations: Iterable[MetricObservation]) -> None:
        for observation in observations:
            self.update(observation.value, step=observation.step)

    def get_statistics(self) -> dict[str, float]:
        """Spread of the steps' means."""
        means = [observation.mean() for observation in self.get_history()]
        if not means:
            return {}
        return {
            "min": float(np.nanmin(means)),
            "max": float(np.nanmax(means)),
            "mean": float(np.nanmean(means)),
            "median": float(np.nanmedian(means)),
            "var": float(np.nanvar(means)),
            "std": float(np.nanstd(means)),
        }

    def get_last_value(self) -> float | None:
        history = self.get_history()
        return history[-1].mean() if history else None

    def get_config(self) -> dict[str, Any]:
        observations = [observation.get_config() for observation in self.get_history()]
        return {"direction": self.direction, "observations": observations}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> MetricHistory:
        history = cls(config["direction"])
        history.set_history(MetricObservation.from_config(o) for o in config["observations"])
        return history


class MetricsTracker:
    """The metrics of a trial, by name.

    Args:
        metrics: Keras metrics to register.
    """

    def __init__(self, metrics: Iterable[Any] | None = None) -> None:
        self.metrics: dict[str, MetricHistory] = {}
        self.register_metrics(metrics)

    def exists(self, name: str) -> bool:
        return name in self.metrics

    def register_metrics(self, metrics: Iterable[Any] | None = None) -> None:
        for metric in metrics or []:
            self.register(metric.name)

    def register(self, name: str, direction: str | None = None) -> None:
        """Adds a metric; one that nobody knows the direction of is minimised.

        Raises:
            ValueError: It was added before.
        """
        if self.exists(name):
            raise ValueError(f"Expected a new metric. Received: name={name!r}, which exists.")
        self.metrics[name] = MetricHistory(direction or infer_metric_direction(name) or "min")

    def update(self, name: str, value: float | Sequence[float], step: int = 0) -> float | None:
        if not self.exists(name):
            self.register(name)
        self.metrics[name].update(value, step=step)
        return self.get_best_value(name)

    def get_history(self, name: str) -> list[MetricObservation]:
        return self._of(name).get_history()

    def set_history(self, name: str, observations: Iterable[MetricObservation]) -> None:
        if not self.exists(name):
            self.register(name)
        self.metrics[name].set_history(observations)

    def get_best_value(self, name: str) -> float | None:
        return self._of(name).get_best_value()

    def get_best_step(self, name: str) -> int | None:
        return self._of(name).get_best_step()

    def get_statistics(self, name: str) -> dict[str, float]:
        return self._of(name).get_statistics()

    def get_last_value(self, name: str) -> float | None:
        return self._of(name).get_last_value()

    def get_direction(self, name: str) -> str:
        return self._of(name).direction

    def get_config(self) -> dict[str, Any]:
        return {"metrics": {name: history.get_config() for name, history in self.metrics.items()}}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> MetricsTracker:
        tracker = cls()
        for name, history in config["metrics"].items():
            tracker.metrics[name] = MetricHistory.from_config(history)
        return tracker

    def _of(self, name: str) -> MetricHistory:
        self._assert_exists(name)
        return self.metrics[name]

    def _assert_exists(self, name: str) -> None:
        if name not in self.metrics:
            known = sorted(self.metrics)
            raise ValueError(f"Expected a metric among {known}. Received: name={name!r}.")
