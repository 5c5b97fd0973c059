"""`trialflow import-keras-tuner`: goes on with what Keras Tuner has begun."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Annotated, Any

import typer

from flows.commands.answers import Debug, Json, answered, print_json
from storage import split_url
from tuner.core.objective import Objective
from tuner.keras_tuner import importing
from tuner.keras_tuner.importing import Imported
from tuner.search.progress import number


def import_project(
    old_directory: str, project_url: str, objectives: Sequence[str], directions: Sequence[str]
) -> Imported:
    """Imports a project directory of Keras Tuner.

    Args:
        old_directory: Path or URL of the old project.
        project_url: Path or URL of the new one.
        objectives: Names of metrics, at least one.
        directions: Of each metric `"min"` or `"max"`, in the same order; none to infer them.

    Raises:
        ValueError: There are not as many directions as objectives; and what
            `import_keras_tuner` raises.
    """
    directory, name = split_url(project_url)
    return importing.import_keras_tuner(
        old_directory, directory, name, _objective(objectives, directions)
    )


def describe(imported: Imported) -> str:
    """The import in words, and what to do next."""
    ended = f"{imported.completed} completed, {imported.failed} failed"
    lines = [
        f"Imported {imported.trials} trials from {imported.source}",
        f"  {ended}, {imported.running} to run again; weights of {imported.checkpoints}",
    ]
    if imported.best_trial_id is not None:
        score = number(imported.best_score)
        lines.append(f"  best: trial {imported.best_trial_id}, {imported.objective} {score}")
    if imported.notes:
        lines += ["Left out, or odd:", *(f"  {note}" for note in imported.notes)]
    return "\n".join([*lines, *_next_steps(imported)])


def _objective(names: Sequence[str], directions: Sequence[str]) -> Any:
    if directions and len(directions) != len(names):
        msg = "Expected one --direction for each --objective, in their order, or none at all."
        raise ValueError(f"{msg} Received: {len(names)} objectives, {len(directions)} directions.")
    objectives: list[Any] = list(names)
    if directions:
        objectives = [Objective(*pair) for pair in zip(names, directions, strict=True)]
    return objectives if len(objectives) > 1 else objectives[0]


def _next_steps(imported: Imported) -> list[str]:
    directory, name = split_url(imported.project)
    options = shlex.join(["--directory", directory, "--project-name", name])
    study = f"STUDY.py with {imported.oracle}" if imported.oracle else "STUDY.py"
    return [
        f"Project: {imported.project}",
        f"  trialflow status {shlex.quote(imported.project)}",
        f"To go on, search on this project with the same objective, for example {study}:",
        f"  trialflow search STUDY.py {options}",
    ]


def import_keras_tuner(
    old_dir: Annotated[
        str, typer.Argument(help="Path or fsspec URL of Keras Tuner's project, with oracle.json.")
    ],
    project_url: Annotated[str, typer.Argument(help="Path or URL of the project to make.")],
    objective: Annotated[
        list[str],
        typer.Option(
            help="Metric that the old search improved; repeat it if there were several. "
            "default_objective if none was given."
        ),
    ],
    direction: Annotated[
        list[str] | None,
        typer.Option(help="min or max, once for each objective.", show_default="inferred"),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Take over a project directory of Keras Tuner: its trials, scores and best weights.

    The old directory is not changed. An import that is cut off is run again.
    """
    with answered(debug=debug):
        imported = import_project(old_dir, project_url, objective, direction or [])
    if as_json:
        print_json(imported.to_json())
    else:
        typer.echo(describe(imported))
