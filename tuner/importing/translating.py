"""What the old trials are here: their ids, values, budgets and fates."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.budget import Budget
from tuner.hyperparameters import HyperParameters
from tuner.importing.damage import damaged
from tuner.importing.ladders import budgets_of
from tuner.importing.reading import OldProject
from tuner.importing.trials import OldTrial
from tuner.jsonable import to_json
from tuner.objective import Objective
from tuner.seeds import trial_seed
from tuner.state.events import Event, TrialCreated, TrialRetried
from tuner.state.history import History
from tuner.state.ledger import space_grown
from tuner.state.trials_by_id import trial_id_of
from tuner.trial import Trial, TrialStatus


@dataclass(frozen=True, slots=True)
class NewTrial:
    """An old trial with its place in the new project."""

    old: OldTrial
    trial_id: str
    values: Mapping[str, Any]
    """Without the `tuner/*` entries of a budget."""
    budget: Budget | None
    status: str
    """`RUNNING`, `COMPLETED` or `FAILED`."""
    message: str | None
    retries: int
    """Tries of a running trial that came to nothing."""


def translate(project: OldProject, objective: Objective) -> list[NewTrial]:
    """The trials in the order of their creation, numbered as ours are.

    Raises:
        CorruptError: Promotions of a Hyperband search do not fit together.
    """
    ids = {old_id: trial_id_of(number) for number, old_id in enumerate(project.trials)}
    budgets = budgets_of(project, ids)
    return [
        _new_trial(project, objective, old, ids, budgets.get(old.trial_id))
        for old in project.trials.values()
    ]


def ended(project: OldProject, trials: Sequence[NewTrial]) -> list[NewTrial]:
    """The trials that have ended, in the order in which they did."""
    by_old_id = {trial.old.trial_id: trial for trial in trials}
    order = dict.fromkeys([*project.end_order, *by_old_id])
    found = (by_old_id[old_id] for old_id in order)
    return [trial for trial in found if trial.status != TrialStatus.RUNNING]


def creations(project: OldProject, trials: Sequence[NewTrial], now: float) -> Iterator[Event]:
    """The events that make the space and the trials, none of them ended yet."""
    space = project.space.copy()
    for trial in trials:
        space.merge(trial.old.space, overwrite=False)
    yield from space_grown(space, HyperParameters())
    for number, trial in enumerate(trials):
        running = trial.status == TrialStatus.RUNNING
        yield TrialCreated(
            trial_id=trial.trial_id,
            values=to_json(trial.values),
            time=now,
            # Only a trial that runs again is seeded: nobody knows the others' seeds.
            seed=trial_seed(project.seed, number) if running else None,
            budget=trial.budget.to_json() if trial.budget else None,
        )
        for _ in range(trial.retries):
            yield TrialRetried(trial.trial_id, "invalid", trial.old.message, now)


def fill_in(trial: Trial, new: NewTrial, history: History, source: str) -> None:
    """Gives a trial of the history the outcome of the old one."""
    old = new.old
    if old.space.space != history.space.space:
        trial.hyperparameters = old.space.with_values(trial.hyperparameters.values)
    trial.metrics = old.metrics
    trial.score = old.score if new.status == TrialStatus.COMPLETED else None
    trial.best_step = old.best_step
    trial.status, trial.message = new.status, new.message
    trial.record = {"imported": {"trial_id": old.trial_id, "from": source}}
    if old.build_config is not None:
        trial.record["build_config"] = dict(old.build_config)


def _new_trial(
    project: OldProject,
    objective: Objective,
    old: OldTrial,
    ids: Mapping[str, str],
    budget: Budget | None,
) -> NewTrial:
    status, message = _fate(project, objective, old)
    running = status == TrialStatus.RUNNING
    return NewTrial(
        old=old,
        trial_id=ids[old.trial_id],
        values=_values(old, budget, ids),
        budget=budget,
        status=status,
        message=message,
        retries=project.run_times.get(old.trial_id, 0) if running else 0,
    )


def _values(old: OldTrial, budget: Budget | None, ids: Mapping[str, str]) -> dict[str, Any]:
    values = dict(old.values)
    if "tuner/trial_id" in values:
        values["tuner/trial_id"] = ids.get(values["tuner/trial_id"], values["tuner/trial_id"])
    if budget is not None:
        values = {name: value for name, value in values.items() if not name.startswith("tuner/")}
    for name, value in values.items():
        if isinstance(value, float) and not math.isfinite(value):
            raise damaged(old.where, "finite values", f"{name}={value}")
    return values


def _fate(project: OldProject, objective: Objective, old: OldTrial) -> tuple[str, str | None]:
    """The status of a trial here, and why it failed if it has."""
    waits = old.trial_id in project.unfinished
    match old.status:
        case TrialStatus.RUNNING:
            return TrialStatus.RUNNING, None
        case TrialStatus.INVALID if waits:
            return TrialStatus.RUNNING, None
        case TrialStatus.COMPLETED if old.score is not None and math.isfinite(old.score):
            return TrialStatus.COMPLETED, old.message
        case TrialStatus.COMPLETED:
            message = f"The objective is not finite: {objective.name}={old.score}."
            return TrialStatus.FAILED, message
        case _:
            return TrialStatus.FAILED, old.message
