"""`trialflow rerun`: is a trial's result what the same seed gives again?"""

from __future__ import annotations

from typing import Annotated, Any

import typer

from flows.commands.answers import Debug, Json, ProjectUrl, answered, print_json
from flows.commands.rerunning import Comparison, repeat_trial
from tuner.search.progress import number


def rerun(
    project_url: ProjectUrl,
    trial_id: Annotated[str, typer.Argument(help="Id of a completed trial.")],
    study: Annotated[
        str | None,
        typer.Option(
            help="Path or module name of the study file.", show_default="the one searched last"
        ),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Train a trial again from its seed, and compare every metric of every epoch.

    The project is only read. Exit status: 0 all are equal bit for bit, 1 they are not.
    """
    with answered(debug=debug):
        compared = repeat_trial(
            project_url, trial_id, study, lambda line: typer.echo(line, err=True)
        )
    if as_json:
        print_json(_to_json(compared))
    else:
        typer.echo(_describe(compared))
    if compared.difference is not None:
        raise typer.Exit(1)


def _describe(compared: Comparison) -> str:
    lines = [f"Trial {compared.trial_id} of {compared.project}, seed {compared.seed}"]
    for place, (then, now) in enumerate(
        zip(compared.then["scores"], compared.now["scores"], strict=False)
    ):
        lines.append(f"  execution {place}: score {number(then)} then, {number(now)} now")
    difference = compared.difference
    equal = "Equal, bit for bit."
    return "\n".join([*lines, equal if difference is None else f"Different: {difference}"])


def _to_json(compared: Comparison) -> dict[str, Any]:
    return {
        "project": compared.project,
        "trial_id": compared.trial_id,
        "seed": compared.seed,
        "equal": compared.difference is None,
        "difference": compared.difference,
        "scores": {"then": compared.then["scores"], "now": compared.now["scores"]},
    }
