"""Tuner: searches the hyperparameters of Keras models."""

from __future__ import annotations

import contextlib
import copy
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from storage import scratch_folder
from tuner import errors
from tuner.core.hyperparameters import HyperParameters
from tuner.core.trial import Trial
from tuner.oracles.oracle import Oracle
from tuner.training import checkpoint, tensorboard
from tuner.training.cross_validation import splitter_of
from tuner.training.models import (
    check_size,
    count_names_anew,
    keep_description,
    model_size,
    override_compile_args,
)
from tuner.training.reuse import Reuse, checked_reuse
from tuner.training.shuffling import shuffle_by
from tuner.training.state_store import StatePlace
from tuner.training.state_writer import checked_every
from tuner.training.training_state import TrainingState
from tuner.training.trial_run import TrialRun
from tuner.tuners.base_tuner import BaseTuner
from tuner.tuners.tuner_plan import TrainingHooks, TunerPlan

logger = logging.getLogger(__name__)

WEIGHTS = "checkpoint.weights.h5"
"""Where a program for Keras Tuner looks for a trial's weights, in the trial's folder."""


class Tuner(BaseTuner, TrainingHooks):
    """Searches the hyperparameters of Keras models.

    Example:
        >>> tuner = RandomSearch(build_model, objective="val_accuracy", max_trials=20)
        >>> tuner.search(x, y, validation_split=0.2, epochs=5)
        >>> model = tuner.get_best_models()[0]

    Args:
        oracle: Proposes the trials.
        hypermodel: A `HyperModel`, or a function from `hp` to a compiled Keras model.
        max_model_size: Number of trainable parameters beyond which a model is not trained.
        optimizer: Overrides the one the model was compiled with.
        loss: Likewise.
        metrics: Likewise.
        distribution_strategy: A `tf.distribute.Strategy` to build and fit under.
        directory: Path or fsspec URL under which projects lie; the working directory if omitted.
        project_name: Name of the project; a project that exists is continued.
        logger: Deprecated and ignored.
        tuner_id: Name of this tuner among several; only a label.
        overwrite: Whether to delete what lies there, and to begin anew.
        executions_per_trial: How often each configuration is trained; its metrics are the mean.
        cross_validation: A number of folds, or a splitter of scikit-learn. Each configuration is
            trained once for each fold, which is left out to validate on; `search` then takes
            arrays `x` and `y`, and no validation data.
        storage_options: See `BaseTuner`.
        keep_checkpoints: Likewise.
        resume: Whether a trial whose process died goes on with its last epoch; otherwise it
            begins again.
        checkpoint_every: Epochs between two saves of the training state; `"auto"` for as often
            as 3 % of the training time allow, None for never.
        reuse_compiled: Whether the executions of a trial after the first train with the graph that
            the first has traced, which gets the initial values of a fresh model. `"auto"` does so
            where it provably changes nothing; True also with layers, losses and a `fit` of one's
            own, that must depend on the model's variables alone; False never.
    """

    def __init__(
        self,
        oracle: Oracle,
        hypermodel: Any = None,
        max_model_size: int | None = None,
        optimizer: Any = None,
        loss: Any = None,
        metrics: Any = None,
        distribution_strategy: Any = None,
        directory: Any = None,
        project_name: str | None = None,
        logger: Any = None,
        tuner_id: str | None = None,
        overwrite: bool = False,
        executions_per_trial: int = 1,
        **kwargs: Any,
    ) -> None:
        if executions_per_trial < 1:
            msg = (
                "Expected `executions_per_trial` to be at least 1. "
                f"Received: executions_per_trial={executions_per_trial}."
            )
            raise ValueError(msg)
        self.max_model_size = max_model_size
        self.optimizer = optimizer
        self.loss = loss
        self.metrics = metrics
        self.distribution_strategy = distribution_strategy
        self.executions_per_trial = executions_per_trial
        self.cross_validation = splitter_of(kwargs.pop("cross_validation", None))
        self.resume = bool(kwargs.pop("resume", True))
        self.checkpoint_every = checked_every(kwargs.pop("checkpoint_every", "auto"))
        self.reuse_compiled = checked_reuse(kwargs.pop("reuse_compiled", "auto"))
        self._plan: TunerPlan | None = None
        self._states: list[Any] = []
        super().__init__(
            oracle=oracle,
            hypermodel=hypermodel,
            directory=directory,
            project_name=project_name,
            logger=logger,
            tuner_id=tuner_id,
            overwrite=overwrite,
            **kwargs,
        )

    # A trial.

    def run_trial(self, trial: Trial, *args: Any, **kwargs: Any) -> Any:
        """Trains the trial's model `executions_per_trial` times and keeps its best epoch.

        Returns:
            A list with the result of each execution.
        """
        callbacks = kwargs.pop("callbacks", None)
        kwargs.update(self._budget_of(trial))
        self._plan = TunerPlan(self)
        try:
            with scratch_folder() as folder:
                results = TrialRun(self._plan, trial, Path(folder)).run(callbacks, args, kwargs)
        finally:
            self._plan = None  # lets go of the model
        kept = trial.record.get("checkpoint")
        if kept:
            checkpoint.link(self.search_project, trial.trial_id, kept["key"], WEIGHTS)
        return results

    def training_state(self, trial: Trial, model: Any, execution: int = 0) -> TrainingState:
        """For a `run_trial` that trains on its own: saves its state, and goes on with it.

        Args:
            trial: The trial that runs.
            model: A Keras model that is built.
            execution: Which one of several trainings of this trial, from 0.
        """
        paths = self.search_project.paths.trial(trial.trial_id).execution(execution, trial.retries)
        folder = scratch_folder()
        state = TrainingState(
            self.search_project,
            StatePlace(self.search_project, paths),
            Path(folder.name),
            every=self.checkpoint_every if self.resume else None,
            resume=self.resume,
            model=model,
            seed=trial.seed_of(execution),
        )
        shuffle_by(state.order)
        self._states.append((trial.trial_id, state, folder))
        return state

    def _save_result(self, trial: Trial) -> None:
        super()._save_result(trial)
        shuffle_by(None)
        of_trial = [own for own in self._states if own[0] == trial.trial_id]
        for own in of_trial:
            _, state, folder = own
            self._states.remove(own)
            state.finish()
            folder.cleanup()

    def _training(self, fit_kwargs: Mapping[str, Any]) -> dict[str, Any]:
        training = super()._training(fit_kwargs)
        if self.oracle.grants_budgets:
            training.pop("epochs", None)  # the oracle decides them
        return {**training, "executions_per_trial": self.executions_per_trial}

    def _budget_of(self, trial: Trial) -> dict[str, int]:
        """The arguments of `fit` that a budget decides, whatever `search` was given."""
        budget = trial.budget
        if budget is None:
            return {}
        parent = trial.hyperparameters.values.get("tuner/trial_id")
        if parent is None or self._has_weights(parent):
            return {"epochs": budget.epochs, "initial_epoch": budget.initial_epoch}
        logger.warning(
            "Trial %s trains from its first epoch: trial %s left no weights.",
            trial.trial_id,
            parent,
        )
        del trial.hyperparameters.values["tuner/trial_id"]
        return {"epochs": budget.epochs, "initial_epoch": 0}

    def _callbacks_of(self, callbacks: Any, trial: Trial, execution: int) -> list[Any]:
        """Fresh callbacks for an execution: callbacks keep state, and Keras does not reset it."""
        if callable(callbacks):
            own = list(callbacks())
        else:
            listed = callbacks if isinstance(callbacks, list | tuple) else [callbacks]
            own = self._deepcopy_callbacks([c for c in listed if c is not None])
        self._configure_tensorboard_dir(own, trial, execution)
        return own

    def _build_and_fit_model(self, trial: Trial, *args: Any, **kwargs: Any) -> Any:
        """One execution: a fresh model, trained; returns what `HyperModel.fit` returned."""
        hp = trial.hyperparameters
        reuse = self._reuse()
        model = reuse.model_for(lambda: self._try_build(hp), args, kwargs)
        if self.max_model_size is not None and not model.built:
            kwargs["callbacks"] = [*kwargs.get("callbacks", []), self._size_limit()]
        result = self.hypermodel.fit(hp, model, *args, **kwargs)  # type: ignore[union-attr]
        check_size(model, self.max_model_size)  # `fit` may not have passed on the callbacks
        trial.record["model_size"] = model_size(model)
        if model.built and hasattr(model, "get_build_config"):
            trial.record["build_config"] = model.get_build_config()
            keep_description(self.search_project, trial, model)
        reuse.keep(model)
        return result

    def _reuse(self) -> Reuse:
        """What the executions of the trial hand on to each other; nothing outside of a trial."""
        return Reuse(False) if self._plan is None else self._plan.reuse

    def _try_build(self, hp: HyperParameters) -> Any:
        """Builds a model in a clean session, and refuses what is no model or too large."""
        import keras

        count_names_anew()
        model = self._build_hypermodel(hp)
        if not isinstance(model, keras.Model):
            msg = (
                "Expected the model-building function, or `HyperModel.build()`, to return a Keras "
                f"model. Received: {model!r} of type {type(model).__name__}."
            )
            raise errors.FatalTypeError(msg)
        self._override_compile_args(model)
        check_size(model, self.max_model_size)
        return model

    def _build_hypermodel(self, hp: HyperParameters) -> Any:
        """Builds the model; that of a promoted trial goes on from its parent's weights."""
        with maybe_distribute(self.distribution_strategy):
            model = self.hypermodel.build(hp)  # type: ignore[union-attr]
            parent = hp.values.get("tuner/trial_id")
            exact = self._plan is not None and self._plan.is_exact
            if parent is not None and not exact:
                self._load_weights(parent, model)
        return model

    def _build_to_declare(self, hp: HyperParameters) -> None:
        if "keras" in sys.modules:
            count_names_anew(collect=False)
        super()._build_to_declare(hp)

    def _override_compile_args(self, model: Any) -> None:
        with maybe_distribute(self.distribution_strategy):
            override_compile_args(model, self.optimizer, self.loss, self.metrics)

    def _size_limit(self) -> Any:
        from tuner.training.callbacks import SizeLimit

        return SizeLimit(self.max_model_size)  # type: ignore[arg-type]  # called with one only

    def _deepcopy_callbacks(self, callbacks: list[Any]) -> list[Any]:
        try:
            return copy.deepcopy(callbacks)
        except Exception as error:
            msg = (
                "All callbacks used during a search should be deep-copyable, since each execution "
                f"needs its own. Received: callbacks={callbacks!r} ({error}). Pass a function that "
                "makes them: callbacks=lambda: [...]."
            )
            raise errors.FatalValueError(msg) from error

    def _configure_tensorboard_dir(
        self, callbacks: list[Any], trial: Trial, execution: int = 0
    ) -> None:
        tensorboard.configure(callbacks, trial, execution)

    def _get_tensorboard_dir(self, logdir: Any, trial_id: str, execution: int) -> str:
        return tensorboard.folder_of(logdir, trial_id, execution)

    def report_epoch(self, trial: Trial, epoch: int, logs: Any) -> bool:
        """Tells the search how far the trial is; answers whether the trial is to stop."""
        if self.display is not None:
            self.display.epoch_ended(trial, epoch, logs)
        reason = self.oracle.report_epoch(trial.trial_id, epoch, logs)
        if reason is not None:
            trial.record["stopped"] = {"epoch": epoch, "reason": reason}
        return reason is not None

    # Models.

    def load_model(self, trial: Trial) -> Any:
        """Builds the trial's model and loads the weights of its best epoch.

        Raises:
            CheckpointMissingError: The trial left no weights.
        """
        hp = trial.hyperparameters.copy()
        hp.values.pop("tuner/trial_id", None)  # its weights are the trial's own now
        model = self._try_build(hp)
        with maybe_distribute(self.distribution_strategy):
            self._load_weights(trial.trial_id, model)
        return model

    def get_best_models(self, num_models: int = 1) -> list[Any]:
        """The models of the best trials, with the weights of their best epochs.

        It is advised to train the best configuration again on all data before it is used.
        """
        return super().get_best_models(num_models)

    def _has_weights(self, trial_id: str) -> bool:
        record = self.search_project.read_record(trial_id)
        return (
            "checkpoint" in record
            or any(record.get("ends", []))
            or Path(self._get_checkpoint_fname(trial_id)).exists()
        )

    def _load_weights(self, trial_id: str, model: Any) -> None:
        own = Path(self._get_checkpoint_fname(trial_id))
        checkpoint.load_of_trial(self.search_project, trial_id, model, own)

    def _get_checkpoint_fname(self, trial_id: str) -> str:
        return f"{self.get_trial_dir(trial_id)}/{WEIGHTS}"

    @staticmethod
    def _run_trial_without_override() -> Any:
        return Tuner.run_trial


def maybe_distribute(distribution_strategy: Any) -> Any:
    """The scope of a `tf.distribute.Strategy`, or nothing."""
    if distribution_strategy is None:
        return contextlib.nullcontext()
    return distribution_strategy.scope()
