"""`trialflow report`: a search as one page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.projects import open_project


def report(
    project_url: Annotated[str, typer.Argument(help="Path or URL of the project.")],
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = Path(
        "report.html"
    ),
    debug: Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")] = False,
) -> None:
    """Write what a search has found as one HTML file that works offline.

    While the search runs, the report shows how far it is.
    """
    try:
        write_report(project_url, output)
    except Exception as error:
        if debug:
            raise
        typer.echo(f"Error: {error}", err=True)
        raise typer.Exit(1) from None
    typer.echo(f"Report: {output}")


def write_report(project_url: str, output: Path) -> None:
    """Writes the page to a file, whose folder is made."""
    from tuner.report import drawing
    from tuner.report.findings import Findings

    text: str = drawing("page").page(Findings.of(open_project(project_url).project))
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
