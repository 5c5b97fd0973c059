"""The search loop in one process, and the hooks around it."""

from __future__ import annotations

import json
import math
import sys
import warnings
from typing import Any

from storage import KeyMissingError, StoreDeniedError, StoreFullError, TransientStoreError
from tuner import errors
from tuner.garbage import quick_collections
from tuner.hooks import TunerHooks
from tuner.hypermodel import get_hypermodel
from tuner.hyperparameters import HyperParameters
from tuner.oracle import Oracle
from tuner.results.tuner_results import TunerResults
from tuner.search import discovery
from tuner.search.display import Display, display_for
from tuner.search.launching import current_launcher
from tuner.search.patience import Patience
from tuner.search.progress import opening_line
from tuner.search.role import Role, current_role
from tuner.search.search_options import SearchOptions, space_of, with_values
from tuner.search.stop_policy import create_stop_policy
from tuner.state.project import Project
from tuner.state.retention import checked_number_kept
from tuner.training import trial_record
from tuner.training.out_of_memory import is_out_of_memory
from tuner.training.returned_metrics import best_step_of, metrics_of
from tuner.trial import Trial, TrialStatus


class BaseTuner(TunerResults):
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
        logger: Deprecated and ignored.
        storage_options: Passed to fsspec for `directory`, credentials for example; never stored.
            Without them the environment says what a store needs.
        keep_checkpoints: Whose weights are kept: `"all"`, `"best"` or a number for those of as
            many of the best trials. What another trial may still go on from is always kept.
        stop_policy: `"median"`, or a function (see `tuner.search.stop_policy.StopPolicy`), to stop
            trials that will not be among the best; None lets each one end.
    """

    has_fresh_process = True
    """Whether no earlier trial can be blamed for a lack of memory, or there is no other process."""

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
        stop_policy = create_stop_policy(kwargs.pop("stop_policy", None))
        self.logger = kwargs.pop("logger", None)
        if self.logger is not None:
            msg = "The `logger` argument is ignored, as in Keras Tuner."
            warnings.warn(msg, DeprecationWarning, stacklevel=2)
        storage_options = kwargs.pop("storage_options", None) or {}
        kept = checked_number_kept(kwargs.pop("keep_checkpoints", "all"))
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
        oracle.judge_by(stop_policy)
        self.hypermodel = None if hypermodel is None else get_hypermodel(hypermodel)
        self.directory = directory or "."
        self.project_name = project_name or "untitled_project"
        self.search_project = Project(self.directory, self.project_name, **storage_options)
        self.display: Display | None = None
        self._role = current_role()
        self._saved_state: dict[str, Any] = {}
        if overwrite and self._role is not Role.TRIAL:
            self.search_project.erase()
        if self._role is not Role.TRIAL:
            oracle.checkpoints_kept = kept
            oracle.attach(self.search_project)
            self._restore_state()
        if (
            self._role is Role.SCRIPT
            and not oracle.trials
            and not oracle.search_history.space.space
        ):
            self._populate_initial_space()

    # The search.

    def search(self, *fit_args: Any, **fit_kwargs: Any) -> None:
        """Searches until the oracle is done.

        A search that was stopped goes on: completed trials are kept, and those that were running
        run again.

        Args:
            *fit_args: Passed to `run_trial`, which passes them to `HyperModel.fit`. A
                hyperparameter among them (`batch_size=Choice("batch_size", [32, 64])`) is
                searched, and its value passed on.
            **fit_kwargs: Likewise, but for the following. `verbose=0` is silent, 1 (or nothing)
                shows the search and how far its trials are, 2 gives each epoch a line.
            timeout: Seconds after which no more trials begin.
            search_verbose: What the search itself shows, 0, 1 or 2; `verbose` is then that of
                `fit` alone.
            target: Score that is good enough: the search ends once a trial has it.
            patience: The search ends when so many trials in a row ended without a better score.
            max_total_epochs: Epochs that all trials may train together.
            max_device_hours: Hours that trials may train, summed over slots.

        Raises:
            LeaseHeldError: Another process is searching on this project.
            RuntimeError: Too many trials in a row have failed.
        """
        launch = current_launcher()
        if launch is not None:
            launch(self, fit_args, fit_kwargs)
            return
        options = self._take_options(fit_kwargs)
        self.oracle.update_space(space_of(fit_args, fit_kwargs))
        self.oracle.start()
        reason = None
        try:
            bars = options.search_verbose is not None and bool(fit_kwargs.get("verbose"))
            with quick_collections(), display_for(self.oracle, bars=bars) as self.display:
                self.oracle.deadline = options.deadline()
                self.display.note(opening_line(self.oracle, self.search_project.url))
                self.on_search_begin()
                reason = self._run_trials(*fit_args, **fit_kwargs)
                self.display.note(f"The search has ended: {reason}")
                self.on_search_end()
                self.export_if_any_ended(self.display.ended_before)
        finally:
            self.oracle.stop(reason)
            self.save()

    def _take_options(self, fit_kwargs: dict[str, Any]) -> SearchOptions:
        """Takes what is not for `run_trial` out of the arguments of `search`."""
        takers = [self.run_trial, getattr(self.hypermodel, "fit", None)]
        options = SearchOptions.taken_from(fit_kwargs, takers)
        verbose = options.search_verbose
        if verbose is None:
            verbose = fit_kwargs.get("verbose", self.oracle.verbose)
        self.oracle.verbose = verbose
        options.apply(self.oracle)
        return options

    def _run_trials(self, *fit_args: Any, **fit_kwargs: Any) -> str:
        """Runs one trial after another, and says why there are no more."""
        patience = Patience(self.oracle)
        while True:
            self.pre_create_trial()
            trial = self.oracle.create_trial(self.tuner_id)
            if trial.status == TrialStatus.STOPPED:
                return trial.message or "every trial has ended"
            if trial.status == TrialStatus.IDLE:
                patience.wait()
                continue
            patience.renew()
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
        trial.record = trial_record.begun()
        try:
            self._run_and_update_trial(trial, *fit_args, **fit_kwargs)
            trial.status = TrialStatus.COMPLETED
        except (errors.FatalError, StoreDeniedError, StoreFullError, TransientStoreError):
            raise  # not this trial's fault: the search stops, and the trial runs again
        except Exception as error:  # whatever the user's model raises ends one trial
            if is_out_of_memory(error) and not self.has_fresh_process:
                raise errors.TriesAnotherProcessError from error
            trial_record.fail(trial, error)
            sys.stderr.write(trial.message or "")
        trial.record |= trial_record.ended()

    def _run_and_update_trial(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> None:
        objective = self.oracle.objective
        args, kwargs = with_values(trial.hyperparameters, fit_args, fit_kwargs)
        results = self.run_trial(trial, *args, **kwargs)
        if results is None and trial.metrics.exists(objective.name):
            return  # the trial reported by `oracle.update_trial`
        metrics = metrics_of(results, objective)
        trial.record |= trial_record.of_results(results, objective)
        step = best_step_of(results, objective, otherwise=trial.metrics.last_step)
        # What the trial reported on its way is no other execution, to be averaged with the result.
        trial.metrics.forget(metrics, step)
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
        if not self.search_project.save_result(trial.trial_id, trial.get_state()):
            earlier = self.search_project.read_result(trial.trial_id)
            if earlier is not None:
                trial.set_outcome(earlier)

    # Hooks that do something; the others are in `TunerHooks`.

    def on_trial_begin(self, trial: Trial) -> None:
        """Called in the process that runs the trial, before it."""
        if self.display is not None:
            self.display.trial_began(trial)

    def on_trial_end(self, trial: Trial) -> None:
        """Called in the process that runs the trial, after it; tells the oracle."""
        self.oracle.end_trial(trial)
        self.save()
        if self.display is not None:
            self.display.trial_ended(trial)

    # A subclass's own state.

    def save(self) -> None:  # type: ignore[override]  # Keras Tuner's takes no file
        """Keeps what `get_state` of a subclass gives; all else is kept when it happens."""
        self.oracle.save()
        state = self.get_state()
        if self._role is not Role.TRIAL and state != self._saved_state:
            self.search_project.store.replace(self._get_tuner_fname(), json.dumps(state).encode())
            self._saved_state = state

    def reload(self) -> None:  # type: ignore[override]  # Keras Tuner's takes no file
        """Takes in what has been added to the project meanwhile."""
        self.oracle.reload()
        self._restore_state()

    def _restore_state(self) -> None:
        if type(self).get_state is TunerHooks.get_state:
            return
        try:
            state = json.loads(self.search_project.store.read(self._get_tuner_fname()))
        except KeyMissingError:
            return
        self._saved_state = state
        self.set_state(state)

    def _get_tuner_fname(self) -> str:
        return self.search_project.paths.tuner_state(self.tuner_id)

    def _is_worker(self) -> bool:
        """Whether somebody else keeps the books."""
        return self._role is Role.TRIAL

    # The search space.

    def discover_space(self, **fit_kwargs: Any) -> HyperParameters:
        """Builds the model as often as it takes to meet every hyperparameter, and returns them.

        Args:
            **fit_kwargs: As for `search`; there may be hyperparameters among them.

        For a training child: the process that searches never builds a model.
        """
        self._populate_initial_space()
        self.oracle.update_space(space_of((), fit_kwargs))
        space: HyperParameters = self.oracle.get_space()
        return space

    def _populate_initial_space(self) -> None:
        if self.hypermodel is None:
            return
        discovery.declare(self.hypermodel, self.oracle)
        self._activate_all_conditions()

    def _activate_all_conditions(self) -> None:
        if self.hypermodel is not None:
            discovery.activate_all_conditions(self.hypermodel, self.oracle)

    @staticmethod
    def _run_trial_without_override() -> Any:
        return TunerHooks.run_trial
