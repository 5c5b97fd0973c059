"""What the flows have in common that are given a project: their parameter, and their runs' name."""

from __future__ import annotations

from typing import Annotated

from prefect import runtime
from pydantic import Field

from storage import split_url

ProjectUrl = Annotated[
    str, Field(title="Project URL", description="Path or URL of the project.", min_length=1)
]


def run_name() -> str:
    """A run on a project is named after it."""
    url: str = runtime.flow_run.parameters["project_url"]
    return split_url(url)[1]
