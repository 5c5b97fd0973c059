"""`trialflow status`: how far a search is."""

from __future__ import annotations

import typer

from flows.commands.answers import Debug, Json, ProjectUrl, answered, print_json
from flows.commands.summary import describe
from flows.commands.summary import status as look_at
from flows.projects import open_project


def status(project_url: ProjectUrl, as_json: Json = False, debug: Debug = False) -> None:
    """Show how far a search is: counts, the best trial, who searches, what runs.

    `trialflow trials` lists the trials; so does --json.
    """
    with answered(debug=debug):
        state = look_at(open_project(project_url))
    if as_json:
        print_json(state)
    else:
        typer.echo(describe(state))
