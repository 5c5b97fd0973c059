"""The training plan of a `Tuner`, and the hooks it calls while a model trains."""

from __future__ import annotations

import inspect
import math
from collections.abc import Mapping, Sequence
from typing import Any

from tuner.core.hypermodel import HyperModel
from tuner.core.objective import Objective
from tuner.core.trial import Trial
from tuner.errors import FatalError
from tuner.journal.project import Project
from tuner.training.cross_validation import arguments_of_fold
from tuner.training.record import FIT, metrics_of
from tuner.training.reuse import Reuse
from tuner.training.state_writer import Every


class TrainingHooks:
    """What a subclass of `Tuner` may override, beside what `BaseTuner` calls."""

    def on_batch_begin(self, trial: Trial, model: Any, batch: int, logs: Any) -> None:
        """Called before each batch."""

    def on_batch_end(self, trial: Trial, model: Any, batch: int, logs: Any = None) -> None:
        """Called after each batch."""

    def on_epoch_begin(self, trial: Trial, model: Any, epoch: int, logs: Any = None) -> None:
        """Called before each epoch."""

    def on_epoch_end(self, trial: Trial, model: Any, epoch: int, logs: Any = None) -> None:
        """Called after each epoch."""


BATCH_HOOKS = ("on_batch_begin", "on_batch_end")
HOOKS = (*BATCH_HOOKS, "on_epoch_begin", "on_epoch_end")


class TunerPlan:
    """The `tuner.training.plan.TrainingPlan` of a tuner, for the time of one trial.

    It calls methods of the tuner that a subclass may override.

    Args:
        tuner: A `Tuner`.
    """

    def __init__(self, tuner: Any) -> None:
        self._tuner = tuner
        several = self.executions > 1 and tuner.distribution_strategy is None
        self.reuse = Reuse(tuner.reuse_compiled if several else False, self._own_training())
        """What the executions of the trial hand on to each other."""
        self.is_exact = False
        """Whether the model that is built now is going to get a whole training state."""

    @property
    def project(self) -> Project:
        project: Project = self._tuner.search_project
        return project

    @property
    def objective(self) -> Objective:
        objective: Objective = self._tuner.oracle.objective
        return objective

    @property
    def executions(self) -> int:
        executions: int = self._tuner.executions_per_trial
        folds = self._tuner.cross_validation
        return executions * (folds.get_n_splits() if folds else 1)

    @property
    def resume(self) -> bool:
        return bool(self._tuner.resume)

    @property
    def checkpoint_every(self) -> Every:
        every: Every = self._tuner.checkpoint_every
        return every

    @property
    def reorders(self) -> bool:
        # A distributed data set is taken apart in ways that ours may not survive.
        return self._tuner.distribution_strategy is None

    @property
    def takes_initial_epoch(self) -> bool:
        parameters = inspect.signature(self._tuner.hypermodel.fit).parameters
        any_name = (p.kind is p.VAR_KEYWORD for p in parameters.values())
        return "initial_epoch" in parameters or any(any_name)

    @property
    def interrupted(self) -> bool:
        return bool(self._tuner.oracle.interrupted)

    def check_result(self, trial: Trial, result: Any) -> None:
        if self._scores_itself:
            return
        try:
            metrics_of(result, self.objective, FIT)
        except FatalError as error:
            raise type(error)(f"Trial {trial.trial_id} gave no result. {error}") from error

    def objective_due(self, callbacks: Sequence[Any], kwargs: Mapping[str, Any]) -> int | None:
        own = [c for c in callbacks if type(c).__module__.partition(".")[0] != "keras"]
        every = kwargs.get("validation_freq", 1)
        if own or self._own_training() or self._scores_itself or not isinstance(every, int):
            return None
        first: int = kwargs.get("initial_epoch", 0)
        return first + -(first + 1) % max(1, every)

    @property
    def _scores_itself(self) -> bool:
        """Whether the tuner makes its trials' metrics of what `fit` gives."""
        standard = self._tuner._run_trial_without_override()  # noqa: SLF001
        return type(self._tuner).run_trial is not standard

    def keeps_end(self, trial: Trial) -> bool:
        longest = getattr(self._tuner.oracle, "max_epochs", math.inf)
        return trial.budget is not None and trial.budget.epochs < longest

    def callbacks(self, given: Any, trial: Trial, execution: int) -> list[Any]:
        own: list[Any] = self._tuner._callbacks_of(given, trial, execution)  # noqa: SLF001
        return own

    def watch(self, trial: Trial) -> Any:
        from tuner.training.callbacks import BatchTunerCallback, TunerCallback, WatchedTunerCallback

        tuner = self._tuner
        if self._overridden(BATCH_HOOKS):
            return BatchTunerCallback(tuner, trial)
        watched = tuner.display is not None and tuner.display.redraws
        return (WatchedTunerCallback if watched else TunerCallback)(tuner, trial)

    def arguments(
        self, execution: int, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> tuple[Sequence[Any], dict[str, Any]]:
        folds = self._tuner.cross_validation
        if folds is None:
            return args, dict(kwargs)
        return (), arguments_of_fold(folds, execution % folds.get_n_splits(), args, kwargs)

    def fit(
        self, trial: Trial, args: Sequence[Any], kwargs: Mapping[str, Any], *, exact: bool
    ) -> Any:
        self.is_exact = exact
        return self._tuner._build_and_fit_model(trial, *args, **kwargs)  # noqa: SLF001

    def report(self, trial: Trial, metrics: Mapping[str, float], step: int) -> None:
        self._tuner.oracle.update_trial(trial.trial_id, metrics, step=step)

    def _own_training(self) -> str | None:
        """Names what a subclass has put in the place of our code around a training."""
        fit = getattr(getattr(self._tuner.hypermodel, "fit", None), "__func__", None)
        if fit is not HyperModel.fit:
            return "`HyperModel.fit`"
        changed = self._overridden(HOOKS)
        return f"`{changed[0]}`" if changed else None

    def _overridden(self, names: Sequence[str]) -> list[str]:
        cls = type(self._tuner)
        return [name for name in names if getattr(cls, name) is not getattr(TrainingHooks, name)]
