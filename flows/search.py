"""The Prefect flow that runs a search: one task a trial, every slot busy."""

from __future__ import annotations

import time
from contextlib import ExitStack
from typing import Annotated, Any

from prefect import flow, get_run_logger, runtime
from prefect.futures import PrefectFuture, as_completed
from pydantic import Field

from flows import artifacts
from flows.project import child_setup, open_tuner, project_name_of
from flows.result import SearchResult, result_of
from flows.watching import display_of, say
from tasks.runner import TrialRunner
from tasks.slots import LocalSlots
from tasks.trial import run_trial
from tuner.base_tuner import BaseTuner
from tuner.oracle import MAX_LOSSES
from tuner.patience import Patience
from tuner.progress import opening_line
from tuner.project import waiting_for_others
from tuner.search_options import SearchOptions
from tuner.trial import Trial, TrialStatus

Future = PrefectFuture[Any]

STOP_TIMEOUT = 10.0
"""Seconds to wait for a trial that was told to stop."""


def _run_name() -> str:
    parameters = runtime.flow_run.parameters
    return project_name_of(parameters["study"], parameters.get("project_name"))


@flow(name="search", flow_run_name=_run_name)
def search(
    study: Annotated[
        str, Field(description="Path or module name of the study file.", min_length=1)
    ],
    directory: Annotated[
        str, Field(description="Path or fsspec URL under which projects lie.", min_length=1)
    ] = "results",
    project_name: Annotated[
        str | None, Field(description="Name of the project; that of the study if left out.")
    ] = None,
    slots: Annotated[int, Field(description="Trials that run at the same time.", ge=1)] = 1,
    max_trials: Annotated[
        int | None, Field(description="Overrides the study's number of trials.", ge=1)
    ] = None,
    executions_per_trial: Annotated[
        int | None, Field(description="Overrides the study's trainings per trial.", ge=1)
    ] = None,
    overwrite: Annotated[
        bool, Field(description="Delete what the project holds, and begin anew.")
    ] = False,
    timeout: Annotated[
        float | None, Field(description="Seconds after which no more trials begin.", gt=0)
    ] = None,
    wait: Annotated[
        bool, Field(description="Wait until a search that runs on the project has ended.")
    ] = False,
) -> dict[str, Any]:
    """Searches hyperparameters; on a project that exists, it goes on where that stopped.

    Returns:
        What `trialflow search --json` prints; see `flows.result.SearchResult`.
    """
    began = time.monotonic()
    with waiting_for_others(say if wait else None):
        tuner = open_tuner(
            study,
            directory,
            project_name_of(study, project_name),
            max_trials=max_trials,
            executions_per_trial=executions_per_trial,
            # A run that Prefect retries goes on; what it began with was deleted the first time.
            overwrite=overwrite and runtime.flow_run.run_count == 1,
        )
    tuner.oracle.deadline = SearchOptions(timeout=timeout).deadline()
    setup = child_setup(study, tuner, executions_per_trial)
    result = run(tuner, LocalSlots(slots, setup, preload(tuner)), began)
    return result.to_json()


def run(
    tuner: BaseTuner, slots: LocalSlots, began: float, *, discover: bool = True
) -> SearchResult:
    """Runs a tuner's search inside of a flow run.

    Args:
        tuner: Never builds a model here.
        slots: Where trials run; started when there is one to run.
        began: `time.monotonic()` when the caller began.
        discover: Whether a child is to find out the search space; not when the tuner was
            assembled in the role `SCRIPT`, and has done so.
    """
    oracle = tuner.oracle
    oracle.requeues = False
    oracle.start()
    ended_before, reason = len(oracle.search_history.end_order), None
    try:
        with display_of(oracle) as display, ExitStack() as stack:
            display.note(opening_line(oracle, tuner.search_project.url))
            tuner.on_search_begin()
            runner = TrialRunner(oracle, tuner.search_project, slots, display)
            search = Search(tuner, runner, stack, artifacts.Progress(oracle))
            search.space_known = not discover
            stack.callback(search.join)  # the last to leave: nobody may tell a stopped oracle
            reason = search.run()
            tuner.on_search_end()
            tuner.export_if_any_ended(ended_before)
    finally:
        oracle.stop(reason)
    result = result_of(oracle, tuner.search_project.url, time.monotonic() - began, ended_before)
    artifacts.publish_leaderboard(result)
    return result


class Search:
    """Keeps every slot busy: a new trial starts the moment one ends.

    Args:
        tuner: Its hooks of a search are called.
        runner: Runs the trials.
        stack: Enters the slots once there is work, and leaves them with the search.
        progress: The artifact that shows how far the search is.
    """

    def __init__(
        self,
        tuner: BaseTuner,
        runner: TrialRunner,
        stack: ExitStack,
        progress: artifacts.Progress,
    ) -> None:
        self.tuner = tuner
        self.runner = runner
        self.oracle = runner.oracle
        self.patience = Patience(runner.oracle)
        self.stack = stack
        self.progress = progress
        self.pending: dict[Future, str] = {}
        self.lanes = [f"slot-{number}" for number in range(runner.slots.count)]
        self.started = False
        self.space_known = False
        self.done: str | None = None

    def run(self) -> str:
        """Runs until the oracle is done; says why it is.

        Raises:
            RuntimeError: The search cannot go on; trials that were running will run again.
        """
        while True:
            self._fill_slots()
            if self.started and len(self.oracle.end_order) > self.runner.display.ended_before:
                self.runner.display.advanced()
            if not self.pending:
                return self.done or "every trial has ended"
            self._free(next(as_completed(list(self.pending))))
            self.progress.update()

    def _free(self, future: Future) -> None:
        lane = self.pending.pop(future)
        if self.runner.error is not None:
            raise self.runner.error
        if lane in self.oracle.ongoing_trials:
            # The task ended outside of our code; to submit it again might never end.
            trial_id = self.oracle.ongoing_trials[lane].trial_id
            msg = f"Expected the task of trial {trial_id} to tell how the trial ended."
            raise RuntimeError(f"{msg} Received: {future.state.name}, {future.state.message}")
        self.lanes.append(lane)

    def join(self) -> None:
        """Waits for the trials that were told to stop."""
        for future in self.pending:
            future.wait(timeout=STOP_TIMEOUT)

    def _fill_slots(self) -> None:
        while self.lanes and self.done is None:
            self._discover_space()
            self.tuner.pre_create_trial()
            trial = self.oracle.create_trial(self.lanes[-1])
            if trial.status == TrialStatus.STOPPED:
                self.done = trial.message or "every trial has ended"
            elif trial.status == TrialStatus.IDLE:
                if self.pending:
                    return
                self.patience.wait()
            else:
                self.patience.renew()
                self._submit(trial)

    def _submit(self, trial: Trial) -> None:
        self._start_slots()
        retries = MAX_LOSSES + self.oracle.max_retries_per_trial
        task = run_trial.with_options(retries=retries)
        self.pending[task.submit(trial.trial_id, self.runner)] = self.lanes.pop()

    def _discover_space(self) -> None:
        """Before the first trial, since it takes a model; which only a child may build."""
        if self.space_known or self.started or self.oracle.trials:
            return
        self._start_slots()
        self.runner.discover_space(get_run_logger().info)

    def _start_slots(self) -> None:
        if not self.started:
            self.started = True
            self.stack.enter_context(self.runner.slots)


def preload(tuner: BaseTuner) -> tuple[str, ...]:
    """What every child will import anyway; a tuner without a model needs no Keras."""
    return () if tuner.hypermodel is None else ("keras",)
