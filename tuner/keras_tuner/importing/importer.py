"""Makes a project of what Keras Tuner has left."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from typing import Any

from storage import Store, open_store
from tuner.core.jsonable import to_json
from tuner.core.objective import Objective
from tuner.journal.folding import replay
from tuner.journal.history import History
from tuner.journal.ledger import trial_ended
from tuner.journal.project import Project, ProjectInfo
from tuner.keras_tuner.importing.objectives import settle_objective
from tuner.keras_tuner.importing.reading import OldProject, read_project
from tuner.keras_tuner.importing.translating import NewTrial, creations, ended, fill_in, translate
from tuner.keras_tuner.importing.writing import (
    append_all,
    check_destination,
    describe_weights,
    new_project,
    take_weights,
)


@dataclass(frozen=True, slots=True)
class Imported:
    """A project of Keras Tuner that has become one of ours."""

    source: str
    """Path or URL of the old project."""
    project: str
    """Path or URL of the new one."""
    objective: str
    """Name of the objective."""
    completed: int
    failed: int
    running: int
    """Trials that had not ended; they run again."""
    best_trial_id: str | None
    """New id of the best trial, None when none has completed."""
    best_score: float | None
    checkpoints: int
    """Trials whose weights were taken over."""
    oracle: str
    """How the old search goes on here, `"Hyperband(max_epochs=4, factor=2)"` for example; empty
    if unknown."""
    notes: tuple[str, ...]
    """What was left out or is odd, and why, in sentences."""

    @property
    def trials(self) -> int:
        return self.completed + self.failed + self.running

    def to_json(self) -> dict[str, Any]:
        state: dict[str, Any] = to_json(asdict(self))
        return state


THREADS = 8
"""Trials whose files are copied at the same time."""


def import_keras_tuner(
    old_directory: str | os.PathLike[str],
    directory: str | os.PathLike[str],
    project_name: str,
    objective: Any,
) -> Imported:
    """Makes a project of a project directory of Keras Tuner, where the search can go on.

    Trials keep their values, metrics, scores and best weights, and are numbered in the order of
    their creation; `trial.record["imported"]` holds the old id. Trials that had not ended run
    again. The old directory is not changed. All of it is checked before anything is written, and
    an import that is cut off leaves no project: run it again.

    Args:
        old_directory: Path or fsspec URL of the old project, where `oracle.json` lies.
        directory: Path or fsspec URL under which projects lie.
        project_name: Name of the new project.
        objective: The objective of the old search: a metric's name, an `Objective`, a list of
            these, or None if it had none. Directions of names are taken from the trials.

    Returns:
        What was imported, and what was left out.

    Raises:
        CorruptError: A file of the old project is damaged; the message names it.
        FileNotFoundError: There is no old project.
        FileExistsError: The new project exists already.
        ValueError: The old search had another objective.
    """
    source = open_store(old_directory)
    old = read_project(source)
    settled, odd = settle_objective(objective, old.trials.values())
    trials = translate(old, settled)
    project = Project(directory, project_name)
    check_destination(source, project)
    info = ProjectInfo(settled.to_json(), old.seed, old.oracle)
    with new_project(project, info):
        writer = _Writer(source, old, project, History(settled, old.seed))
        writer.write(trials)
    return _summary(old, settled, writer, odd)


@dataclass
class _Writer:
    """Carries the trials over, and knows what became of their weights."""

    source: Store
    old: OldProject
    project: Project
    history: History
    answers: dict[str, str] = field(default_factory=dict)

    def write(self, trials: Sequence[NewTrial]) -> None:
        created = list(creations(self.old, trials, time.time()))
        replay(self.history, created)
        over = ended(self.old, trials)
        # Results before the journal that names them, as in a search.
        with ThreadPoolExecutor(THREADS) as pool:
            answers = list(pool.map(self._carry_over, over))
        self.answers = {t.trial_id: a for t, a in zip(over, answers, strict=True)}
        now = time.time()
        events = [trial_ended(self.history.trials[t.trial_id], self.history, now) for t in over]
        replay(self.history, events)
        append_all(self.project, [*created, *events])

    def _carry_over(self, new: NewTrial) -> str:
        trial = self.history.trials[new.trial_id]
        fill_in(trial, new, self.history, str(self.source))
        answer, taken = take_weights(self.source, self.project, new)
        trial.record |= taken
        self.project.save_result(trial.trial_id, trial.get_state())
        return answer


def _summary(
    old: OldProject, objective: Objective, writer: _Writer, odd: Sequence[str]
) -> Imported:
    history = writer.history
    best = history.best
    return Imported(
        source=old.url,
        project=writer.project.url,
        objective=objective.name,
        completed=history.completed,
        failed=history.failed,
        running=len(history.running),
        best_trial_id=best.trial_id if best else None,
        best_score=best.score if best else None,
        checkpoints=sum("checkpoint" in trial.record for trial in history.trials.values()),
        oracle=_oracle(old),
        notes=(*old.notes, *odd, *_on_weights(old, writer.answers)),
    )


def _on_weights(old: OldProject, answers: Mapping[str, str]) -> list[str]:
    notes = describe_weights(answers)
    if notes and old.ladder is not None:
        notes.append("Where Hyperband promotes a trial without weights, the promoted one fails.")
    return notes


def _oracle(old: OldProject) -> str:
    if old.ladder is None:
        return "BayesianOptimization()" if old.oracle == "BayesianOptimizationOracle" else ""
    sweeps = 'float("inf")' if math.isinf(old.sweeps) else old.sweeps
    return (
        f"Hyperband(max_epochs={old.ladder.max_epochs}, factor={old.ladder.factor}, "
        f"hyperband_iterations={sweeps})"
    )
