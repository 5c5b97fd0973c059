"""Projects as they lie on a store, read without their study file."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.result import describe_best, seconds_of
from tuner.jsonable import to_json
from tuner.results.loading import read_project
from tuner.state.history import History
from tuner.state.project import Project
from tuner.trial import Trial


@dataclass(frozen=True, slots=True)
class Found:
    """A project and its history."""

    project: Project
    history: History

    def status(self) -> dict[str, Any]:
        """The project and its trials, as JSON."""
        history = self.history
        state: dict[str, Any] = to_json(
            {
                "project": self.project.url,
                "objective": history.objective.name,
                "completed": history.completed,
                "failed": history.failed,
                "running": len(history.running),
                "max_trials": history.max_trials,
                "ended": history.end_reason,
                "trials": [describe(trial) for trial in history.trials.values()],
            }
        )
        return state

    def write_report(self, output: Path) -> None:
        """Writes the report as one HTML page, whose folder is made."""
        from tuner.report import drawing
        from tuner.report.findings import Findings

        text: str = drawing("page").page(Findings.of(self.project))
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")

    def best(self) -> dict[str, Any] | None:
        """`trial_id`, `score` and `hyperparameters` of the best trial."""
        found: dict[str, Any] | None = to_json(describe_best(self.history))
        return found


def open_project(url: str) -> Found:
    """Reads the project at a path or URL.

    Raises:
        FileNotFoundError: There is none.
    """
    project, history = read_project(url)
    return Found(project, history)


def describe(trial: Trial) -> dict[str, Any]:
    """A trial as a row of the status."""
    record = trial.record
    return {
        "trial_id": trial.trial_id,
        "status": trial.status,
        "score": trial.score,
        "seconds": seconds_of(trial),
        "started": record.get("started"),
        "ended": record.get("ended"),
        "host": record.get("host"),
        "slot": record.get("slot"),
        "tries": trial.tries,
        "hyperparameters": dict(trial.hyperparameters.values),
        "outcome": record.get("outcome"),
        "message": trial.message,
    }
