"""Repeats a trial that has ended, beside its project, and compares. Knows nothing of Prefect."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from flows.projects import open_project
from flows.running.run_settings import RunSettings
from tasks.slots import LocalSlots
from tuner.jsonable import from_json
from tuner.state.project import Project
from tuner.trial import Trial, TrialStatus


@dataclass(frozen=True, slots=True)
class Comparison:
    """A trial beside its repetition."""

    project: str
    trial_id: str
    seed: int | None
    then: dict[str, Any]
    """`scores` and `executions`, as the trial's record has them."""
    now: dict[str, Any]

    @property
    def difference(self) -> str | None:
        """The first difference in words; None if every bit is the same."""
        pairs = zip(self.then["executions"], self.now["executions"], strict=False)
        for number, (then, now) in enumerate(pairs):
            found = _difference(then, now)
            if found is not None:
                return f"execution {number}, {found}"
        if self.then != self.now:
            counts = [len(side["executions"]) for side in (self.then, self.now)]
            return f"{counts[0]} executions then, {counts[1]} now"
        return None


def repeat_trial(
    project_url: str, trial_id: str, study: str | None, emit: Callable[[str], None]
) -> Comparison:
    """Runs a completed trial once more, in a project of its own that is deleted.

    Args:
        project_url: Path or URL of the project, which is only read.
        trial_id: The trial.
        study: Path of the study file; the one the search was started with if omitted.
        emit: Gets each line the trial prints.

    Raises:
        FileNotFoundError: There is no such project, or nobody knows its study.
        ValueError: There is no such trial, or it has not completed.
        RuntimeError: The repetition did not end with a score.
    """
    found = open_project(project_url)
    settings = RunSettings.load(found.project, study)
    state = _ended(found.project, found.history.trials, trial_id)
    trial = Trial.from_state(state)
    trial.forget_outcome()
    with tempfile.TemporaryDirectory(prefix="trialflow-rerun-") as folder:
        project = {"directory": folder, "project_name": "rerun"}
        if trial.budget is not None and trial.budget.parent is not None:
            _copy_parent(found.project, Project(**project), trial.budget.parent)
        setup = {**settings.setup(), "project": project}
        slots = LocalSlots(settings.slots, setup, ("keras",))
        with slots, slots.lease() as slot:
            request = {"do": "run", "trial": trial.get_state()}
            answer = slot.ask(request, _ignore, emit)
    if answer["kind"] != "ended" or "executions" not in answer["trial"]["record"]:
        raise RuntimeError(answer.get("message") or answer["trial"]["message"])
    records = [state["record"], answer["trial"]["record"]]
    then, now = ({name: record[name] for name in ("scores", "executions")} for record in records)
    return Comparison(found.project.url, trial_id, trial.seed, then, now)


def _ignore(message: Mapping[str, Any]) -> None:
    del message


def _ended(project: Project, trials: Mapping[str, Trial], trial_id: str) -> dict[str, Any]:
    trial = trials.get(trial_id)
    if trial is None:
        last = max(trials, default=None)
        msg = f"Expected a trial of {project.url}, which has {len(trials)}, the last one {last}."
        raise ValueError(f"{msg} Received: trial_id={trial_id!r}.")
    state = project.read_result(trial_id) or {}
    if trial.status != TrialStatus.COMPLETED or "executions" not in state.get("record", {}):
        msg = "Expected a completed trial, whose executions can be compared."
        raise ValueError(f"{msg} Received: trial_id={trial_id!r}, status={trial.status}.")
    return state


def _copy_parent(source: Project, target: Project, trial_id: str) -> None:
    """Copies what a promoted trial goes on from."""
    result = source.read_result(trial_id) or {}
    target.save_result(trial_id, result)
    record = result.get("record", {})
    for entry in [record.get("checkpoint"), *record.get("ends", [])]:
        if entry is not None:
            target.store.replace(entry["key"], source.store.read(entry["key"]))


def _difference(then: Mapping[str, Any], now: Mapping[str, Any]) -> str | None:
    if then == now:
        return None
    old, new = then.get("history", {}), now.get("history", {})
    for epoch, number in enumerate(then.get("epochs", [])):
        for name in old:
            values = [side.get(name, [])[epoch : epoch + 1] for side in (old, new)]
            if values[0] != values[1]:
                return f"epoch {number}: {name} {_show(values[0])} then, {_show(values[1])} now"
    return f"{from_json(then['metrics'])} then, {from_json(now['metrics'])} now"


def _show(values: list[Any]) -> str:
    return str(values[0]) if values else "none"
