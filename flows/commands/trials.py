"""`trialflow trials` and `trialflow show`: the trials of a project, and one of them."""

from __future__ import annotations

from typing import Annotated, Literal

import typer

from flows.commands import tables
from flows.commands.answers import Debug, Json, ProjectUrl, answered, print_json
from flows.commands.trial_page import details, page
from flows.projects import Found, describe, open_project
from tuner.jsonable import to_json
from tuner.trial import Trial

Order = Literal["number", "score"]
State = Literal["completed", "failed", "running"]


def trials(
    project_url: ProjectUrl,
    sort: Annotated[Order, typer.Option(help="By number, or best score first.")] = "number",
    status: Annotated[State | None, typer.Option(help="Only trials of this state.")] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Show so many trials.", show_default="all")
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """List the trials of a project with their scores and hyperparameters."""
    with answered(debug=debug):
        found = open_project(project_url)
    chosen = _chosen(found, sort, status)[:limit]
    if as_json:
        rows = [to_json(describe(trial)) for trial in chosen]
        print_json({"project": found.project.url, "trials": rows})
    else:
        typer.echo(tables.trials(chosen, found.history.objective.name))


def show(
    project_url: ProjectUrl,
    trial: Annotated[str, typer.Argument(help="Number of the trial: 7 or 0007.")],
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Show one trial: its values, what each training gave, where it ran, why it failed."""
    with answered(debug=debug):
        found = open_project(project_url)
        known = _trial_of(found, trial)
        what = details(found, known)
    if as_json:
        print_json(to_json(what))
    else:
        typer.echo(page(what))


def _chosen(found: Found, sort: Order, status: State | None) -> list[Trial]:
    known = list(found.history.trials.values())
    if sort == "score":
        ranked = found.history.ranked()
        known = ranked + [trial for trial in known if trial.score is None]
    return [trial for trial in known if status is None or trial.status.lower() == status]


def _trial_of(found: Found, number: str) -> Trial:
    try:
        return found.history.trials[number]
    except KeyError:
        last = next(reversed(found.history.trials), "none")
        msg = f"Expected a trial of {found.project.url}, the last of which is {last}."
        raise ValueError(f"{msg} Received: trial={number!r}.") from None
