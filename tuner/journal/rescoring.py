"""Scores trials anew by another objective, from the metrics that their executions have recorded."""

from __future__ import annotations

import functools
from collections import defaultdict
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import Any

from tuner.core.jsonable import to_json
from tuner.core.metrics import MetricsTracker
from tuner.core.objective import Objective, single_objectives
from tuner.core.outcome import Outcome
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.events import ObjectiveChanged
from tuner.journal.executions import SUM, Execution, Left, described_anew, results_left
from tuner.journal.history import History
from tuner.journal.project import Project

LISTED = 8
"""Trials named in a message."""

SetScore = Callable[[Trial], None]
"""Sets `score` and `best_step` of a trial from its metrics."""


def objective_changed(
    history: History,
    objective: Objective,
    project: Project | None,
    set_score: SetScore | None = None,
) -> list[ObjectiveChanged]:
    """The event that has a search improve another objective; none where it does already.

    Args:
        history: Everything that has happened.
        objective: The new one.
        project: Where the results of trials lie; None where they were never kept.
        set_score: As an oracle scores trials; None for as all but a few do.

    Raises:
        ValueError: A trial that has completed did not record it.
    """
    if history.objective == objective:
        return []
    set_score = set_score or functools.partial(_set_score, objective)
    outcomes, lacking = {}, []
    measured = _measured(history, project)
    for trial, left in measured:
        anew = scored_anew(trial, left, objective)
        if anew is not None:
            outcomes[trial.trial_id] = _outcome(anew, objective, set_score)
        elif trial.status == TrialStatus.COMPLETED:
            lacking.append(trial.trial_id)
    if lacking:
        raise ValueError(_refusal(history, objective, lacking, _recorded(measured)))
    return [ObjectiveChanged(objective.to_json(), outcomes)]


def scored_anew(trial: Trial, left: Left, objective: Objective) -> Trial | None:
    """How a trial would have ended with another objective; None if it did not record that.

    Args:
        trial: It stays as it is.
        left: What it has left, whatever the objective was.
        objective: The other one.

    Returns:
        A trial with other metrics, whose score is still to be set, and `scores` in its record.
    """
    anew = Trial(trial.hyperparameters, trial.trial_id, TrialStatus.COMPLETED)
    anew.metrics = MetricsTracker.from_config(left.metrics or trial.metrics.get_config())
    anew.metrics.metrics.pop(SUM, None)
    if left.executions:
        told = _of_executions(anew, left.executions, objective)
    else:
        told = _of_reports(anew, objective)
    for each in (objective, *single_objectives(objective)):
        if anew.metrics.exists(each.name):
            anew.metrics.metrics[each.name].direction = each.direction
    return anew if told else None


def measured_by(trial: Trial, objective: Objective) -> bool:
    """Has a trial that may have run for another objective tell of this one, if it recorded it.

    Otherwise it is as if it had not run.
    """
    if trial.status != TrialStatus.COMPLETED:
        return True
    anew = scored_anew(trial, left_by(trial), objective)
    if anew is None:
        trial.forget_outcome()
        return False
    trial.metrics, trial.record["scores"] = anew.metrics, anew.record["scores"]
    return True


def left_by(trial: Trial) -> Left:
    """What a trial has left, where it is read from its result."""
    executions: Any = trial.record.get("executions") or ()
    return Left(executions, trial.metrics.get_config())


Measured = tuple[Trial, Left]
"""A trial and what it has left."""


def _measured(history: History, project: Project | None) -> list[Measured]:
    """The trials that have completed, or would have by some other objective."""
    ended = [t for t in history.trials.values() if t.ended]
    of = {
        t.trial_id: t.outcome for t in ended if t.outcome in (Outcome.COMPLETED, Outcome.NOT_FINITE)
    }
    left = {} if project is None else results_left(project, of)
    return [
        (trial, left.get(trial.trial_id, Left()))
        for trial in ended
        if of.get(trial.trial_id) == Outcome.COMPLETED or trial.trial_id in left
    ]


def _of_executions(anew: Trial, executions: Sequence[Execution], objective: Objective) -> bool:
    """Takes over the means of the best epochs of all executions, if they have the objective."""
    found = [each for e in executions if (each := described_anew(e, objective)) is not None]
    if len(found) < len(executions):
        return False
    step = _mean_step(found, anew.metrics)
    values = defaultdict(list)
    for each in found:
        for name, value in each["metrics"].items():
            values[name].append(value)
    for old in (_mean_step(executions, anew.metrics), step):
        anew.metrics.forget(values, old)
    for name, of_name in values.items():
        anew.metrics.update(name, fmean(of_name), step=step)
    anew.record["scores"] = values[objective.name]
    return True


def _mean_step(executions: Sequence[Execution], tracker: MetricsTracker) -> int:
    """The best step of a trial with these executions; its last one where there are no epochs."""
    has_epochs = any("best_step" in execution for execution in executions)
    steps = [execution.get("best_step", 0) for execution in executions]
    return int(fmean(steps)) if has_epochs else tracker.last_step


def _of_reports(anew: Trial, objective: Objective) -> bool:
    """Has each step that a trial has told of tell of the objective; whether one does."""
    tracker = anew.metrics
    steps: dict[int, dict[str, float]] = defaultdict(dict)
    for name, metric in tracker.metrics.items():
        for observed in metric.get_history():
            steps[observed.step][name] = observed.mean()
    scores = {n: objective.get_value(m) for n, m in steps.items() if objective.has_value(m)}
    if not tracker.exists(objective.name):
        for step, score in scores.items():
            tracker.update(objective.name, score, step=step)
    best = min(scores.values(), key=objective.loss, default=None)
    anew.record["scores"] = [] if best is None else [best]
    return best is not None


def _set_score(objective: Objective, trial: Trial) -> None:
    trial.score = trial.metrics.get_best_value(objective.name)
    trial.best_step = trial.metrics.get_best_step(objective.name)


def _outcome(anew: Trial, objective: Objective, set_score: SetScore) -> dict[str, Any]:
    """The end of a trial as an event tells it, JSON: `Trial.take_score` takes it."""
    set_score(anew)
    anew.check_score(objective.name, anew.score)
    completed = anew.status == TrialStatus.COMPLETED
    return {
        "status": TrialStatus.COMPLETED if completed else TrialStatus.FAILED,
        "score": to_json(anew.score) if completed else None,
        "best_step": anew.best_step,
        "metrics": anew.metrics.get_config(),
        "message": anew.message,
        "scores": to_json(anew.record["scores"]),
    }


def _recorded(measured: Sequence[Measured]) -> list[str]:
    """Names of the metrics that each of the trials has recorded."""
    names = [
        set(metrics)
        for trial, left in measured
        for metrics in [e.get("history") or e["metrics"] for e in left.executions]
        or [trial.metrics.metrics]
    ]
    return sorted(set.intersection(*names) - {SUM})


def _refusal(
    history: History, objective: Objective, lacking: Sequence[str], names: Sequence[str]
) -> str:
    ids = ", ".join(lacking[:LISTED]) + (" and others" if len(lacking) > LISTED else "")
    return (
        "Expected an objective that every completed trial has recorded, one of "
        f"{', '.join(names)}; the project's is {history.objective}. "
        f"Received: {objective}, which trials {ids} have not. Name it with --objective and "
        "--direction or in the study, or give the new search another project name."
    )
