"""Final states of flow runs: how the search ended, or what to do."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from prefect import get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed

from flows.opening import begun_project
from flows.parameters import SearchParameters
from flows.present import SearchResult
from flows.running.artifacts import outcome_of
from storage import FencedError, LeaseHeldError, split_url


def completed(
    result: SearchResult, told: SearchParameters | None = None, notes: Sequence[str] = ()
) -> State[Any]:
    """The state of a run whose search has ended; who called the flow gets the result as JSON.

    Args:
        result: Of the search.
        told: What the run was told, with the name of its project; None in a script's run.
        notes: What else happened, a sentence each.
    """
    lines = [outcome_of(result)]
    if result.trained == 0 and told is not None:
        lines += [f"Nothing was left to do: {result.reason}.", more_of(result, told)]
    return Completed(message="\n".join([*lines, *notes]), data=result.to_json())


def more_of(result: SearchResult, told: SearchParameters) -> str:
    """What to do for more trials than a search has had.

    Args:
        result: Of a run in which no trial was left.
        told: What the run was told.
    """
    name = split_url(result.project)[1]
    match told.each_run:
        case "new":
            return (
                f"The project {name} is of an earlier run: with {{date}} and {{time}} in "
                "project_name each run has one of its own."
            )
        case "extend":
            return "What ended the search holds still: change or leave out that limit."
        case "resume":
            return (
                "For more trials, raise max_trials, or change the limit that ended the search. "
                "For more in each run: each_run=extend (max_trials more each time) or each_run=new "
                "(a project of its own each time)."
            )


def failed(error: Exception, directory: str, project_name: str) -> State[Any]:
    """The state of a run that an error has ended; who called the flow gets the error itself.

    Args:
        error: The error.
        directory: Where the project lies,
        project_name: and how it is called; there may be none yet.
    """
    get_run_logger().error("The search failed.", exc_info=error)
    step = _next_step(error, begun_project(directory, project_name))
    return Failed(message=f"{type(error).__name__}: {error}\n{step}", data=error)


def _next_step(error: Exception, project_url: str | None) -> str:
    # Prefect takes Retry only for the runs of a deployment.
    again = "run it again" if runtime.deployment.id is None else "press Retry"
    if isinstance(error, LeaseHeldError | FencedError):
        return f"To go on once the other search has ended: {again}, or set `wait`."
    if project_url is not None:
        resume = f"trialflow resume {shlex.quote(project_url)}"
        return f"Nothing is lost. To go on: {again}, or run: {resume}"
    return f"Nothing was begun. Correct it, and {again}, or start a run with other parameters."
