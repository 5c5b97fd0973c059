"""The search loop in one process, and the hooks around it."""

from __future__ import annotations

import math
import os
import socket
import sys
import time
import traceback
from typing import Any

from storage import StoreDeniedError, StoreFullError, TransientStoreError
from tuner import errors, summary
from tuner.conditions import Parent
from tuner.display import Display, display_for
from tuner.hypermodel import get_hypermodel
from tuner.hyperparameters import HyperParameters
from tuner.oracle import Oracle
from tuner.progress import opening_line
from tuner.project import Project
from tuner.results import best_step_of, describe_execution, metrics_of
from tuner.role import Role, current_role
from tuner.trial import Trial, TrialStatus


class BaseTuner:
    """Runs trials and keeps their results, whatever a trial is.

    Override `run_trial` to tune anything:

    Example:
        >>> class Parabola(BaseTuner):
        ...     def run_trial(self, trial):
        ...         x = trial.hyperparameters.Float("x", -1.0, 1.0)
        ...         return x**2

    Args:
        oracle: Proposes the trials.
        hypermodel: A `HyperModel`, or a function from `hp` to a model. May be left out when
            `run_trial` is overridden.
        directory: Path or fsspec URL under which projects lie; the working directory if omitted.
        project_name: Name of the project; a project that exists is continued.
        overwrite: Whether to delete what lies there, and to begin anew.
        tuner_id: Name of this tuner among several; only a label.
    """

    def __init__(
        self,
        oracle: Any,
        hypermodel: Any = None,
        directory: Any = None,
        project_name: str | None = None,
        overwrite: bool = False,
        **kwargs: Any,
    ) -> None:
        self.tuner_id: str = kwargs.pop("tuner_id", None) or "tuner0"
        kwargs.pop("logger", None)
        if kwargs:
            msg = f"Unrecognized arguments {sorted(kwargs)} for `{type(self).__name__}.__init__()`."
            raise ValueError(msg)
        if not isinstance(oracle, Oracle):
            msg = f"Expected `oracle` to be an Oracle. Received: oracle={oracle!r}."
            raise ValueError(msg)  # noqa: TRY004 - as Keras Tuner
        if hypermodel is None and type(self).run_trial is self._run_trial_without_override():
            msg = "Expected `hypermodel`, or a subclass that overrides `run_trial`."
            raise ValueError(f"{msg} Received: neither.")
        self.oracle: Any = oracle  # a proxy of it where trials are run
        self.hypermodel = None if hypermodel is None else get_hypermodel(hypermodel)
        self.directory = directory or "."
        self.project_name = project_name or "untitled_project"
        self.project = Project(self.directory, self.project_name)
        self.display: Display | None = None
        self._role = current_role()
        if overwrite and self._role is not Role.TRIAL:
            self.project.erase()
        if self._role is not Role.TRIAL:
            oracle.attach(self.project)
        if self._role is Role.SCRIPT and not oracle.trials and not oracle.history.space.space:
            self._populate_initial_space()

    # The search.

    def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Searches until the oracle is done.

        A search that was stopped goes on: completed trials are kept, and those that were running
        run again.

        Args:
            *fit_args: Passed to `run_trial`, which passes them to `HyperModel.fit`.
            **fit_kwargs: Likewise. `verbose=0` also silences the search.

        Raises:
            LeaseHeldError: Another process is searching on this project.
            RuntimeError: Too many trials in a row have failed.
        """
        if "verbose" in fit_kwargs:
            self.oracle.verbose = fit_kwargs["verbose"]
        self.oracle.start()
        reason = None
        try:
            with display_for(self.oracle, live=False) as self.display:
                self.display.note(opening_line(self.oracle, self.project.url))
                self.on_search_begin()
                reason = self._run_trials(*fit_args, **fit_kwargs)
                self.on_search_end()
        finally:
            self.oracle.stop(reason)

    def _run_trials(self, *fit_args: Any, **fit_kwargs: Any) -> str:
        """Runs one trial after another, and says why there are no more."""
        while True:
            self.pre_create_trial()
            trial = self.oracle.create_trial(self.tuner_id)
            if trial.status == TrialStatus.STOPPED:
                return trial.message or "every trial has ended"
            if trial.status == TrialStatus.IDLE:
                # This process runs one trial at a time, so nothing can come to change its mind.
                msg = f"Expected {type(self.oracle).__name__} to propose a trial or to stop."
                raise errors.FatalRuntimeError(f"{msg} Received: IDLE while no trial is running.")
            self.run_assigned(trial, *fit_args, **fit_kwargs)
            if self.display is not None:
                self.display.advanced()

    def run_assigned(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Runs one trial from its first hook to its last, and keeps its result."""
        self.on_trial_begin(trial)
        self._try_run_and_update_trial(trial, *fit_args, **fit_kwargs)
        self._save_result(trial)
        self.on_trial_end(trial)

    def _try_run_and_update_trial(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> None:
        trial.record = {"started": time.time(), "host": socket.gethostname(), "pid": os.getpid()}
        trial.record.update(_slot())
        try:
            self._run_and_update_trial(trial, *fit_args, **fit_kwargs)
            trial.status = TrialStatus.COMPLETED
        except (errors.FatalError, StoreDeniedError, StoreFullError, TransientStoreError):
            raise  # not this trial's fault: the search stops, and the trial runs again
        except Exception as error:  # noqa: BLE001 - whatever the user's model raises ends one trial
            failed = isinstance(error, errors.FailedTrialError)
            trial.status = TrialStatus.FAILED if failed else TrialStatus.INVALID
            trial.message = traceback.format_exc()
            sys.stderr.write(trial.message)
        trial.record["ended"] = time.time()

    def _run_and_update_trial(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> None:
        objective = self.oracle.objective
        results = self.run_trial(trial, *fit_args, **fit_kwargs)
        if results is None and trial.metrics.exists(objective.name):
            return  # the trial reported by `oracle.update_trial`
        metrics = metrics_of(results, objective)
        executions = results if isinstance(results, list) else [results]
        described = [describe_execution(result, objective) for result in executions]
        trial.record["executions"] = described
        trial.record["scores"] = [execution["metrics"][objective.name] for execution in described]
        step = best_step_of(results, objective)
        self.oracle.update_trial(trial.trial_id, metrics, step=step)

    def _save_result(self, trial: Trial) -> None:
        """Leaves the outcome where a resumed search finds it; an earlier outcome wins."""
        name = self.oracle.objective.name
        if trial.status == TrialStatus.COMPLETED and trial.metrics.exists(name):
            value = trial.metrics.get_best_value(name)
            if value is None or not math.isfinite(value):
                trial.status = TrialStatus.INVALID
                trial.message = f"The objective is not finite: {name}={value}."
        if not trial.ended:
            return
        if not self.project.save_result(trial.trial_id, trial.get_state()):
            earlier = self.project.read_result(trial.trial_id)
            if earlier is not None:
                trial.set_outcome(earlier)

    # What a subclass overrides.

    def run_trial(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> Any:
        """Evaluates one configuration.

        Args:
            trial: Holds the configuration in `trial.hyperparameters`.
            *fit_args: What was passed to `search`.
            **fit_kwargs: Likewise.

        Returns:
            A number, a dict of metrics, a Keras History, or a list of these, one an execution.
        """
        raise NotImplementedError

    def save_model(self, trial_id: str, model: Any, step: int = 0) -> None:
        """Saves a model of a trial. Raises NotImplementedError unless overridden."""
        raise NotImplementedError

    def load_model(self, trial: Trial) -> Any:
        """Loads the model of a trial. Raises NotImplementedError unless overridden."""
        raise NotImplementedError

    def pre_create_trial(self) -> None:
        """Called before the oracle is asked for a trial."""

    def on_trial_begin(self, trial: Trial) -> None:
        """Called in the process that runs the trial, before it."""
        if self.display is not None:
            self.display.trial_began(trial)

    def on_trial_end(self, trial: Trial) -> None:
        """Called in the process that runs the trial, after it; tells the oracle."""
        self.oracle.end_trial(trial)
        if self.display is not None:
            self.display.trial_ended(trial)

    def on_search_begin(self) -> None:
        """Called before the first trial."""

    def on_search_end(self) -> None:
        """Called after the last trial."""

    # Results.

    def get_best_models(self, num_models: int = 1) -> list[Any]:
        """The models of the best trials, best first; fewer if fewer trials have completed."""
        return [self.load_model(trial) for trial in self.oracle.get_best_trials(num_models)]

    def get_best_hyperparameters(self, num_trials: int = 1) -> list[HyperParameters]:
        """The hyperparameters of the best trials, best first."""
        return [trial.hyperparameters for trial in self.oracle.get_best_trials(num_trials)]

    def search_space_summary(self, extended: bool = False) -> None:
        """Prints the search space; with `extended` the values of each parameter too."""
        print(summary.search_space(self.oracle.get_space(), extended))  # noqa: T201

    def results_summary(self, num_trials: int = 10) -> None:
        """Prints the best trials with their hyperparameters and scores."""
        best = self.oracle.get_best_trials(num_trials)
        print(summary.results(self.project.url, self.oracle.objective, best, num_trials))  # noqa: T201

    @property
    def remaining_trials(self) -> int | None:
        """Number of trials that may still be created; None when there is no limit."""
        remaining: int | None = self.oracle.remaining_trials()
        return remaining

    @property
    def project_dir(self) -> str:
        """Path or URL of the project."""
        return self.project.url

    def get_trial_dir(self, trial_id: str) -> str:
        """Path or URL of a trial's folder."""
        return f"{self.project.url}/{self.project.paths.trial(trial_id).folder}"

    # The search space.

    def discover_space(self) -> HyperParameters:
        """Builds the model as often as it takes to meet every hyperparameter, and returns them.

        For a training child: the process that searches never builds a model.
        """
        self._populate_initial_space()
        space: HyperParameters = self.oracle.get_space()
        return space

    def _populate_initial_space(self) -> None:
        if self.hypermodel is None:
            return
        hp = self.oracle.get_space()
        self.hypermodel.declare_hyperparameters(hp)
        self.oracle.update_space(hp)
        self._activate_all_conditions()

    def _activate_all_conditions(self) -> None:
        """Builds until each conditional scope has been active once.

        A scope that was met and not entered gets its parent's value in the next build. A scope
        that no value of its parent opens is given up.
        """
        if self.hypermodel is None:
            return
        hp = self.oracle.get_space()
        tried: set[tuple[object, ...]] = set()
        while True:
            self.hypermodel.build(hp)
            self.oracle.update_space(hp)
            waiting = [scope for scope in hp.inactive_scopes if tuple(scope) not in tried]
            if not waiting:
                return
            scope = waiting[0]
            tried.add(tuple(scope))
            hp = self.oracle.get_space()
            hp.values.update({c.name: c.values[0] for c in scope if isinstance(c, Parent)})
            hp.ensure_active_values()

    @staticmethod
    def _run_trial_without_override() -> Any:
        return BaseTuner.run_trial


def _slot() -> dict[str, str]:
    slot = os.environ.get("TRIALFLOW_SLOT")
    return {} if slot is None else {"slot": slot}
