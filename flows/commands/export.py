"""`trialflow export`: the tables of a search as files."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.answers import Debug, Json, ProjectUrl, answered, print_json
from flows.present import open_project
from tuner.results.tables import Format


def export(
    project_url: ProjectUrl,
    to: Annotated[
        str | None,
        typer.Option(help="Path or fsspec URL of a folder.", show_default="export in the project"),
    ] = None,
    file_format: Annotated[Format, typer.Option("--format", help="Of the files.")] = "parquet",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write the tables of a search: its trials, executions and epochs.

    A search writes them into its project when it ends; this does so at any time.
    """
    with answered(debug=debug):
        from tuner.results.tables import export as write

        found = open_project(project_url)
        written = write(found.project, found.history, to=to, file_format=file_format)
    if as_json:
        print_json({"project": found.project.url, "files": written})
    else:
        typer.echo("\n".join(written))
