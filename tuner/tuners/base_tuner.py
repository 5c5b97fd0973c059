"""BaseTuner: runs trials of any kind, and keeps their results."""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Mapping, Sequence
from typing import Any, Self

from storage import StoreDeniedError, StoreFullError, TransientStoreError
from tuner import errors
from tuner.core import runtime
from tuner.core.declaration import Declaration
from tuner.core.hypermodel import get_hypermodel
from tuner.core.hyperparameters import HyperParameters
from tuner.core.runtime import Role
from tuner.core.stateful import Stateful
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.project import Project
from tuner.journal.retention import checked_number_kept
from tuner.oracles.oracle import Oracle
from tuner.oracles.stop_policy import create_stop_policy
from tuner.oracles.writers import release_idle
from tuner.results.mixin import TunerResults
from tuner.search.display import LogDisplay, display_for
from tuner.search.loop import InProcess, run_search
from tuner.search.options import (
    SearchOptions,
    SpaceProbe,
    activate_all_conditions,
    declare,
    space_of,
    takes,
    with_values,
)
from tuner.search.progress import Display
from tuner.training import record as trial_record
from tuner.training.record import best_step_of, metrics_of
from tuner.tuners.code_digest import digest_of


class BaseTuner(TunerResults, Stateful):
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
        stop_policy: `"median"`, or a function (see `tuner.oracles.stop_policy.StopPolicy`), to stop
            trials that will not be among the best; None lets each one end.
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
            msg = "Expected `oracle` argument to be an instance of `Oracle`."
            raise ValueError(f"{msg} Received: oracle={oracle!r}.")  # noqa: TRY004 - as Keras Tuner
        if hypermodel is None and type(self).run_trial is self._run_trial_without_override():
            msg = "Expected `hypermodel`, or a subclass that overrides `run_trial`."
            raise ValueError(f"{msg} Received `hypermodel=None`, and no such subclass.")
        self.oracle: Any = oracle  # a proxy of it where trials are run
        oracle.judge_by(stop_policy)
        self.hypermodel = None if hypermodel is None else get_hypermodel(hypermodel)
        self.directory = directory or "."
        self.project_name = project_name or "untitled_project"
        self.search_project = Project(self.directory, self.project_name, **storage_options)
        self.display: Display | None = None
        self._role = runtime.current().role
        self._saved_state: dict[str, Any] = {}
        self._own_space: HyperParameters | None = None
        if overwrite and self._role is not Role.TRIAL:
            release_idle(self.search_project)
            self.search_project.erase()
        if self._role is not Role.TRIAL:
            oracle.checkpoints_kept = kept
            oracle.attach(self.search_project)
            self._restore_state()
        history = oracle.search_history
        unknown = not oracle.trials and not history.space.space
        if self._role is Role.SCRIPT and (unknown or history.started is None):
            self._populate_initial_space()
            self._own_space = oracle.session.declared.initial.copy()

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
            retry_failed: Whether all trials that have failed are tried again. Those that failed
                before the code of the study changed are in any case.
            data_version: Names the data, such as a date; trials that trained on data of another
                version are stale.
            stale: What becomes of stale trials: `"keep"` (they count all the same), `"retry"` (they
                train once more) or `"ignore"` (they do not count); None for what was said before.
            target: Score that is good enough: the search ends once a trial has it.
            patience: The search ends when so many trials in a row ended without a better score.
            max_total_epochs: Epochs that all trials may train together.
            max_device_hours: Hours that trials may train, summed over slots.
            until: `"settled"`: the search ends once a model expects hardly any improvement.

        Raises:
            LeaseHeldError: Another process is searching on this project.
            RuntimeError: Too many trials in a row have failed.
        """
        self._know_code()
        launch = runtime.current().launcher
        if launch is not None:
            launch(self, fit_args, fit_kwargs)
        else:
            self._search_here(fit_args, fit_kwargs)

    def _search_here(self, fit_args: Sequence[Any], fit_kwargs: dict[str, Any]) -> None:
        """Searches in this process, also where a launcher would run it elsewhere."""
        options = self._take_options(fit_kwargs)
        self.oracle.update_space(space_of(fit_args, fit_kwargs))
        bars = options.search_verbose is not None and bool(fit_kwargs.get("verbose"))

        def run(trial: Trial) -> None:
            self.run_assigned(trial, *fit_args, **fit_kwargs)

        here = InProcess(self.tuner_id, run, lambda: self.declaration(*fit_args, **fit_kwargs))
        run_search(self, here, lambda oracle: display_for(oracle, bars=bars))

    def _know_code(self) -> None:
        """Has the oracle know the study's code, by which it sees whether that has changed."""
        if self.oracle.study is None:
            parts = (self, self.oracle, self.hypermodel)
            self.oracle.study = digest_of(part for part in parts if part is not None)

    def _take_options(self, fit_kwargs: dict[str, Any]) -> SearchOptions:
        """Takes what is not for `run_trial` out of the arguments of `search`."""
        takers = [self.run_trial, getattr(self.hypermodel, "fit", None)]
        options = SearchOptions.taken_from(fit_kwargs, takers)
        verbose = options.search_verbose
        if verbose is None:
            verbose = fit_kwargs.get("verbose", self.oracle.verbose)
        if not takes(self.run_trial, "verbose"):
            fit_kwargs.pop("verbose", None)
        self.oracle.verbose = verbose
        options.apply(self.oracle)
        return options

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
            spent = trial_record.lack_of_process(error)
            if spent is not None and not runtime.current().is_fresh:
                raise errors.TriesAnotherProcessError(spent) from error
            trial_record.fail(trial, error)
            # The trial's own code may have closed it.
            with contextlib.suppress(OSError, ValueError, AttributeError):
                sys.stderr.write(trial.message or "")
        trial.record |= trial_record.ended()
        trial_record.check_json(trial)

    def _run_and_update_trial(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> None:
        objective = self.oracle.objective
        args, kwargs = with_values(trial.hyperparameters, fit_args, fit_kwargs)
        results = self.run_trial(trial, *args, **kwargs)
        if results is None and trial.metrics.exists(objective.name):
            msg = (
                "Reporting the metrics by `self.oracle.update_trial(trial_id, metrics)` alone, and "
                "returning nothing, is deprecated. Please remove the call and return them from "
                "`run_trial`."
            )
            warnings.warn(msg, DeprecationWarning, stacklevel=2)
            return
        try:
            metrics = metrics_of(results, objective)
        except errors.FatalError as error:
            raise type(error)(f"Trial {trial.trial_id} gave no result. {error}") from error
        trial.record |= trial_record.of_results(results, objective)
        step = best_step_of(results, objective, otherwise=trial.metrics.last_step)
        # What the trial reported on its way is no other execution, to be averaged with the result.
        trial.metrics.forget(metrics, step)
        self.oracle.update_trial(trial.trial_id, metrics, step=step)

    def _save_result(self, trial: Trial) -> None:
        """Leaves the outcome where a resumed search finds it; an earlier outcome wins."""
        name = self.oracle.objective.name
        if trial.status == TrialStatus.COMPLETED and trial.metrics.exists(name):
            trial.check_score(name, trial.metrics.get_best_value(name))
        if not trial.ended:
            return
        trial.kept = True
        elsewhere = self._role is Role.TRIAL
        if not trial_record.keep_result(trial, self.search_project, elsewhere=elsewhere):
            earlier = self.search_project.read_result(trial.trial_id)
            if earlier is not None:
                trial.set_outcome(earlier)

    # What a subclass may override.

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

    def pre_create_trial(self) -> None:
        """Called before the oracle is asked for a trial."""

    def on_search_begin(self) -> None:
        """Called before the first trial."""

    def on_search_end(self) -> None:
        """Called after the last trial."""

    def get_state(self) -> dict[str, Any]:
        """What the tuner knows beyond its oracle, as JSON; kept with the project."""
        return {}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Takes over what `get_state` gave, when the project is opened again."""

    def on_trial_begin(self, trial: Trial) -> None:
        """Called in the process that runs the trial, before it."""
        if self.display is not None:
            self.display.trial_began(trial)

    def on_trial_end(self, trial: Trial) -> None:
        """Called in the process that runs the trial, after it; tells the oracle."""
        self.oracle.end_trial(trial)
        saves = getattr(type(self.oracle), "save", Oracle.save)  # a training process has a proxy
        if type(self).save is not BaseTuner.save or saves is not Oracle.save:
            self.save()
        else:
            self._save_own_state()  # the oracle's is saved when the next trial is created
        if self.display is None and self._role is Role.SCRIPT and self.oracle.verbose:
            self.display = LogDisplay(self.oracle)  # a loop of the program's own
        if self.display is not None:
            self.display.trial_ended(trial)

    @property
    def _display(self) -> Any:
        """What Keras Tuner shows a search by; `verbose` is how much."""
        return self.oracle._display  # noqa: SLF001 - Keras Tuner's name

    def __deepcopy__(self, memo: dict[int, Any]) -> Self:
        """Itself: what is copied is a callback that holds it, not the search."""
        return self

    # A subclass's own state.

    def save(self) -> None:  # type: ignore[override]  # Keras Tuner's takes no file
        """Keeps what `get_state` of a subclass gives; all else is kept when it happens."""
        self.oracle.save()
        self._save_own_state()

    def _save_own_state(self) -> None:
        state = self.get_state()
        if self._role is not Role.TRIAL and state != self._saved_state:
            self.search_project.save_state(self._get_tuner_fname(), state)
            self._saved_state = state

    def reload(self) -> None:  # type: ignore[override]  # Keras Tuner's takes no file
        """Takes in what has been added to the project meanwhile."""
        self.oracle.reload()
        self._restore_state()

    def _restore_state(self) -> None:
        if type(self).get_state is BaseTuner.get_state:
            return
        state = self.search_project.saved_state(self._get_tuner_fname())
        if state is None:
            return
        self._saved_state = state
        self.set_state(state)

    def _get_tuner_fname(self) -> str:
        return self.search_project.paths.tuner_state(self.tuner_id)

    def _is_worker(self) -> bool:
        """True in a training process, which never writes the journal."""
        return self._role is Role.TRIAL

    # The search space.

    def declaration(self, *fit_args: Any, **fit_kwargs: Any) -> Declaration:
        """What the study declares as it is now, whatever its project knows.

        Builds the model as often as it takes to meet every hyperparameter, so a flow has a
        training process do it: the process that searches never builds a model.

        Args:
            *fit_args: As for `search`.
            **fit_kwargs: Likewise; there may be hyperparameters among them.
        """
        probe = SpaceProbe(self.oracle)
        if self._own_space is None:
            self._own_space = self._discovered(probe)
        probe.space = self._own_space.copy()
        probe.update_space(space_of(fit_args, fit_kwargs))
        training = self._training(fit_kwargs)
        return Declaration(probe.space, training, self.oracle.data_version)

    def _training(self, fit_kwargs: Mapping[str, Any]) -> dict[str, Any]:
        """How long each trial trains, as far as the arguments of `search` say it."""
        epochs = fit_kwargs.get("epochs")
        return {"epochs": epochs} if isinstance(epochs, int) else {}

    def _discovered(self, probe: SpaceProbe) -> HyperParameters:
        oracle, self.oracle = self.oracle, probe
        try:
            self._populate_initial_space()
        finally:
            self.oracle = oracle
        return probe.space

    def _populate_initial_space(self) -> None:
        if self.hypermodel is None:
            return
        declare(self.hypermodel, self.oracle)
        self._activate_all_conditions()

    def _activate_all_conditions(self) -> None:
        if self.hypermodel is not None:
            activate_all_conditions(self._build_to_declare, self.oracle)

    def _build_to_declare(self, hp: HyperParameters) -> None:
        """Builds a model for the hyperparameters that are met on the way."""
        self.hypermodel.build(hp)  # type: ignore[union-attr]  # called where there is one

    @staticmethod
    def _run_trial_without_override() -> Any:
        return BaseTuner.run_trial
