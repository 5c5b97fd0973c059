"""The Prefect task: one run a trial, tried again as one run."""

from __future__ import annotations

from typing import Any

from prefect import get_run_logger, task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.states import Cancelled, Completed, Failed

from tasks.runner import TrialRunner, wants_another_try
from tasks.slots import SearchStoppedError
from tuner.search.progress import outcome_line
from tuner.trial import TrialStatus


class TryAgainError(Exception):
    """The attempt came to nothing and the trial is due another."""


def _is_due_another(task: Any, run: TaskRun, state: State[Any]) -> bool:
    """Only what the oracle queued again is retried; a stopped search must not be."""
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
)
def run_trial(trial_id: str, runner: TrialRunner) -> State[Any]:
    """Runs a trial in a slot and tells the oracle; the run's state says how it ended.

    Args:
        trial_id: A running trial.
        runner: Owns the slots.
    """
    logger = get_run_logger()
    try:
        trial = runner.run(trial_id, logger.info)
    except SearchStoppedError:
        return Cancelled(message="The search was stopped; resuming it runs this trial again.")
    except Exception as error:  # noqa: BLE001 - the flow raises it
        runner.abort(error)
        return Failed(message=f"{type(error).__name__}: {error}")
    if wants_another_try(trial):
        raise TryAgainError(f"Trial {trial_id} is tried again.")
    line = outcome_line(trial, runner.oracle.objective.name)
    if trial.status == TrialStatus.COMPLETED:
        return Completed(message=line)
    return Failed(message=line)
