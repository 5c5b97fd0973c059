"""The Prefect flow that searches; `flows.running.search_run` is how its trials become tasks."""

from __future__ import annotations

import time
from contextlib import closing
from dataclasses import replace
from typing import Any

from prefect import flow, get_run_logger, runtime
from prefect.states import Cancelled

from flows.forms import takes, with_form
from flows.opening import child_setup, open_tuner, preload
from flows.parameters import PREVIOUS, SearchParameters
from flows.present import SearchResult
from flows.running import artifacts, each_run
from flows.running.best_model import BestModel
from flows.running.cancelling import CancelledError
from flows.running.final_states import completed, failed
from flows.running.run_settings import RunSettings
from flows.running.search_run import run_search
from tasks.engines import LOCAL, SlotsOrder, check_engine, create_slots
from tasks.hardware.gpus import gpus_hidden
from tuner.core.runtime import current, within
from tuner.oracles.stop_policy import create_stop_policy
from tuner.search.options import SearchOptions
from tuner.tuners.base_tuner import BaseTuner


def _run_name() -> str:
    told = SearchParameters(**runtime.flow_run.parameters)
    try:
        return str(each_run.named(told, runtime.flow_run.scheduled_start_time).project_name)
    except ValueError:  # the run will say so
        return str(told.project_name)


@with_form
@flow(name="search", flow_run_name=_run_name)
@takes(SearchParameters)
def search(told: SearchParameters) -> Any:
    """Searches hyperparameters; on a project that exists, it goes on where that stopped.

    Returns:
        See `flows.present.SearchResult`; all but its leaderboard is what
        `trialflow search --json` prints.
    """
    began = time.monotonic()
    told_name = str(told.project_name)
    try:
        run = each_run.named(told, runtime.flow_run.scheduled_start_time)
        told_name = str(run.project_name)
        # The run that is tried again may live, wrongly marked as crashed: it ends first.
        waits = told.wait or runtime.flow_run.run_count > 1
        with gpus_hidden(), within(on_wait=_say if waits else None):
            return _search(told, run, began)
    except CancelledError as error:
        return Cancelled(message=str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, the state says what to do
        return failed(error, told.directory, told_name)


def _search(told: SearchParameters, run: SearchParameters, began: float) -> Any:
    """Searches, and says how it went.

    Args:
        told: What the flow was told.
        run: The same with the name of this run's project.
        began: Reading of a monotonic clock.
    """
    is_local = check_engine(told.engine) == LOCAL
    places = told.places() if is_local else []  # before a project is begun for nothing
    tuner = _open(run)
    run, first = _with_earlier(told, run, tuner)
    own = told.objective is None and told.direction is None
    setup = child_setup(told.study, tuner, told.executions_per_trial, own_objective=own)
    project = tuner.search_project
    if not is_local and not told.study.endswith(".py"):
        setup["study"] = told.study  # a module, which lies elsewhere on other machines
    RunSettings.of(setup, max(1, len(places)), run).save(project)
    slots = create_slots(
        SlotsOrder(
            engine=told.engine,
            setup=setup,
            project=project,
            preload=preload(tuner),
            limits=told.limits_of_trials(),
            places=told.places,
            slots=told.slots,
            gpus_per_trial=told.gpus_per_trial,
            agent_idle=told.agent_idle,
        )
    )
    artifacts.introduce(project, told.study, tuner.oracle)
    best = BestModel(run.publish, tuner.oracle, project, setup["study"])
    with closing(best):
        result = run_search(tuner, slots, began, first=first, best_model=best)
        published = best.publish_at_end(ended=bool(result.reason))
    notes = [note for note in (published, *_clean_up(told, result)) if note is not None]
    for note in notes:
        _say(note)
    return completed(result, run, notes)


def _open(run: SearchParameters) -> BaseTuner:
    """The tuner of a run, with what the run was told."""
    # A run that Prefect retries goes on; what it began with was deleted, and what it tries again
    # was opened again, the first time.
    first = runtime.flow_run.run_count == 1
    tuner = open_tuner(
        run.study,
        run.directory,
        str(run.project_name),
        max_trials=run.max_trials,
        executions_per_trial=run.executions_per_trial,
        objective=run.objective,
        direction=run.direction,
        overwrite=run.overwrite and first,
    )
    retry_failed = run.retry_failed and first
    SearchOptions(run.limits(), retry_failed=retry_failed, stale=run.stale).apply(tuner.oracle)
    if run.stop_policy is not None:
        tuner.oracle.judge_by(create_stop_policy(run.stop_policy))
    if run.each_run == "extend":
        each_run.extend(tuner.oracle)
    return tuner


def _with_earlier(
    told: SearchParameters, run: SearchParameters, tuner: BaseTuner
) -> tuple[SearchParameters, str | None]:
    """Has a search learn from an earlier one, if that was asked for.

    Returns:
        What the run was told, with the URL of that project; and the URL itself.
    """
    source, oracle = told.warm_start, tuner.oracle
    if source == PREVIOUS:
        source = each_run.previous_project(
            each_run.template_of(told),
            told.directory,
            str(run.project_name),
            oracle.objective,
            _say,
        )
        _say(f"Trying the best of {source} first." if source else "There is no run to learn from.")
    if source is not None and source not in oracle.warm_start_from:
        oracle.warm_start_from = [*oracle.warm_start_from, source]
    return replace(run, warm_start=source), source


def _clean_up(told: SearchParameters, result: SearchResult) -> list[str]:
    """Deletes old projects, if that was asked for and the search has ended; says which."""
    notes: list[str] = []
    if told.keep_projects is not None and result.reason:
        template = each_run.template_of(told)
        each_run.drop_old_projects(template, told.directory, told.keep_projects, notes.append)
    return notes


def _say(line: str) -> None:
    """Tells the log and the stream something, while there is no display."""
    get_run_logger().info(line)
    stream = current().stream
    if stream is not None:
        print(line, file=stream, flush=True)
