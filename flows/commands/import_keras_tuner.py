"""`trialflow import-keras-tuner`: goes on with what Keras Tuner has begun."""

from __future__ import annotations

from typing import Annotated

import typer

from flows.commands.answers import Debug, Json, answered, print_json


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
    from flows.commands import importing

    with answered(debug=debug):
        imported = importing.import_project(old_dir, project_url, objective, direction or [])
    if as_json:
        print_json(imported.to_json())
    else:
        typer.echo(importing.describe(imported))
