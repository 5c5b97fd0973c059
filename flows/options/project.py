"""What is searched, and where it lies: parameters of the flow, options of commands."""

from __future__ import annotations

from typing import Annotated

import typer
from pydantic import Field

STUDY = "Path or module name of the study file."
DIRECTORY = "Path or fsspec URL under which projects lie."
NAME = "Name of the project; that of the study if left out."
TRIALS = "Number of trials, instead of the study's."
EXECUTIONS = "Trainings per trial, instead of the study's."
OVERWRITE = "Delete what the project holds, and begin anew."
MOVED = "Path or module name of the study, should it have moved."
WAIT = "Wait until a search that runs on the project has ended."

Study = Annotated[str, Field(description=STUDY, min_length=1), typer.Argument(help=STUDY)]
Directory = Annotated[str, Field(description=DIRECTORY, min_length=1), typer.Option(help=DIRECTORY)]
ProjectName = Annotated[str | None, Field(description=NAME), typer.Option(help=NAME)]
MaxTrials = Annotated[int | None, Field(description=TRIALS, ge=1), typer.Option(min=1, help=TRIALS)]
ExecutionsPerTrial = Annotated[
    int | None, Field(description=EXECUTIONS, ge=1), typer.Option(min=1, help=EXECUTIONS)
]
Overwrite = Annotated[
    bool, Field(description=OVERWRITE), typer.Option("--overwrite", help=OVERWRITE)
]
Wait = Annotated[bool, Field(description=WAIT), typer.Option("--wait", help=WAIT)]
Moved = Annotated[
    str | None,
    Field(description=MOVED),
    typer.Option(help=MOVED, show_default="the search's own"),
]
