"""Runs the executions of a trial that are missing, each from where an earlier process was."""

from __future__ import annotations

import contextlib
import logging
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from storage import StoreDeniedError, StoreFullError, TransientStoreError
from storage.scratch import ScratchLostError
from tuner import errors
from tuner.core import runtime
from tuner.core.metrics import MetricsTracker
from tuner.core.outcome import TrialRecord
from tuner.core.seeds import seed_execution
from tuner.core.trial import Trial
from tuner.training import checkpoint
from tuner.training.execution_results import ExecutionResult, ExecutionResults
from tuner.training.plan import TrainingPlan
from tuner.training.record import is_out_of_memory
from tuner.training.shuffling import shuffled_by
from tuner.training.state_store import Snapshot, StateDamagedError, StatePlace
from tuner.training.training_state import Reports, StartOverError, TrainingState

logger = logging.getLogger(__name__)

NOT_ITS_FAULT = (errors.FatalError, StoreDeniedError, StoreFullError, TransientStoreError)
"""Errors that end the search; the trial goes on when it is started again."""

MOST_CLEANINGS = 5
"""How often an execution goes on after its local files were deleted."""


GIVEN = ("checkpoint", "ends", "build_config", "model_config", "model_size", "stopped")
"""What of a trial's record its executions give."""


class TrialRun:
    """One attempt at a trial.

    Args:
        plan: Makes the callbacks and the arguments, and fits the model.
        trial: The trial; its record is filled in.
        folder: A local one, that is empty and deleted afterwards.
    """

    def __init__(self, plan: TrainingPlan, trial: Trial, folder: Path) -> None:
        self._plan = plan
        self._trial = trial
        self._folder = folder
        self._project = plan.project
        self._paths = self._project.paths.trial(trial.trial_id)
        self._kept = ExecutionResults(self._project, trial.trial_id, trial.retries)
        self._best_value: float | None = None
        # Asked once: a trial not begun before costs no more requests.
        found = self._project.store.list(self._paths.folder) if plan.resume else []
        self._begun = set(found)

    def run(self, callbacks: Any, args: Sequence[Any], kwargs: Mapping[str, Any]) -> list[Any]:
        """Runs all executions; answers the result of each.

        Args:
            callbacks: As the user gave them to `search`.
            args: Arguments of `fit`.
            kwargs: Likewise.
        """
        results = []
        for execution in range(self._plan.executions):
            kept = self._kept.read(execution) if self._was_begun(execution) else None
            if kept is None:
                kept = self._run_execution(execution, callbacks, args, kwargs)
            else:
                _replay(self._plan, self._trial, kept.reports)
            self._best_value = kept.best_value
            self._trial.record |= kept.record
            results.append(kept.result)
            if "stopped" in self._trial.record:
                break  # what is hopeless is not trained again
        return results

    def _run_execution(
        self, execution: int, callbacks: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> ExecutionResult:
        reported = self._trial.metrics.get_config()
        for _ in range(MOST_CLEANINGS):
            try:
                return self._go_on(execution, callbacks, args, kwargs)
            except ScratchLostError:
                what = f"Execution {execution} of trial {self._trial.trial_id}"
                logger.warning(
                    "%s goes on with its last saved epoch: %s was deleted.", what, self._folder
                )
            self._begun.add(self._name_of(execution))
            # The epochs that are run again report again.
            self._trial.metrics = MetricsTracker.from_config(reported)
        return self._go_on(execution, callbacks, args, kwargs)

    def _go_on(
        self, execution: int, callbacks: Any, args: Sequence[Any], kwargs: Mapping[str, Any]
    ) -> ExecutionResult:
        state = self._state_of(execution)
        try:
            result = self._fit_until_it_fits(execution, state, callbacks, args, kwargs)
            self._plan.check_result(self._trial, result)  # else it would be found again
            kept = self._keep(execution, state, result)
        except (*NOT_ITS_FAULT, ScratchLostError):
            raise
        except Exception as error:
            if not state.best_file.parent.exists():
                raise ScratchLostError(str(self._folder)) from error
            if runtime.current().is_fresh or not is_out_of_memory(error):
                state.finish()  # what led to it is nothing to go on with
            raise
        finally:
            state.close()
        state.finish()
        return kept

    def _fit_until_it_fits(
        self,
        execution: int,
        state: TrainingState,
        callbacks: Any,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
    ) -> Any:
        while True:
            try:
                return self._fit(execution, state, callbacks, args, dict(kwargs))
            except StartOverError as error:
                where = f"Execution {execution} of trial {self._trial.trial_id}"
                logger.warning("%s starts over: %s.", where, error)
                state.start_over()
                if error.changed:
                    kwargs = self._without_parent(kwargs)
                else:
                    self._inherit(state, execution)

    def _fit(
        self,
        execution: int,
        state: TrainingState,
        callbacks: Any,
        args: Sequence[Any],
        kwargs: dict[str, Any],
    ) -> Any:
        from tuner.training.callbacks import SaveBestEpoch

        plan, trial = self._plan, self._trial
        own = plan.callbacks(callbacks, trial, execution)
        args, kwargs = plan.arguments(execution, args, kwargs)
        if state.found and not state.inherited:
            if not plan.takes_initial_epoch:
                raise StartOverError("`HyperModel.fit` takes no `initial_epoch`")
            kwargs["initial_epoch"] = state.epoch
        best = SaveBestEpoch(plan.objective, str(state.best_file))
        best.best_value = self._best_value
        best.due = plan.objective_due(own, kwargs)
        kwargs["callbacks"] = [state.callback(), *own, plan.watch(trial), best]
        if trial.seed is not None:
            seed_execution(trial.seed, execution, trial.retries)
        with shuffled_by(state.order if plan.reorders else None):
            result = plan.fit(trial, args, kwargs, exact=state.found)
        if state.found:
            reason = "`HyperModel.fit` did not pass on its `callbacks`"
            raise StartOverError(reason, changed=state.inherited)
        best.check_not_lost()
        self._best_value = best.best_value
        return result

    def _state_of(self, execution: int) -> TrainingState:
        plan, trial = self._plan, self._trial
        folder = self._folder / str(execution)
        folder.mkdir(parents=True, exist_ok=True)
        state = TrainingState(
            self._project,
            self._place(execution),
            folder,
            every=plan.checkpoint_every if plan.resume else None,
            resume=self._was_begun(execution),
            seed=trial.seed_of(execution),
            keep_end=plan.keeps_end(trial),
            is_last_chance=lambda: plan.interrupted,
            reports=Reports(
                lambda: trial.metrics.get_config(),  # noqa: PLW0108 - replaced on the way
                lambda reports: _replay(plan, trial, reports),
            ),
        )
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
            record["ends"] = [*ends, end and end.to_json()]
        given = cast(
            "TrialRecord", {name: value for name, value in record.items() if name in GIVEN}
        )
        reports = self._trial.metrics.get_config()
        own = ExecutionResult(result, self._best_value, given, reports)
        kept = self._kept.keep(execution, own) if self._plan.resume else own
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
        return self._name_of(execution) in self._begun

    def _name_of(self, execution: int) -> str:
        folder = self._paths.execution(execution, self._trial.retries).folder
        return folder.rpartition("/")[2]


def _replay(plan: TrainingPlan, trial: Trial, reports: Mapping[str, Any] | None) -> None:
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
            plan.report(trial, new, step)


def _count(trial: Trial, name: str, step: int) -> int:
    """How many values of a metric the trial has at a step."""
    if not trial.metrics.exists(name):
        return 0
    return sum(len(o.value) for o in trial.metrics.get_history(name) if o.step == step)
