"""How a flow run that failed says what to do."""

from __future__ import annotations

import shlex
from typing import Any

from prefect import get_run_logger, runtime
from prefect.client.schemas.objects import State
from prefect.states import Failed

from flows.opening import begun_project
from storage import FencedError, LeaseHeldError


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
