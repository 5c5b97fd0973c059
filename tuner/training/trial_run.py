"""Runs the executions of a trial that are missing, each from where an earlier process was."""

from __future__ import annotations

import contextlib
import inspect
import logging
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from storage import StoreDeniedError, StoreFullError, TransientStoreError
from tuner import errors
from tuner.metrics import MetricsTracker
from tuner.seeds import seed_execution
from tuner.training import checkpoint
from tuner.training.execution_results import ExecutionResult, ExecutionResults
from tuner.training.out_of_memory import is_out_of_memory
from tuner.training.shuffling import shuffled_by
from tuner.training.state_place import Snapshot, StateDamagedError, StatePlace
from tuner.training.training_state import StartOverError, TrainingState
from tuner.trial import Trial

if TYPE_CHECKING:
    from tuner.tuner import Tuner

logger = logging.getLogger(__name__)

NOT_ITS_FAULT = (errors.FatalError, StoreDeniedError, StoreFullError, TransientStoreError)
"""Errors that end the search; the trial goes on when it is started again."""


class TrialRun:
    """One attempt at a trial.

    Args:
        tuner: Its methods make the callbacks and the arguments, and fit the model.
        trial: The trial; its record is filled in.
        folder: A local one, that is empty and deleted afterwards.
    """

    def __init__(self, tuner: Tuner, trial: Trial, folder: Path) -> None:
        self._tuner = tuner
        self._trial = trial
        self._folder = folder
        self._project = tuner.search_project
        self._paths = self._project.paths.trial(trial.trial_id)
        self._kept = ExecutionResults(self._project, trial.trial_id, trial.retries)
        self._best_value: float | None = None
        # Asked once: a trial that nobody has begun costs no more requests.
        found = self._project.store.list(self._paths.folder) if tuner.resume else []
        self._begun = set(found)

    def run(self, callbacks: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """Runs all executions; answers the result of each.

        Args:
            callbacks: As the user gave them to `search`.
            args: Arguments of `fit`.
            kwargs: Likewise.
        """
        results = []
        for execution in range(self._tuner._number_of_executions()):  # noqa: SLF001 - the tuner's own
            kept = self._kept.read(execution) if self._was_begun(execution) else None
            if kept is None:
                kept = self._run_execution(execution, callbacks, args, kwargs)
            else:
                _replay(self._tuner, self._trial, kept.reports)
            self._best_value = kept.best_value
            self._trial.record.update(kept.record)
            results.append(kept.result)
            if "stopped" in self._trial.record:
                break  # what is hopeless is not trained again
        return results

    def _run_execution(
        self, execution: int, callbacks: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> ExecutionResult:
        state = self._state_of(execution)
        try:
            while True:
                try:
                    result = self._fit(execution, state, callbacks, args, dict(kwargs))
                    break
                except StartOverError as error:
                    where = f"Execution {execution} of trial {self._trial.trial_id}"
                    logger.warning("%s starts over: %s.", where, error)
                    state.start_over()
                    if error.changed:
                        kwargs = self._without_parent(kwargs)
                    else:
                        self._inherit(state, execution)
            kept = self._keep(execution, state, result)
        except NOT_ITS_FAULT:
            raise
        except Exception as error:
            if self._tuner.has_fresh_process or not is_out_of_memory(error):
                state.finish()  # what led to it is nothing to go on with
            raise
        finally:
            state.close()
        state.finish()
        return kept

    def _fit(
        self,
        execution: int,
        state: TrainingState,
        callbacks: Any,
        args: Sequence[Any],
        kwargs: dict[str, Any],
    ) -> Any:
        from tuner.callbacks import SaveBestEpoch

        tuner, trial = self._tuner, self._trial
        own = tuner._callbacks_of(callbacks, trial, execution)  # noqa: SLF001
        args, kwargs = tuner._arguments_of(execution, args, kwargs)  # noqa: SLF001
        if state.found and not state.inherited:
            if not _takes_initial_epoch(tuner.hypermodel.fit):  # type: ignore[union-attr]
                raise StartOverError("`HyperModel.fit` takes no `initial_epoch`")
            kwargs["initial_epoch"] = state.epoch
        best = SaveBestEpoch(tuner.oracle.objective, str(state.best_file))
        best.best_value = self._best_value
        watching = [tuner._tuner_callback(trial), best]  # noqa: SLF001
        kwargs["callbacks"] = [state.callback(), *own, *watching]
        if trial.seed is not None:
            seed_execution(trial.seed, execution, trial.retries)
        # A distributed data set is taken apart in ways that ours may not survive.
        order = state.order if tuner.distribution_strategy is None else None
        tuner._goes_on_exactly = state.found  # noqa: SLF001
        try:
            with shuffled_by(order):
                result = tuner._build_and_fit_model(trial, *args, **kwargs)  # noqa: SLF001
        finally:
            tuner._goes_on_exactly = False  # noqa: SLF001
        if state.found:
            reason = "`HyperModel.fit` did not pass on its `callbacks`"
            raise StartOverError(reason, changed=state.inherited)
        self._best_value = best.best_value
        return result

    def _state_of(self, execution: int) -> TrainingState:
        tuner, trial = self._tuner, self._trial
        folder = self._folder / str(execution)
        folder.mkdir()
        state = TrainingState(
            self._project,
            self._place(execution),
            folder,
            every=tuner.checkpoint_every if tuner.resume else None,
            resume=self._was_begun(execution),
            seed=trial.seed_of(execution),
        )
        state.keep_end = tuner._may_be_promoted(trial)  # noqa: SLF001
        state.is_last_chance = lambda: bool(tuner.oracle.interrupted)
        state.reports = lambda: trial.metrics.get_config()  # noqa: PLW0108 - replaced on the way
        state.set_reports = lambda reports: _replay(tuner, trial, reports)
        if not state.found:
            self._inherit(state, execution)
        return state

    def _inherit(self, state: TrainingState, execution: int) -> None:
        """Has a promoted trial go on from the end of the same execution of its parent."""
        parent = self._trial.hyperparameters.values.get("tuner/trial_id")
        ends = [] if parent is None else self._project.read_record(parent).get("ends", [])
        if execution >= len(ends) or ends[execution] is None:
            return  # it goes on from the weights of the parent's best epoch
        try:
            state.inherit(self._place(execution).load_end(ends[execution]))
        except StateDamagedError as error:
            logger.warning(
                "Trial %s goes on from the best epoch of trial %s, not from its last: %s.",
                self._trial.trial_id,
                parent,
                error,
            )

    def _without_parent(self, kwargs: Mapping[str, Any]) -> Mapping[str, Any]:
        """The arguments of `fit` for a trial that begins at its first epoch."""
        values = self._trial.hyperparameters.values
        if self._trial.budget is None or values.pop("tuner/trial_id", None) is None:
            return kwargs
        return {**kwargs, "initial_epoch": 0}

    def _keep(self, execution: int, state: TrainingState, result: Any) -> ExecutionResult:
        """Keeps what the execution gave: weights and states first, what names them then."""
        record = self._trial.record
        before = record.get("checkpoint")
        if state.best_file.exists():
            record["checkpoint"] = checkpoint.keep(
                self._project, self._trial.trial_id, state.best_file
            )
        if state.keep_end:
            ends = [*record.get("ends", [])]
            end = state.end and self._place(execution).save_end(Snapshot.of(state.end))
            record["ends"] = [*ends, end]
        names = ("checkpoint", "ends", "build_config", "model_config", "model_size", "stopped")
        given = {name: record[name] for name in names if name in record}
        reports = self._trial.metrics.get_config()
        own = ExecutionResult(result, self._best_value, given, reports)
        kept = self._kept.keep(execution, own) if self._tuner.resume else own
        self._delete_superseded([before, given.get("checkpoint")], kept)
        return kept

    def _delete_superseded(self, checkpoints: Sequence[Any], kept: ExecutionResult) -> None:
        """Deletes weights when a later execution, or the same one elsewhere, has named better."""
        named = kept.record.get("checkpoint")
        old = {c["key"] for c in checkpoints if c and c != named}
        with contextlib.suppress(TransientStoreError):
            self._project.store.delete(old)

    def _place(self, execution: int) -> StatePlace:
        return StatePlace(self._project, self._paths.execution(execution, self._trial.retries))

    def _was_begun(self, execution: int) -> bool:
        folder = self._paths.execution(execution, self._trial.retries).folder
        return folder.rpartition("/")[2] in self._begun


def _takes_initial_epoch(fit: Callable[..., Any]) -> bool:
    parameters = inspect.signature(fit).parameters
    any_name = (p.kind is p.VAR_KEYWORD for p in parameters.values())
    return "initial_epoch" in parameters or any(any_name)


def _replay(tuner: Tuner, trial: Trial, reports: Mapping[str, Any] | None) -> None:
    """Reports again what an earlier process had reported, as far as it is not known."""
    if not reports:
        return
    told = MetricsTracker.from_config(reports)
    missing: dict[tuple[int, int], dict[str, float]] = defaultdict(dict)
    for name, metric in told.metrics.items():
        for observation in metric.get_history():
            for number, value in enumerate(observation.value):
                missing[observation.step, number][name] = value
    for (step, number), metrics in sorted(missing.items(), key=lambda item: item[0]):
        new = {n: v for n, v in metrics.items() if number >= _count(trial, n, step)}
        if new:
            tuner.oracle.update_trial(trial.trial_id, new, step=step)


def _count(trial: Trial, name: str, step: int) -> int:
    """How many values of a metric the trial has at a step."""
    if not trial.metrics.exists(name):
        return 0
    return sum(len(o.value) for o in trial.metrics.get_history(name) if o.step == step)
