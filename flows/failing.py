"""How a flow run that failed says what to do."""

from __future__ import annotations

from typing import Any

from prefect import get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Failed

from flows.project import project_exists
from storage import FencedError, LeaseHeldError


def failed(error: Exception, project_url: str) -> State[Any]:
    """The state of a run that an error has ended; who called the flow gets the error itself.

    Args:
        error: The error.
        project_url: Path or URL of the project, which there may not be yet.
    """
    get_run_logger().error("The search failed.", exc_info=error)
    message = f"{type(error).__name__}: {error}\n{_next_step(error, project_url)}"
    return Failed(message=message, data=error)


def _next_step(error: Exception, project_url: str) -> str:
    if isinstance(error, LeaseHeldError | FencedError):
        return "To go on once the other search has ended: press Retry, or set `wait`."
    if project_exists(project_url):
        return f"Nothing is lost. To go on: press Retry, or run: trialflow resume {project_url}"
    return "Nothing was begun. Correct it, and press Retry, or start a run with other parameters."
