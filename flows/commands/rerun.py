"""`trialflow rerun`: is a trial's result what the same seed gives again?"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from flows.commands.answers import Debug, Json, ProjectUrl, answered, print_json
from flows.present import open_project
from flows.running.run_settings import RunSettings
from storage import scratch_folder
from tasks.messages import Declared, Ended, Fatal, Report, Run
from tasks.process.local_slots import LocalSlots
from tasks.slots import SlotAnswer
from tuner.core.jsonable import from_json, to_json
from tuner.core.objective import Objective
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.executions import described_anew
from tuner.journal.project import Project
from tuner.search.progress import number


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
        for execution, (then, now) in enumerate(pairs):
            found = _difference(then, now)
            if found is not None:
                return f"execution {execution}, {found}"
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
        FileNotFoundError: There is no such project, or its study is unknown.
        ValueError: There is no such trial, or it has not completed.
        RuntimeError: The repetition did not end with a score.
    """
    found = open_project(project_url)
    settings = RunSettings.load(found.project, study)
    asked = found.trial(trial_id)
    state = _ended(found.project, asked)
    trial = Trial.from_state(state)
    trial.forget_outcome()
    with scratch_folder() as folder:
        project = {"directory": folder, "project_name": "rerun"}
        if trial.budget is not None and trial.budget.parent is not None:
            _copy_parent(found.project, Project(**project), trial.budget.parent)
        objective = found.history.objective
        setup = {**settings.setup(), "project": project, "objective": objective.to_json()}
        slots = LocalSlots(settings.slots, setup, ("keras",))
        with slots, slots.lease() as slot:
            answer = slot.ask(Run(trial.get_state()), _ignore, emit)
    records = [state["record"], _record_of(answer)]
    if found.history.rescored:  # it may have run for another objective
        records[0] = _by_objective(records[0], objective)
    then, now = ({name: record[name] for name in ("scores", "executions")} for record in records)
    return Comparison(found.project.url, trial.trial_id, trial.seed, then, now)


def _ignore(report: Report) -> None:
    del report


def _record_of(answer: SlotAnswer) -> dict[str, Any]:
    match answer:
        case Ended(trial) if "executions" in trial["record"]:
            record: dict[str, Any] = trial["record"]
            return record
        case Ended(trial):
            raise RuntimeError(trial["message"])
        case Fatal(message):
            raise RuntimeError(message)
        case Declared():
            raise RuntimeError("Expected the end of a trial. Received: a search space.")


def _ended(project: Project, trial: Trial) -> dict[str, Any]:
    state = project.read_result(trial.trial_id) or {}
    if trial.status != TrialStatus.COMPLETED or "executions" not in state.get("record", {}):
        msg = "Expected a completed trial, whose executions can be compared."
        raise ValueError(f"{msg} Received: trial={trial.trial_id!r}, status={trial.status}.")
    return state


def _by_objective(record: Mapping[str, Any], objective: Objective) -> dict[str, Any]:
    """The record of a trial with the best epochs by an objective, and their scores."""
    left = [from_json(execution) for execution in record["executions"]]
    executions = [described_anew(each, objective) or each for each in left]
    scores = [each["metrics"].get(objective.name) for each in executions]
    return {**record, "executions": to_json(executions), "scores": to_json(scores)}


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
    for index, epoch in enumerate(then.get("epochs", [])):
        for name in old:
            values = [side.get(name, [])[index : index + 1] for side in (old, new)]
            if values[0] != values[1]:
                return f"epoch {epoch}: {name} {_show(values[0])} then, {_show(values[1])} now"
    return f"{from_json(then['metrics'])} then, {from_json(now['metrics'])} now"


def _show(values: list[Any]) -> str:
    return str(values[0]) if values else "none"


def rerun(
    project_url: ProjectUrl,
    trial_id: Annotated[str, typer.Argument(help="Number of a completed trial: 7 or 0007.")],
    study: Annotated[
        str | None,
        typer.Option(
            help="Path or module name of the study file.", show_default="the one searched last"
        ),
    ] = None,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Train a trial again from its seed, and compare every metric of every epoch.

    The project is only read. Exit status: 0 all are equal bit for bit, 1 they are not.
    """
    with answered(debug=debug):
        compared = repeat_trial(
            project_url, trial_id, study, lambda line: typer.echo(line, err=True)
        )
    if as_json:
        print_json(_to_json(compared))
    else:
        typer.echo(_describe(compared))
    if compared.difference is not None:
        raise typer.Exit(1)


def _describe(compared: Comparison) -> str:
    lines = [f"Trial {compared.trial_id} of {compared.project}, seed {compared.seed}"]
    for place, (then, now) in enumerate(
        zip(compared.then["scores"], compared.now["scores"], strict=False)
    ):
        lines.append(f"  execution {place}: score {number(then)} then, {number(now)} now")
    difference = compared.difference
    equal = "Equal, bit for bit."
    return "\n".join([*lines, equal if difference is None else f"Different: {difference}"])


def _to_json(compared: Comparison) -> dict[str, Any]:
    return {
        "project": compared.project,
        "trial_id": compared.trial_id,
        "seed": compared.seed,
        "equal": compared.difference is None,
        "difference": compared.difference,
        "scores": {"then": compared.then["scores"], "now": compared.now["scores"]},
    }
