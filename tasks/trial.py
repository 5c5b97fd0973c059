"""The Prefect task: one run a trial, tried again as one run."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from prefect import get_run_logger, task
from prefect.artifacts import create_markdown_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import Parameter, RunInput, State, TaskRun
from prefect.context import FlowRunContext, TaskRunContext
from prefect.futures import PrefectFuture
from prefect.states import Cancelled, Completed, Failed

from tasks.runner import TrialRunner, wants_another_try
from tasks.slots import SearchStoppedError
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.executions import best_epoch
from tuner.results.markdown import trial_markdown
from tuner.search.progress import outcome_line, value_text

module_logger = logging.getLogger(__name__)

UNLIMITED = 1_000_000
"""Retries that Prefect allows a trial: how often one is tried again is for the search to say."""


class TryAgainError(Exception):
    """The attempt came to nothing and the trial is due another."""


def _is_due_another(task: Any, run: TaskRun, state: State[Any]) -> bool:
    """Only what the search wants tried again is retried; a stopped search must not be."""
    del task, run
    try:
        state.result(raise_on_failure=True)
    except TryAgainError:
        return True
    except Exception:  # noqa: BLE001 - whatever else it was
        return False
    return False


@task(
    name="trial",
    task_run_name="trial-{trial_id}",
    cache_policy=NO_CACHE,
    persist_result=False,
    retry_condition_fn=_is_due_another,
    retry_delay_seconds=0,
    retries=UNLIMITED,
)
def run_trial(
    trial_id: str, slot: str, hyperparameters: Mapping[str, Any], runner: TrialRunner
) -> State[Any]:
    """Runs a trial in a slot and tells the oracle; the run's state says how it ended.

    Args:
        trial_id: A running trial.
        slot: Name of the slot that has it.
        hyperparameters: Its values, for those who look at the run.
        runner: Owns the slots.
    """
    del hyperparameters
    logger = get_run_logger()
    try:
        trial = runner.run(trial_id, slot, logger.info)
    except SearchStoppedError:
        return Cancelled(message="The search was stopped; resuming it runs this trial again.")
    except Exception as error:  # noqa: BLE001 - the flow raises it
        runner.abort(error)
        return Failed(message=f"{type(error).__name__}: {error}")
    if wants_another_try(trial):
        raise TryAgainError(f"Trial {trial_id} is tried again.")
    _publish(runner, trial)
    line = _outcome(trial, runner.oracle.objective.name)
    if trial.status == TrialStatus.COMPLETED:
        return Completed(message=line)
    logger.error("Trial %s %s\n%s", trial_id, line, (trial.message or "").strip())
    _tag(f"failed: {trial.record.get('outcome') or 'raised'}")
    return Failed(message=line)


def submit_trial(trial: Trial, slot: str, runner: TrialRunner) -> PrefectFuture[Any]:
    """Submits the task of a trial; its inputs, as the pages show them, are its values.

    Of what a task is given Prefect keeps only where it came from, so each value is told as the
    name of a parameter.
    """
    context = FlowRunContext.get()
    if context is None:
        raise RuntimeError("Expected a flow run, since trials are its tasks. Received: none.")
    values = {"trial_id": trial.trial_id, "slot": slot, **trial.values}
    told: set[RunInput] = {
        Parameter(name=f"{name} = {value_text(value)}") for name, value in values.items()
    }
    parent = None if trial.budget is None else trial.budget.parent
    tags = set() if parent is None else {f"promoted from {parent}"}
    named = run_trial.with_options(tags=tags) if tags else run_trial
    parameters = {
        "trial_id": trial.trial_id,
        "slot": slot,
        "hyperparameters": dict(trial.values),
        "runner": runner,
    }
    submit: Any = context.task_runner.submit  # its overloads know no task that is no coroutine
    future: PrefectFuture[Any] = submit(
        named, parameters=parameters, dependencies={"hyperparameters": told}
    )
    return future


def _outcome(trial: Trial, metric: str) -> str:
    line, epoch = outcome_line(trial, metric), best_epoch(trial)
    return line if epoch is None else f"{line}, epoch {epoch}"


def _publish(runner: TrialRunner, trial: Trial) -> None:
    """Publishes the page of a trial, which is not worth the trial."""
    try:
        text = trial_markdown(runner.project, runner.oracle.search_history, trial)
        create_markdown_artifact(text, description=f"Trial {trial.trial_id}")
    except Exception as error:  # noqa: BLE001 - a server that is away costs a log line
        module_logger.warning("Prefect did not take an artifact: %s", error)


def _tag(tag: str) -> None:
    """Tags the run; the server learns of it with the run's final state."""
    context = TaskRunContext.get()
    if context is not None:
        context.task_run.tags.append(tag)
