"""`trialflow importance`: which hyperparameters matter, and how sure that is."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from flows.commands import tables
from flows.commands.answers import Debug, Json, ProjectUrl, answered, print_json
from flows.present import open_project

if TYPE_CHECKING:
    from tuner.results.importance import Importances

BAR = 20
"""Characters of a bar of 100 %."""


def describe(found: Importances) -> str:
    """The importances for people."""
    budget = "" if found.epochs is None else f" of {found.epochs} epochs"
    counted = f"{found.trials} completed trials{budget}"
    if not found.of:
        return f"From {counted} nothing can be said yet of what matters for {found.objective}."
    from tuner.results.importance import METHOD

    rows = [
        [name, f"{each.value:.0%}", f"{each.low:.0%} to {each.high:.0%}", _bar(each.value)]
        for name, each in found.of.items()
    ]
    lines = [
        f"What matters for {found.objective}, from {counted}",
        tables.table(["hyperparameter", "share", "90 % interval", ""], rows),
        f"Method: {METHOD}, which explains {found.explained:.0%} of the variance.",
    ]
    return "\n".join(lines)


def _bar(share: float) -> str:
    return "#" * round(BAR * share)


def importance(
    project_url: ProjectUrl,
    objective: Annotated[
        str | None,
        typer.Option(help="Name of one of several objectives.", show_default="their sum"),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Show how much each hyperparameter matters for the score, with an interval.

    A share is that of the score's variance which would be left if all other hyperparameters were
    known; shares of hyperparameters that work together add up to more than 100 %.
    """
    with answered(debug=debug):
        history = open_project(project_url).history
        from tuner.results.importance import importance as measure

        found = measure(history, objective)
    if as_json:
        print_json({name: asdict(each) for name, each in found.of.items()})
    else:
        typer.echo(describe(found))
