"""`trialflow check` and `trialflow repair`: damage to a project, found and mended."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from flows.commands.answers import FAILED, Debug, Json, ProjectUrl, answered, print_json
from storage import Damage
from tuner.journal.project import Project


def check(
    project_url: ProjectUrl,
    skip_weights: Annotated[
        bool, typer.Option("--skip-weights", help="Only see whether weights are there.")
    ] = False,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Report all damage to a project, and change nothing.

    Exit status: 0 there is none, 1 there is some.
    """
    with answered(debug=debug):
        from tuner.journal.check import check as look

        project = Project.at(project_url)
        damages = look(project, weights=not skip_weights).damages
    if as_json:
        print_json({"project": project.url, "damages": _rows(damages)})
    else:
        typer.echo(f"Project {project.store}")
        typer.echo("\n".join(_lines(damages)) or "No damage.")
        if any(damage.mending for damage in damages):
            typer.echo(f"To mend what can be mended: trialflow repair {shlex.quote(project_url)}")
    if damages:
        raise typer.Exit(FAILED)


def repair(project_url: ProjectUrl, as_json: Json = False, debug: Debug = False) -> None:
    """Mend what can be mended of a project; what is replaced is kept in its folder `damaged`.

    Exit status: 0 all is well now, 1 some damage is left, 3 another process searches on it.
    """
    with answered(debug=debug):
        from tuner.journal.repair import repair as mend

        project = Project.at(project_url)
        repaired = mend(project)
    if as_json:
        state = {"project": project.url, "done": list(repaired.done), "aside": repaired.aside}
        print_json({**state, "left": _rows(repaired.left)})
    else:
        typer.echo(f"Project {project.store}")
        typer.echo("\n".join(repaired.done) or "Nothing to do.")
        if repaired.aside:
            typer.echo(f"What was replaced is kept in {repaired.aside}")
        if repaired.left:
            typer.echo("\n".join(["Not mended:", *_lines(repaired.left)]))
    if repaired.left:
        raise typer.Exit(FAILED)


def _rows(damages: Sequence[Damage]) -> list[dict[str, Any]]:
    return [{"key": d.key, "problem": d.problem, "mending": d.mending or None} for d in damages]


def _lines(damages: Sequence[Damage]) -> list[str]:
    return [
        f"{damage.key}: {damage.problem}"
        + (f" (repair: {damage.mending})" if damage.mending else "")
        for damage in damages
    ]
