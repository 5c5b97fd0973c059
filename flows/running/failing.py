"""How a flow run that failed says what to do."""

from __future__ import annotations

from typing import Any

from prefect import get_run_logger
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
    if isinstance(error, LeaseHeldError | FencedError):
        return "To go on once the other search has ended: press Retry, or set `wait`."
    if project_url is not None:
        return f"Nothing is lost. To go on: press Retry, or run: trialflow resume {project_url}"
    return "Nothing was begun. Correct it, and press Retry, or start a run with other parameters."
