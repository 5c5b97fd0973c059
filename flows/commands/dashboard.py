"""`trialflow dashboard`: searches as live pages."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from flows.commands.answers import Debug, Json, answered, print_json
from flows.present import open_project

PORT = 8420


def dashboard(
    project_urls: Annotated[
        list[str], typer.Argument(help="Paths or URLs of one or more projects.")
    ],
    port: Annotated[int, typer.Option(min=0, max=65535, help="Where to serve; 0: any.")] = PORT,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open a browser, only say the address.")
    ] = False,
    static: Annotated[
        Path | None,
        typer.Option(help="Write the report of one project to this file, and serve nothing."),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Show searches in the browser, live, whether they run or have ended.

    The pages are served on this machine alone and only read, until Ctrl-C.
    """
    with answered(debug=debug):
        if static is not None:
            _write(project_urls, static, as_json=as_json)
            return
        from flows.dashboard.serving import serve_dashboard

        def say(address: str) -> None:
            if as_json:
                print_json({"dashboard": address, "projects": project_urls})
            else:
                typer.echo(f"Dashboard: {address} (Ctrl-C ends it)")

        serve_dashboard(project_urls, port, say, browser=not no_browser)


def _write(project_urls: list[str], static: Path, *, as_json: bool) -> None:
    if len(project_urls) != 1:
        msg = "Expected one project with --static."
        raise ValueError(f"{msg} Received: {len(project_urls)} projects.")
    found = open_project(project_urls[0])
    found.write_report(static)
    if as_json:
        print_json({"project": found.project.url, "report": str(static)})
    else:
        typer.echo(f"Report: {static}")
