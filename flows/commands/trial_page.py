"""One trial, told whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flows.commands import tables
from flows.projects import Found, describe
from tuner.search.progress import number
from tuner.state.executions import executions
from tuner.trial import Trial


def details(found: Found, trial: Trial) -> dict[str, Any]:
    """What `trialflow show --json` prints."""
    project = found.project
    log = project.paths.trial(trial.trial_id).log
    return {
        "project": project.url,
        "objective": found.history.objective.name,
        **describe(trial),
        "seed": trial.seed,
        "best_epoch": None if trial.score is None else (trial.best_step or 0) + 1,
        "executions": [
            {"execution": place, "metrics": dict(execution["metrics"])}
            for trial_id, place, execution in executions(project, found.history)
            if trial_id == trial.trial_id
        ],
        "log": f"{project.url}/{log}" if project.store.exists(log) else None,
    }


def page(what: Mapping[str, Any]) -> str:
    """The details for people."""
    lines = [f"Trial {what['trial_id']} of {what['project']}: {what['status'].lower()}"]
    if what["score"] is not None:
        lines.append(f"{what['objective']} {number(what['score'])}, epoch {what['best_epoch']}")
    lines += ["Hyperparameters:", *_pairs(what["hyperparameters"])]
    lines += _executions(what["executions"])
    lines += _where(what)
    if what["message"]:
        lines += ["What went wrong:", what["message"].rstrip()]
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
    return [f"  {name} = {_cell(value)}" for name, value in found.items()]


def _cell(value: Any) -> str:
    return number(value) if isinstance(value, float) else "-" if value is None else str(value)
