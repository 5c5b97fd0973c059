"""The Prefect flow that runs a search: one task a trial, every slot busy."""

from __future__ import annotations

import itertools
import queue
import time
from contextlib import ExitStack
from typing import Annotated, Any

from prefect import flow, get_run_logger, runtime
from prefect.futures import PrefectFuture
from prefect.states import Cancelled
from pydantic import Field

from flows import artifacts
from flows.cancelling import CancelledError, CancelWatch
from flows.failing import failed
from flows.form import with_form
from flows.limit_options import MaxDeviceHours, MaxTotalEpochs, Target, Timeout
from flows.limit_options import Patience as PatienceLimit
from flows.project import child_setup, open_tuner, project_name_of
from flows.report_artifact import publish_report
from flows.result import SearchResult, result_of
from flows.run_settings import RunSettings
from flows.slot_options import (
    GRACE,
    LOCAL,
    Engine,
    Gpus,
    GpusPerTrial,
    Grace,
    MemoryLimit,
    SlotCount,
    SlotOptions,
    StallTimeout,
    StopPolicyName,
    TrialsPerGpu,
    TrialTimeout,
    gpus_hidden,
    remote_slots,
)
from flows.watching import display_of, say
from tasks.runner import TrialRunner
from tasks.slots import LocalSlots, Slots
from tasks.trial import run_trial
from tuner.base_tuner import BaseTuner
from tuner.oracle import MAX_LOSSES
from tuner.search.patience import Patience
from tuner.search.progress import opening_line
from tuner.search.search_options import SearchOptions
from tuner.search.stop_policy import create_stop_policy
from tuner.state.project import waiting_for_others
from tuner.trial import Trial, TrialStatus

Future = PrefectFuture[Any]

STOP_TIMEOUT = 10.0
"""Seconds for the task of a trial that has stopped to say so."""

LOOK = 1.0
"""Seconds between two looks at whether there are more slots, or the run was cancelled."""


def _run_name() -> str:
    parameters = runtime.flow_run.parameters
    return project_name_of(parameters["study"], parameters.get("project_name"))


@with_form
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
    slots: SlotCount = None,
    max_trials: Annotated[
        int | None, Field(description="Overrides the study's number of trials.", ge=1)
    ] = None,
    executions_per_trial: Annotated[
        int | None, Field(description="Overrides the study's trainings per trial.", ge=1)
    ] = None,
    overwrite: Annotated[
        bool, Field(description="Delete what the project holds, and begin anew.")
    ] = False,
    timeout: Timeout = None,
    target: Target = None,
    patience: PatienceLimit = None,
    max_total_epochs: MaxTotalEpochs = None,
    max_device_hours: MaxDeviceHours = None,
    wait: Annotated[
        bool, Field(description="Wait until a search that runs on the project has ended.")
    ] = False,
    gpus: Gpus = None,
    trials_per_gpu: TrialsPerGpu = None,
    gpus_per_trial: GpusPerTrial = 1,
    memory_limit: MemoryLimit = None,
    trial_timeout: TrialTimeout = None,
    stall_timeout: StallTimeout = None,
    grace: Grace = GRACE,
    stop_policy: StopPolicyName = None,
    engine: Engine = LOCAL,
) -> Any:
    """Searches hyperparameters; on a project that exists, it goes on where that stopped.

    Returns:
        What `trialflow search --json` prints; see `flows.result.SearchResult`.
    """
    arguments = dict(locals())
    began = time.monotonic()
    name = project_name_of(study, project_name)
    try:
        options = SlotOptions(
            slots=slots,
            gpus=gpus,
            trials_per_gpu=trials_per_gpu,
            gpus_per_trial=gpus_per_trial,
            memory_limit=memory_limit,
            trial_timeout=trial_timeout,
            stall_timeout=stall_timeout,
            grace=grace,
        )
        places = options.places() if engine == LOCAL else []
        with gpus_hidden(), waiting_for_others(say if wait else None):
            tuner = open_tuner(
                study,
                directory,
                name,
                max_trials=max_trials,
                executions_per_trial=executions_per_trial,
                # A run that Prefect retries goes on; what it began with was deleted the first time.
                overwrite=overwrite and runtime.flow_run.run_count == 1,
            )
            limits = SearchOptions(
                timeout=timeout,
                target=target,
                patience=patience,
                max_total_epochs=max_total_epochs,
                max_device_hours=max_device_hours,
            )
            limits.apply(tuner.oracle)
            tuner.oracle.deadline = limits.deadline()
            if stop_policy is not None:
                tuner.oracle.judge_by(create_stop_policy(stop_policy))
            setup = child_setup(study, tuner, executions_per_trial)
            RunSettings.of(setup, max(1, len(places)), arguments).save(tuner.search_project)
            where = (setup, tuner.search_project, preload(tuner), options.limits())
            local = engine == LOCAL
            if not local and not study.endswith(".py"):
                setup["study"] = study  # a module, which lies elsewhere on other machines
            chosen = (
                LocalSlots(places, setup, *where[2:]) if local else remote_slots(engine, *where)
            )
            artifacts.introduce(tuner.search_project, study, tuner.oracle)
            return run(tuner, chosen, began).to_json()
    except CancelledError as error:
        return Cancelled(message=str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the state says what to do
        return failed(error, directory, name)


def run(tuner: BaseTuner, slots: Slots, began: float, *, discover: bool = True) -> SearchResult:
    """Runs a tuner's search inside of a flow run.

    Args:
        tuner: Never builds a model here.
        slots: Where trials run; started when there is one to run.
        began: `time.monotonic()` when the caller began.
        discover: Whether a child is to find out the search space; not when the tuner was
            assembled in the role `SCRIPT`, and has done so.

    Raises:
        CancelledError: The flow run was cancelled.
    """
    oracle = tuner.oracle
    oracle.requeues = False
    oracle.start()
    ended_before, reason = len(oracle.search_history.end_order), None
    try:
        with display_of(oracle) as display, ExitStack() as stack:
            display.note(opening_line(oracle, tuner.search_project.url))
            tuner.on_search_begin()
            slots.note = display.note
            runner = TrialRunner(oracle, tuner.search_project, slots, display)
            search = Search(tuner, runner, stack, artifacts.Progress(oracle))
            search.space_known = not discover
            stack.callback(search.join)  # the last to leave: nobody may tell a stopped oracle
            with CancelWatch() as search.watch:
                reason = search.run()
            tuner.on_search_end()
            tuner.export_if_any_ended(ended_before)
    finally:
        oracle.stop(reason)
    result = result_of(
        oracle.search_history, tuner.search_project.url, time.monotonic() - began, ended_before
    )
    artifacts.publish_leaderboard(result)
    if result.trained > 0:  # else the figures are those of the run before
        publish_report(tuner.search_project, result)
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
        self.ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self.watch: CancelWatch | None = None
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
            self._wait_for_one()
            self.progress.update()

    def _wait_for_one(self) -> None:
        """Waits for a trial to end, or for a moment."""
        if self.watch is not None:
            self.watch.check()
        try:
            self._free(self.ended.get(timeout=LOOK))
        except queue.Empty:
            return

    def _free(self, future: Future) -> None:
        lane = self.pending.pop(future)
        if self.runner.error is not None:
            raise self.runner.error
        if lane in self.oracle.ongoing_trials:
            # The task ended outside of our code; to submit it again might never end.
            trial_id = self.oracle.ongoing_trials[lane].trial_id
            msg = f"Expected the task of trial {trial_id} to tell how the trial ended."
            raise RuntimeError(f"{msg} Received: {future.state.name}, {future.state.message}")

    def join(self) -> None:
        """Waits for the trials that were told to stop."""
        for future in self.pending:
            future.wait(timeout=STOP_TIMEOUT)

    def _fill_slots(self) -> None:
        while self.done is None and (lane := self._free_lane()) is not None:
            self._discover_space()
            self.tuner.pre_create_trial()
            trial = self.oracle.create_trial(lane)
            if trial.status == TrialStatus.STOPPED:
                self.done = trial.message or "every trial has ended"
            elif trial.status == TrialStatus.IDLE:
                if self.pending:
                    return
                self.patience.wait()
            else:
                self.patience.renew()
                self._submit(trial, lane)

    def _free_lane(self) -> str | None:
        """Whom the oracle takes for the next slot to ask; None when every slot is busy."""
        if len(self.pending) >= max(1, self.runner.slots.count):  # without any, one trial waits
            return None
        busy = set(self.pending.values())
        return next(lane for n in itertools.count() if (lane := f"slot-{n}") not in busy)

    def _submit(self, trial: Trial, lane: str) -> None:
        self._start_slots()
        retries = MAX_LOSSES + self.oracle.max_retries_per_trial
        task = run_trial.with_options(retries=retries)
        future = task.submit(trial.trial_id, self.runner)
        self.pending[future] = lane
        future.add_done_callback(self.ended.put)

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
