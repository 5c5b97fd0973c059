"""SklearnTuner: searches the hyperparameters of scikit-learn models by cross-validation."""

from __future__ import annotations

import functools
import inspect
import pickle
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from storage import StoredFile
from tuner import errors
from tuner.core.seeds import seed_execution
from tuner.core.text import short_repr
from tuner.core.trial import Trial
from tuner.training import checkpoint
from tuner.tuners.base_tuner import BaseTuner


class SklearnTuner(BaseTuner):
    """Searches the hyperparameters of scikit-learn models by cross-validation.

    Each fold is an execution of the trial. The trial's metrics are the means over the folds;
    their standard deviations are in `trial.record["spread"]`, and each fold's metrics in
    `tuner.results("executions")`. Kept is the model of the last fold, which has seen a part of
    the data only: fit the best configuration again on all of it before use.

    Models are pickled, as scikit-learn advises. Loading a pickle runs what stands in it: load
    models only from projects you trust.

    Example:
        >>> def build_model(hp):
        ...     return Ridge(alpha=hp.Float("alpha", 1e-3, 1.0, sampling="log"))
        >>> oracle = RandomSearchOracle(Objective("score", "max"), max_trials=10)
        >>> tuner = SklearnTuner(oracle, build_model)
        >>> tuner.search(X, y)

    Args:
        oracle: Proposes the trials. Its objective is `Objective("score", "max")`, or the name of
            one of `metrics`. It should not be one that grants epochs, as Hyperband does.
        hypermodel: A `HyperModel`, or a function from `hp` to a scikit-learn model.
        scoring: A scorer, as of `sklearn.metrics.make_scorer`, or the name of one; the model's
            own `score` if omitted. That of a classifier is not that of a regressor.
        metrics: One or several functions of `sklearn.metrics`, called with the targets and the
            predictions, to be recorded under their names.
        cv: Says how to split the data, as `sklearn.model_selection.KFold` does; five folds,
            shuffled the same way in each trial, if omitted.
        **kwargs: Arguments of `BaseTuner`.

    Raises:
        ImportError: scikit-learn is not installed.
        ValueError: The objective is neither the score nor one of the metrics.
    """

    def __init__(
        self,
        oracle: Any,
        hypermodel: Any,
        scoring: Any = None,
        metrics: Any = None,
        cv: Any = None,
        **kwargs: Any,
    ) -> None:
        self.cv = cv or _default_cv()
        self.scoring = _scorer(scoring) if isinstance(scoring, str) else scoring
        several = isinstance(metrics, list | tuple)
        self.metrics: list[Any] = list(metrics) if several else [] if metrics is None else [metrics]
        super().__init__(oracle=oracle, hypermodel=hypermodel, **kwargs)
        self._check_objective()

    def _check_objective(self) -> None:
        names = ["score", *map(_name_of, self.metrics)]
        if not self.oracle.objective.has_value(dict.fromkeys(names, 0.0)):
            msg = 'Expected the objective to be `Objective("score", "max")`, or one of `metrics`.'
            objective = self.oracle.objective
            raise ValueError(f"{msg} Received: objective={objective}, metrics={names[1:]}.")

    # The search.

    def search(
        self,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: Any,
        sample_weight: Any = None,
        groups: Any = None,
        *,
        timeout: float | None = None,
        search_verbose: int = 1,
        verbose: int | str | None = None,
    ) -> None:
        """Searches until the oracle is done; see `BaseTuner.search`.

        Args:
            X: Features: an array, a sparse matrix or a DataFrame, with a row for each sample.
            y: Targets: an array, a Series or a DataFrame.
            sample_weight: Weight of each sample, for models whose `fit` takes it; a `Pipeline`
                is fitted without.
            groups: Group of each sample, for a `cv` that keeps groups together.
            timeout: As of `BaseTuner.search`, in seconds.
            search_verbose: Likewise, 0 or 1; there are no epochs to show.
            verbose: The same, by its other name.
        """
        shown = search_verbose if verbose is None else verbose
        options = {"timeout": timeout, "search_verbose": shown}
        super().search(X, y, sample_weight=sample_weight, groups=groups, **options)

    def run_trial(
        self,
        trial: Trial,
        X: Any,  # noqa: N803 - scikit-learn's name
        y: Any,
        sample_weight: Any = None,
        groups: Any = None,
    ) -> list[dict[str, float]]:
        """Fits and scores a fresh model in each fold, and saves the last one.

        Returns:
            The metrics of each fold.
        """
        grouped = {} if groups is None else {"groups": groups}
        folds: list[dict[str, float]] = []
        model = None
        for parts in self.cv.split(X, y, **grouped):
            if trial.seed is not None:
                seed_execution(trial.seed, len(folds), trial.retries)
            train, test = (
                [rows_of(data, part) for data in (X, y)] + [_weights(sample_weight, part)]
                for part in parts
            )
            model = self.hypermodel.build(trial.hyperparameters)  # type: ignore[union-attr]  # was required
            _fit(model, *train)
            folds.append(self._score(model, *test))
        if model is None:
            msg = "Expected `cv.split` to give at least one fold. Received: none."
            raise errors.FatalValueError(f"{msg} cv={self.cv!r}.")
        # Not `pstdev`, which raises for NaN.
        spread = {name: float(np.std([fold[name] for fold in folds])) for name in folds[0]}
        trial.record["spread"] = spread
        self.save_model(trial.trial_id, model)
        return folds

    def _score(self, model: Any, x: Any, y: Any, weights: Any) -> dict[str, float]:
        """What the model is worth on data it has not seen."""
        if self.scoring is None:
            score = _weighted(model.score, weights)(x, y)
        else:
            score = _weighted(self.scoring, weights)(model, x, y)
        found = {"score": float(score)}
        if self.metrics:
            predicted = model.predict(x)
            for metric in self.metrics:
                found[_name_of(metric)] = float(_weighted(metric, weights)(y, predicted))
        return found

    # Models.

    def save_model(self, trial_id: str, model: Any, step: int = 0) -> None:
        """Pickles the model into the project, and names it in the trial's record.

        Raises:
            TypeError: The model cannot be pickled.
        """
        del step
        try:
            data = pickle.dumps(model)
        except (pickle.PicklingError, AttributeError, TypeError) as error:
            msg = f"Expected a model that can be pickled. Received: {model!r} ({error})."
            hint = (
                "Define its functions and classes at the top of a module, or override `save_model`."
            )
            raise TypeError(f"{msg} {hint}") from error
        file = StoredFile.of(data, self.search_project.paths.trial(trial_id).pickle)
        file.write(self.search_project.store, data)
        self.oracle.get_trial(trial_id).record["model"] = file.to_json()
        checkpoint.link(self.search_project, trial_id, file.key, "model.pickle")

    def load_model(self, trial: Trial) -> Any:
        """The model of the trial's last fold. Load models only from projects you trust.

        Raises:
            FileNotFoundError: The trial left no model.
            CorruptError: The file is not the one that was saved.
        """
        kept: Mapping[str, Any] | None = trial.record.get("model")
        if kept is None:
            msg = f"Expected a model of trial {trial.trial_id} at {self.search_project.url}."
            raise FileNotFoundError(f"{msg} Received: none. Did the trial complete?")
        file = StoredFile.from_json(kept, f"the record of trial {trial.trial_id}")
        data = file.read(self.search_project.store)
        return pickle.loads(data)  # noqa: S301 - the class says whom to trust


def _default_cv() -> Any:
    try:
        from sklearn.model_selection import KFold
    except ImportError as error:
        msg = "Expected scikit-learn to be installed for `SklearnTuner`. Received: nothing."
        raise ImportError(f"{msg} Run `pip install scikit-learn`.") from error
    return KFold(5, shuffle=True, random_state=1)


def _scorer(name: str) -> Any:
    from sklearn.metrics import get_scorer

    return get_scorer(name)


def _name_of(metric: Any) -> str:
    """The name of a function, `functools.partial` or not."""
    return str(getattr(getattr(metric, "func", metric), "__name__", type(metric).__name__))


def _fit(model: Any, x: Any, y: Any, weights: Any) -> None:
    # Not among other keywords: a pipeline would not know which of its steps they are for.
    named = "sample_weight" in _parameters(model.fit)
    model.fit(x, y, **({"sample_weight": weights} if named else {}))


def _weighted(function: Callable[..., Any], weights: Any) -> Callable[..., Any]:
    """A score or metric with the samples' weights, if it takes them by name."""
    parameters = _parameters(function)
    # Newer scorers take weights among other keywords, but no None.
    others = any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters.values())
    if "sample_weight" in parameters or (others and weights is not None):
        return functools.partial(function, sample_weight=weights)
    return function


def _parameters(function: Callable[..., Any]) -> Mapping[str, inspect.Parameter]:
    try:
        return inspect.signature(function).parameters
    except (TypeError, ValueError):  # written in C
        return {}


def _weights(weights: Any, part: Any) -> Any:
    return None if weights is None else rows_of(weights, part)


def rows_of(data: Any, part: Any) -> Any:
    """Some rows of an array, a sparse matrix, or anything of pandas.

    Raises:
        FatalRuntimeError: It is something else.
    """
    if hasattr(data, "iloc"):
        return data.iloc[part]
    if hasattr(data, "shape") and hasattr(data, "__getitem__"):
        return data[part]
    msg = (
        "Expected the data to be numpy.ndarray, pandas.DataFrame or a sparse matrix. "
        f"Received: {short_repr(data)} of type {type(data).__name__}. "
        "Pass `numpy.asarray(...)` of it."
    )
    raise errors.FatalRuntimeError(msg)
