"""Where the trials of an old Hyperband search stand on our ladders."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise

from tuner.budget import Budget
from tuner.importing.damage import damaged
from tuner.importing.reading import OldProject
from tuner.importing.trials import OldTrial


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
