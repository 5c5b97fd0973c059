"""Trials of Keras Tuner in our terms, with the budgets of Hyperband."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any

from tuner.core.hyperparameters import HyperParameters
from tuner.core.jsonable import to_json
from tuner.core.objective import Objective
from tuner.core.proposal import Budget
from tuner.core.seeds import trial_seed
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.events import Event, TrialCreated, TrialRetried
from tuner.journal.history import History
from tuner.journal.ledger import space_grown
from tuner.journal.trials import trial_id_of
from tuner.keras_tuner.importing.reading import OldProject
from tuner.keras_tuner.importing.trials import OldTrial, damaged


def budgets_of(project: OldProject, ids: Mapping[str, str]) -> dict[str, Budget]:
    """The budgets of the trials that have one, by old id.

    `tuner/bracket` of a promoted trial is the bracket Keras Tuner began last, whichever one the
    trial belongs to. Its own is that of the ancestor on the lowest rung.

    Args:
        project: The old project.
        ids: New ids by old ones.

    Raises:
        CorruptError: An ancestor is missing, or the epochs are not those of the bracket.
    """
    budgets: dict[str, Budget] = {}
    begun: Counter[int] = Counter()
    with_epochs = [t for t in project.trials.values() if "tuner/epochs" in t.values]
    for trial in with_epochs:
        if _parent(trial) is None:
            bracket = _number(trial, "tuner/bracket")
            sweep = _sweep(project, trial, bracket, begun)
            budget = _budget(trial, sweep, bracket, None)
            budgets[trial.trial_id] = _checked(project, trial, budget, None)
    for trial in with_epochs:
        for child, below in _line_of(project, budgets, trial):
            lower = budgets[below]
            budget = _budget(child, lower.sweep, lower.bracket, ids[below])
            budgets[child.trial_id] = _checked(project, child, budget, lower)
    return budgets


def _line_of(
    project: OldProject, budgets: Mapping[str, Budget], trial: OldTrial
) -> Iterator[tuple[OldTrial, str]]:
    """The trial and its ancestors that have no budget yet, each after its parent."""
    line = [trial.trial_id]
    while line[-1] not in budgets:
        child = project.trials[line[-1]]
        parent = _parent(child)
        if parent is None or parent not in project.trials or parent in line:
            expected = "`tuner/trial_id` to be the trial that was promoted"
            raise damaged(child.where, expected, f"tuner/trial_id={parent!r}")
        line.append(parent)
    for below, child_id in pairwise(reversed(line)):
        yield project.trials[child_id], below


def _budget(trial: OldTrial, sweep: int, bracket: int, parent: str | None) -> Budget:
    return Budget(
        epochs=_number(trial, "tuner/epochs"),
        initial_epoch=_number(trial, "tuner/initial_epoch"),
        sweep=sweep,
        bracket=bracket,
        rung=_number(trial, "tuner/round"),
        parent=parent,
    )


def _sweep(project: OldProject, trial: OldTrial, bracket: int, begun: Counter[int]) -> int:
    """Keras Tuner fills the lowest rung of a bracket before it begins another one."""
    if project.ladder is None:
        return 0
    tables = project.ladder.brackets()
    if not 0 <= bracket < len(tables):
        raise damaged(trial.where, f"`tuner/bracket` below {len(tables)}", f"{bracket=}")
    begun[bracket] += 1
    return (begun[bracket] - 1) // tables[-1 - bracket][0].capacity


def _checked(project: OldProject, trial: OldTrial, budget: Budget, lower: Budget | None) -> Budget:
    """The budget, if it continues its parent's and is in the table of brackets."""
    rung, first = (0, 0) if lower is None else (lower.rung + 1, lower.epochs)
    received = (
        f"tuner/epochs={budget.epochs}, tuner/initial_epoch={budget.initial_epoch}, "
        f"tuner/round={budget.rung}"
    )
    if (budget.rung, budget.initial_epoch) != (rung, first):
        raise damaged(trial.where, f"round {rung} from epoch {first} on", received)
    if project.ladder is None:
        return budget
    rungs = project.ladder.brackets()[-1 - budget.bracket]
    if rung >= len(rungs) or rungs[rung].epochs != budget.epochs:
        expected = f"a round of bracket {budget.bracket} of {project.ladder}"
        raise damaged(trial.where, expected, received)
    return budget


def _parent(trial: OldTrial) -> str | None:
    parent = trial.values.get("tuner/trial_id")
    return None if parent is None else str(parent)


def _number(trial: OldTrial, name: str) -> int:
    value = trial.values.get(name, 0)
    if not isinstance(value, int):
        raise damaged(trial.where, f"`{name}` to be a whole number", f"{name}={value!r}")
    return value


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
    # Which of them the study declares, and which only trials met, an old project does not tell.
    for grown in space_grown(space, HyperParameters()):
        yield replace(grown, met=True)
    for number, trial in enumerate(trials):
        running = trial.status == TrialStatus.RUNNING
        yield TrialCreated(
            trial_id=trial.trial_id,
            values=to_json(trial.values),
            time=now,
            # Only a trial that runs again is seeded: the others' seeds are unknown.
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
