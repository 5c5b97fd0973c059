"""What the executions of trials have left: their metrics and their learning curves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import Any

from storage import CorruptError
from tuner.jsonable import from_json
from tuner.state.history import History
from tuner.state.project import Project
from tuner.trial import Trial, TrialStatus

Execution = dict[str, Any]
"""`metrics`, and where there is a curve `best_step`, `epochs` and `history`."""


def executions(project: Project, history: History) -> Iterator[tuple[str, int, Execution]]:
    """What each execution of the ended trials left, with the trial's id and its number.

    Raises:
        CorruptError: A result cannot be read.
    """
    ended = [trial for trial in history.trials.values() if trial.ended]
    keys = {trial.trial_id: project.paths.trial(trial.trial_id).result for trial in ended}
    found = project.store.read_many(keys.values())
    for trial in ended:
        key = keys[trial.trial_id]
        record = _record(found[key], f"{project.url}/{key}") if key in found else {}
        for number, execution in enumerate(record.get("executions") or _reported(trial)):
            yield trial.trial_id, number, execution


def curve(execution: Execution) -> Iterator[tuple[int, dict[str, float]]]:
    """The epochs of an execution, each with its metrics."""
    epochs: list[int] = execution.get("epochs", [])
    values: dict[str, list[float]] = execution.get("history", {})
    at = {
        name: dict(zip(measured_at(epochs, len(of_name)), of_name, strict=False))
        for name, of_name in values.items()
    }
    for epoch in epochs:
        yield epoch, {name: found[epoch] for name, found in at.items() if epoch in found}


def measured_at(epochs: Sequence[int], count: int) -> Sequence[int]:
    """The epochs in which a metric with this many values was measured.

    With fewer values than epochs it is one of validation every n-th epoch. Where several n would
    fit, nobody can say, and the answer is none.
    """
    if count == len(epochs):
        return epochs
    fitting = {
        tuple(epoch for epoch in epochs if (epoch + 1) % every == 0)
        for every in range(2, 2 + max(epochs, default=0))
    }
    distinct = [places for places in fitting if len(places) == count]
    return distinct[0] if len(distinct) == 1 else ()


def metrics_at_best(trial: Trial) -> dict[str, float | None]:
    """Each metric at the trial's best step; its last value where it has none there."""
    found = {}
    for name, metric in trial.metrics.metrics.items():
        at_best = (o.mean() for o in metric.get_history() if o.step == trial.best_step)
        found[name] = next(at_best, metric.get_last_value())
    return found


def _record(data: bytes, where: str) -> dict[str, Any]:
    try:
        return dict(from_json(json.loads(data).get("record") or {}))
    except ValueError as error:
        raise CorruptError(f"Expected JSON at {where}. Received: {error}.") from error


def _reported(trial: Trial) -> list[Execution]:
    """One execution, with what a trial that ended well told the oracle by `update_trial`."""
    if trial.status != TrialStatus.COMPLETED:
        return []
    reported = {
        name: {observation.step: observation.mean() for observation in metric.get_history()}
        for name, metric in trial.metrics.metrics.items()
    }
    steps = sorted({step for by_step in reported.values() for step in by_step})
    values = {name: [by_step.get(step) for step in steps] for name, by_step in reported.items()}
    execution = {"metrics": metrics_at_best(trial), "best_step": trial.best_step}
    return [{**execution, "epochs": steps, "history": values}]
