"""Results of executions: metrics, learning curves, saved progress."""

from __future__ import annotations

import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from storage import CorruptError, KeyMissingError, unseal
from tuner.core.jsonable import from_json
from tuner.core.objective import Objective
from tuner.core.text import short_repr
from tuner.core.trial import Trial, TrialStatus
from tuner.core.typed import understood
from tuner.journal.history import History
from tuner.journal.project import Project
from tuner.journal.trial_files import Manifest

Execution = dict[str, Any]
"""`metrics`, and where there is a curve `best_step`, `epochs` and `history`."""


def executions(
    project: Project, history: History, trial_ids: Collection[str] | None = None
) -> Iterator[tuple[str, int, Execution]]:
    """What each execution of the ended trials left, with the trial's id and its number.

    Args:
        project: Where the results lie.
        history: Tells which trials have ended.
        trial_ids: Those to read; all if omitted.

    Raises:
        CorruptError: A result cannot be read.
    """
    wanted = history.trials if trial_ids is None else trial_ids
    ended = [t for t in history.trials.values() if t.ended and t.trial_id in wanted]
    left = results_left(project, [trial.trial_id for trial in ended])
    for trial in ended:
        found = left.get(trial.trial_id, Left()).executions
        if history.rescored:
            found = [described_anew(each, history.objective) or each for each in found]
        found = found or _reported(trial)
        for number, execution in enumerate(found):
            yield trial.trial_id, number, execution


@dataclass(frozen=True, slots=True)
class Left:
    """What a trial has left in its `result.json`."""

    executions: Sequence[Execution] = ()
    metrics: Mapping[str, Any] = field(default_factory=dict)
    """As `MetricsTracker.get_config` gives them."""


def results_left(project: Project, trial_ids: Iterable[str]) -> dict[str, Left]:
    """What trials have left, those left out that have left nothing.

    Raises:
        CorruptError: A result cannot be read.
    """
    keys = {trial_id: project.paths.trial(trial_id).result for trial_id in trial_ids}
    found = project.store.read_many(keys.values())
    return {
        trial_id: _left(found[key], f"{project.store}/{key}")
        for trial_id, key in keys.items()
        if key in found
    }


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
    fit it is unknown, and the answer is none.
    """
    if count == len(epochs):
        return epochs
    fitting = {
        tuple(epoch for epoch in epochs if (epoch + 1) % every == 0)
        for every in range(2, 2 + max(epochs, default=0))
    }
    distinct = [places for places in fitting if len(places) == count]
    return distinct[0] if len(distinct) == 1 else ()


def whole_epochs(
    epochs: Sequence[int], history: Mapping[str, Sequence[float]]
) -> dict[int, dict[str, float]]:
    """The metrics of each epoch that has them all, by its index.

    With `validation_freq` most epochs have no validation metrics, and cannot be the best.

    Args:
        epochs: Numbers of the epochs that were trained.
        history: Values by metric.
    """
    at = {
        name: dict(zip(measured_at(epochs, len(values)) or epochs, values, strict=False))
        for name, values in history.items()
    }
    return {
        index: {name: values[epoch] for name, values in at.items()}
        for index, epoch in enumerate(epochs)
        if all(epoch in values for values in at.values())
    }


def best_of(epochs: Mapping[int, Mapping[str, float]], objective: Objective) -> int | None:
    """Index of the best of these epochs; the first of equals, never one that is NaN.

    None where the objective is not among their metrics.
    """
    values = {index: _value(logs, objective) for index, logs in epochs.items()}
    known = {index: value for index, value in values.items() if value is not None}
    real = [index for index, value in known.items() if not math.isnan(value)]
    return min(real or known, key=lambda index: objective.loss(known[index]), default=None)


SUM = "multi_objective"
"""The metric of several objectives, which of other objectives is another one."""


def described_anew(execution: Execution, objective: Objective) -> Execution | None:
    """What an execution has left, with the best epoch by another objective and its metrics.

    None if it did not record that objective.
    """
    epochs = whole_epochs(execution.get("epochs", []), execution.get("history", {}))
    step = best_of(epochs, objective)
    if epochs and step is None:
        return None
    metrics = dict(execution["metrics"] if step is None else epochs[step])
    metrics.pop(SUM, None)
    if not objective.has_value(metrics):
        return None
    metrics[objective.name] = float(objective.get_value(metrics))
    return {**execution, "metrics": metrics, **({} if step is None else {"best_step": step})}


def _value(logs: Mapping[str, Any], objective: Objective) -> float | None:
    return float(objective.get_value(logs)) if objective.has_value(logs) else None


def metrics_at_best(trial: Trial) -> dict[str, float | None]:
    """Each metric at the trial's best step; its last value where it has none there."""
    found = {}
    for name, metric in trial.metrics.metrics.items():
        at_best = (o.mean() for o in metric.get_history() if o.step == trial.best_step)
        found[name] = next(at_best, metric.get_last_value())
    return found


def best_epoch(trial: Trial) -> int | None:
    """The epoch the score is of, from 1, and for a promoted trial from its first ancestor's first.

    With several executions it is the mean of theirs. None for a trial without epochs.
    """
    if trial.score is None or trial.best_step is None:
        return None
    if "epochs" not in trial.record and not _reported_steps(trial):
        return None
    # Where the parent left no weights, training began anew, and the value is gone.
    goes_on = "tuner/trial_id" in trial.hyperparameters.values
    first = trial.budget.initial_epoch if goes_on and trial.budget is not None else 0
    return first + trial.best_step + 1


def _reported_steps(trial: Trial) -> bool:
    """Whether the trial told the oracle of one step after the other, by `update_trial`."""
    histories = (metric.get_history() for metric in trial.metrics.metrics.values())
    return any(len({observation.step for observation in each}) > 1 for each in histories)


def _left(data: bytes, where: str) -> Left:
    state = unseal(data, where)
    with understood(where):
        record: dict[str, Any] = from_json(state.get("record") or {})
        executions = record.get("executions") or ()
        for execution in executions:
            check_execution(execution)
    return Left(executions, state.get("metrics") or {})


def check_document(data: bytes, where: str) -> dict[str, Any]:
    """What stands in the result of an execution.

    Raises:
        CorruptError: It is not what was written.
    """
    state = unseal(data, where)
    match state:
        case {"format": int(), "result": dict(), "best_value": _, "record": dict(), "reports": _}:
            return state
    raise CorruptError(f"Expected an execution's result at {where}. Received: {sorted(state)}.")


def check_execution(execution: Any) -> None:
    """Raises ValueError for what is no record of an execution."""
    match execution:
        case {"metrics": {**metrics}} if all(_is_number(value) for value in metrics.values()):
            epochs, history = execution.get("epochs", []), execution.get("history", {})
        case _:
            raise ValueError(f"expected an execution, received {short_repr(execution)}")
    if not isinstance(epochs, list) or not all(type(epoch) is int for epoch in epochs):
        raise ValueError(f"expected numbers of epochs, received {short_repr(epochs)}")
    if not isinstance(history, Mapping) or not all(_is_curve(of) for of in history.values()):
        raise ValueError(f"expected learning curves, received {short_repr(history)}")


def _is_curve(values: Any) -> bool:
    return isinstance(values, list) and all(map(_is_number, values))


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


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


Progress = tuple[int, int]
"""Executions of a trial that have ended, and epochs of the next one."""

NOTHING: Progress = (0, 0)


class SavedProgress:
    """Detects whether a lost trial has made progress since its previous loss."""

    def __init__(self) -> None:
        self._progress: dict[str, Progress] = {}

    def got_on(self, project: Project | None, trial: Trial) -> bool:
        """Whether the trial has left more on the store than when this was asked last."""
        before = self._progress.get(trial.trial_id, NOTHING)
        now = NOTHING if project is None else progress_of(project, trial)
        self._progress[trial.trial_id] = now
        return now > before


def progress_of(project: Project, trial: Trial) -> Progress:
    """What a trial has left on the store."""
    paths = project.paths.trial(trial.trial_id)
    if not project.store.list(paths.folder):
        return NOTHING
    ended = 0
    while project.store.exists(paths.execution(ended, trial.retries).result):
        ended += 1
    key = paths.execution(ended, trial.retries).manifest
    try:
        return ended, Manifest.parse(project.store.read(key), f"{project.store}/{key}").epoch
    except (KeyMissingError, CorruptError):
        return ended, 0
