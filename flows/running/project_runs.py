"""Names of flow runs."""

from __future__ import annotations

from prefect import runtime

from storage import split_url


def run_name() -> str:
    """A run on a project is named after it."""
    url: str = runtime.flow_run.parameters["project_url"]
    return split_url(url)[1]
