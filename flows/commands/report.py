"""`trialflow report`: a search as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.answers import Debug, Json, ProjectUrl, answered, print_json
from flows.present import open_project


def report(
    project_url: ProjectUrl,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = Path(
        "report.html"
    ),
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Write what a search has found as one HTML file that works offline.

    While the search runs, the report shows how far it is.
    """
    with answered(debug=debug):
        found = open_project(project_url)
        found.write_report(output)
    if as_json:
        print_json({"project": found.project.url, "report": str(output)})
    else:
        typer.echo(f"Report: {output}")
