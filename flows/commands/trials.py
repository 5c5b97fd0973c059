"""`trialflow trials` and `trialflow show`: the trials of a project, and one of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

import typer

from flows.commands import tables
from flows.commands.answers import Debug, Json, ProjectUrl, answered, print_json
from flows.present import Found, describe, objectives_of, open_project
from tuner.core.jsonable import to_json
from tuner.core.text import clean
from tuner.core.trial import Trial
from tuner.journal.executions import best_epoch, executions
from tuner.search.progress import number, value_text


def details(found: Found, trial: Trial) -> dict[str, Any]:
    """What `trialflow show --json` prints."""
    project = found.project
    log = project.paths.trial(trial.trial_id).log
    return {
        "project": project.url,
        "objective": found.history.objective.name,
        **describe(trial),
        "seed": trial.seed,
        "objectives": objectives_of(trial, found.history),
        "best_epoch": best_epoch(trial),
        "executions": [
            {"execution": place, "metrics": dict(execution["metrics"])}
            for _, place, execution in executions(project, found.history, [trial.trial_id])
        ],
        "log": f"{project.url}/{log}" if project.store.exists(log) else None,
    }


def page(what: Mapping[str, Any]) -> str:
    """The details for people."""
    lines = [f"Trial {what['trial_id']} of {what['project']}: {what['status'].lower()}"]
    if what["score"] is not None:
        scores = ", ".join(f"{name} {number(each)}" for name, each in what["objectives"].items())
        epoch = "" if what["best_epoch"] is None else f", epoch {what['best_epoch']}"
        lines.append(scores + epoch)
    lines += ["Hyperparameters:", *_pairs(what["hyperparameters"])]
    lines += _executions(what["executions"])
    lines += _where(what)
    if what["message"]:
        lines += ["What went wrong:", clean(what["message"]).rstrip()]
    return "\n".join(lines)


def _executions(found: list[dict[str, Any]]) -> list[str]:
    if not found:
        return []
    names = list(dict.fromkeys(name for each in found for name in each["metrics"]))
    rows = [
        [str(each["execution"]), *(_cell(each["metrics"].get(name)) for name in names)]
        for each in found
    ]
    return ["What each training gave:", tables.table(["execution", *names], rows)]


def _where(what: Mapping[str, Any]) -> list[str]:
    facts = {
        "seed": what["seed"],
        "tries": what["tries"],
        "host": what["host"],
        "slot": what["slot"],
        "started": None if what["started"] is None else tables.moment(what["started"]),
        "time": tables.duration(what["seconds"]),
        "log": what["log"],
    }
    known = {name: value for name, value in facts.items() if value is not None}
    return ["How it ran:", *_pairs(known)]


def _pairs(found: Mapping[str, Any]) -> list[str]:
    return [f"  {clean(name)} = {_cell(value)}" for name, value in found.items()]


def _cell(value: Any) -> str:
    return "-" if value is None else value_text(value)


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
        rows = [
            to_json({**describe(trial), "objectives": objectives_of(trial, found.history)})
            for trial in chosen
        ]
        print_json({"project": found.project.url, "trials": rows})
    else:
        typer.echo(tables.trials(chosen, found.history))


def show(
    project_url: ProjectUrl,
    trial: Annotated[str, typer.Argument(help="Number of the trial: 7 or 0007.")],
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Show one trial: its values, what each training gave, where it ran, why it failed."""
    with answered(debug=debug):
        found = open_project(project_url)
        known = found.trial(trial)
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
