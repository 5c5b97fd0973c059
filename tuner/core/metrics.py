"""Metrics of a trial, over its steps."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Mapping, Sequence
from statistics import median, pvariance
from typing import Any

from tuner.core.jsonable import from_json, plain, to_json
from tuner.core.text import short_repr

# Names are compared in lower case without underscores, so `F1Score` is `f1_score`.
_TO_MAXIMISE = """
    acc accuracy binaryaccuracy categoricalaccuracy sparsecategoricalaccuracy
    topkcategoricalaccuracy sparsetopkcategoricalaccuracy
    auc precision recall truepositives truenegatives sensitivityatspecificity
    specificityatsensitivity precisionatrecall recallatprecision
    f1score fbetascore r2score iou binaryiou meaniou onehotiou onehotmeaniou
    pearsoncorrelation concordancecorrelation
"""
_TO_MINIMISE = """
    loss ce bce crossentropy binarycrossentropy categoricalcrossentropy
    sparsecategoricalcrossentropy binaryfocalcrossentropy categoricalfocalcrossentropy
    mse mae mape msle rmse meansquarederror meanabsoluteerror meanabsolutepercentageerror
    meansquaredlogarithmicerror rootmeansquarederror logcosh logcosherror huber poisson
    hinge squaredhinge categoricalhinge kld kldivergence falsepositives falsenegatives
    dice tversky ctc
"""
MAX_METRICS = frozenset(_TO_MAXIMISE.split())
MIN_METRICS = frozenset(_TO_MINIMISE.split())
AMBIGUOUS = frozenset({"cosinesimilarity"})
"""Keras has it as a metric to maximise and as a loss to minimise, under one name."""


def infer_metric_direction(metric: Any) -> str | None:
    """Whether a metric is to be maximised (`"max"`) or minimised (`"min"`); None if unknown.

    Imports Keras for a name that is none of the common ones.

    Args:
        metric: Its name, with or without `val_` and `weighted_`, or a Keras metric or loss.
    """
    name = _canonical(metric)
    known = common_direction(metric)
    if known is None and name not in AMBIGUOUS and _is_of_keras(name):
        return "min"
    return known


def common_direction(metric: Any) -> str | None:
    """As `infer_metric_direction` for the common names, None for any other; imports nothing."""
    name = _canonical(metric)
    if name in MAX_METRICS:
        return "max"
    return "min" if name in MIN_METRICS else None


def _canonical(metric: Any) -> str:
    if not isinstance(metric, str):
        metric = getattr(metric, "_fn", metric)  # what Keras's MeanMetricWrapper wraps
        metric = getattr(metric, "__name__", None) or type(metric).__name__
    name: str = metric.removeprefix("val_").removeprefix("weighted_")
    return name.replace("_", "").lower()


def _is_of_keras(name: str) -> bool:
    import keras

    modules = (keras.losses, keras.metrics)
    types = (keras.losses.Loss, keras.metrics.Metric)
    known = [item for module in modules for item in vars(module).items()]
    return any(
        _canonical(key) == name and isinstance(value, type) and issubclass(value, types)
        for key, value in known
    )


def number_of(name: str, value: Any) -> float:
    """A metric's value as a float: a number of any library, or an array or tensor of one element.

    Raises:
        TypeError: It is something else.
    """
    if isinstance(value, int | float):
        with contextlib.suppress(OverflowError):  # a whole number beyond all floats
            return float(value)
    elif not isinstance(value, str | bytes | Mapping):
        import numpy as np

        with contextlib.suppress(TypeError, ValueError, OverflowError):
            found = np.asarray(value)
            if found.size == 1 and found.dtype.kind in "biuf":
                return float(found.reshape(-1)[0])
            if found.size == 1 and not isinstance(value, Sequence):
                return float(value)  # of a library that numpy knows nothing of
    kind = type(value).__name__
    msg = f"Expected the metric {name!r} to be a number."
    raise TypeError(f"{msg} Received: {name}={short_repr(value)} of type {kind}.")


class MetricObservation:
    """The values of a metric at one step, one an execution.

    Args:
        value: The first value, or a list of them.
        step: The step, for example an epoch.
    """

    def __init__(self, value: float | Sequence[float], step: int) -> None:
        self.value: list[float] = []
        self.step = step
        self.append(value)

    def append(self, value: float | Sequence[float]) -> None:
        value = plain(value)
        self.value += value if isinstance(value, Sequence) else [value]

    def mean(self) -> float:
        # `fmean` raises for inf - inf, which is NaN like any failed training.
        return float(sum(self.value) / len(self.value))

    def get_config(self) -> dict[str, Any]:
        return {"value": to_json(self.value), "step": self.step}

    @classmethod
    def from_config(cls, config: Mapping[str, Any]) -> MetricObservation:
        value, step = from_json(config["value"]), config["step"]
        if not isinstance(value, list) or not value or type(step) is not int:
            raise TypeError(f"Expected an observation. Received: {short_repr(config)}.")
        return cls([number_of("value", each) for each in value], step)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, MetricObservation) and self.get_config() == other.get_config()

    __hash__ = None  # type: ignore[assignment]  # `append` changes it

    def __repr__(self) -> str:
        return f"MetricObservation(value={self.value}, step={self.step})"


class MetricHistory:
    """A metric's observations.

    Args:
        direction: `"min"` or `"max"`.

    Raises:
        ValueError: The direction is neither.
    """

    def __init__(self, direction: str | None = "min") -> None:
        if direction not in ("min", "max"):
            msg = "Expected another direction. `direction` should be one of 'min' and 'max'."
            raise ValueError(f"{msg} Received: direction={direction!r}.")
        self.direction = direction
        self._observations: dict[int, MetricObservation] = {}

    def update(self, value: float | Sequence[float], step: int) -> None:
        if step in self._observations:
            self._observations[step].append(value)
        else:
            self._observations[step] = MetricObservation(value, step)

    def forget(self, step: int) -> None:
        """Drops what was observed at a step."""
        self._observations.pop(step, None)

    def get_best_value(self) -> float | None:
        """The best mean of a step; NaN if all are, None without observations."""
        means = self._means()
        if not means:
            return None
        real = [mean for mean in means if not math.isnan(mean)] or means
        return min(real) if self.direction == "min" else max(real)

    def get_best_step(self) -> int | None:
        """The first step with the best value; None if there is none or it is NaN."""
        best = self.get_best_value()
        return next((o.step for o in self.get_history() if o.mean() == best), None)

    def get_history(self) -> list[MetricObservation]:
        return sorted(self._observations.values(), key=lambda observation: observation.step)

    def set_history(self, observations: Iterable[MetricObservation]) -> None:
        for observation in observations:
            self.update(observation.value, step=observation.step)

    def get_statistics(self) -> dict[str, float]:
        """Spread of the steps' means, those that are NaN left out; empty without any."""
        means = [mean for mean in self._means() if not math.isnan(mean)]
        if not means:
            return {}
        variance = pvariance(means) if all(map(math.isfinite, means)) else math.nan
        return {
            "min": min(means),
            "max": max(means),
            "mean": sum(means) / len(means),
            "median": median(means),
            "var": variance,
            "std": math.sqrt(variance),
        }

    def get_last_value(self) -> float | None:
        means = self._means()
        return means[-1] if means else None

    def _means(self) -> list[float]:
        return [observation.mean() for observation in self.get_history()]

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
        metrics: Keras metrics, to be registered under their names.
    """

    def __init__(self, metrics: Iterable[Any] | None = None) -> None:
        self.metrics: dict[str, MetricHistory] = {}
        self.register_metrics(metrics)

    @property
    def last_step(self) -> int:
        """The last step at which anything was observed; 0 before that."""
        histories = (history.get_history() for history in self.metrics.values())
        return max((history[-1].step for history in histories if history), default=0)

    def exists(self, name: str) -> bool:
        return name in self.metrics

    def register_metrics(self, metrics: Iterable[Any] | None = None) -> None:
        for metric in metrics or []:
            self.register(metric.name)

    def register(self, name: str, direction: str | None = None) -> None:
        """Adds a metric; without a direction it is minimised, unless known to be maximised.

        Raises:
            ValueError: It was added before.
        """
        if self.exists(name):
            msg = f"Expected a new metric. Metric already exists: {name}."
            raise ValueError(f"{msg} Received: name={name!r}.")
        # No `infer_metric_direction`: a metric of the user's would import Keras into processes
        # that only keep the books, and what Keras knows beyond `MAX_METRICS` is minimised.
        inferred = "max" if _canonical(name) in MAX_METRICS else "min"
        self.metrics[name] = MetricHistory(direction or inferred)

    def update(self, name: str, value: float, step: int = 0) -> bool:
        """Adds a value, and tells whether the best value changed.

        Args:
            name: Registered if it is new.
            value: Of one execution.
            step: The step, for example an epoch.
        """
        if not self.exists(name):
            self.register(name)
        before = self.get_best_value(name)
        self.metrics[name].update(number_of(name, value), step=step)
        return self.get_best_value(name) != before

    def forget(self, names: Iterable[str], step: int) -> None:
        """Drops what was observed of these metrics at a step."""
        for name in names:
            if self.exists(name):
                self.metrics[name].forget(step)

    def get_history(self, name: str) -> list[MetricObservation]:
        return self._of(name).get_history()

    def set_history(self, name: str, observations: Iterable[MetricObservation]) -> None:
        if not self.exists(name):
            self.register(name)
        self.metrics[name].set_history(observations)

    def get_best_value(self, name: str) -> float | None:
        return self._of(name).get_best_value()

    def best_values(self) -> dict[str, float]:
        """The best value of each metric that has one."""
        found = {name: self.get_best_value(name) for name in self.metrics}
        return {name: value for name, value in found.items() if value is not None}

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
            msg = f"Expected a metric among {known}. Unknown metric: {name}."
            raise ValueError(f"{msg} Received: name={name!r}.")
