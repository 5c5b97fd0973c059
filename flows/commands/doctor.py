"""`trialflow doctor`: whether a search can run here."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated

import typer

from flows.commands import tables
from flows.commands.answers import FAILED, Debug, Json, answered, print_json
from flows.commands.diagnosis import examine
from flows.server import hush_prefect


def doctor(
    directory: Annotated[
        str, typer.Option(help="Path or fsspec URL under which projects are to lie.")
    ] = "results",
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Check Python, packages, the Prefect server and the store, and say what to change.

    Exit status: 0 all is well, 1 something is not.
    """
    hush_prefect()
    with answered(debug=debug):
        findings = list(examine(directory))
    ill = [finding for finding in findings if not finding.well]
    if as_json:
        print_json({"well": not ill, "findings": [asdict(finding) for finding in findings]})
    else:
        rows = [["ok" if f.well else "NOT OK", f.what, f.detail] for f in findings]
        typer.echo(tables.table(["", "what", "found"], rows))
        for finding in ill:
            typer.echo(f"{finding.what}: {finding.advice}")
    if ill:
        raise typer.Exit(FAILED)
