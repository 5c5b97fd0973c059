"""Results, leaderboard and rows of trials, as commands and flows show them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from flows.project_names import newest_project
from tuner.core.jsonable import to_json
from tuner.core.objective import single_objectives
from tuner.core.trial import Trial
from tuner.journal.executions import best_epoch
from tuner.journal.history import History
from tuner.journal.project import Project
from tuner.journal.reading import read_project
from tuner.results.tables import spread


@dataclass(frozen=True, slots=True)
class SearchResult:
    """The end of a search, as JSON."""

    project: str
    """Path or URL of the project."""
    completed: int
    """Trials with a score, those of earlier runs included."""
    failed: int
    trained: int
    """Trials that ended in this run."""
    best: dict[str, Any] | None
    """`trial_id`, `score`, `objectives` and `hyperparameters` of the best trial."""
    leaderboard: list[dict[str, Any]]
    """The best trials, best first: `rank`, `trial_id`, `score`, `objectives`, `spread`, `epochs`,
    `best_epoch`, `seconds`, `values`."""
    objective: str
    reason: str
    """Why there are no more trials."""
    seconds: float
    """Wall time of this run."""

    def to_json(self) -> dict[str, Any]:
        state: dict[str, Any] = to_json(asdict(self))
        return state


def without_leaderboard(result: Mapping[str, Any]) -> dict[str, Any]:
    """The answer of a command: `trialflow trials --json` has the trials."""
    return {key: value for key, value in result.items() if key != "leaderboard"}


def result_of(history: History, url: str, seconds: float, ended_before: int) -> SearchResult:
    """The result of a search, as far as it is."""
    return SearchResult(
        project=url,
        completed=history.completed,
        failed=history.failed,
        trained=len(history.end_order) - ended_before,
        best=describe_best(history),
        leaderboard=leaderboard(history),
        objective=history.objective.name,
        reason=history.end_reason or "",
        seconds=round(seconds, 3),
    )


def describe_best(history: History) -> dict[str, Any] | None:
    """The best trial, None before one has completed."""
    return None if history.best is None else _scored(history.best, history)


def _scored(trial: Trial, history: History) -> dict[str, Any]:
    return {
        "trial_id": trial.trial_id,
        "score": trial.score,
        "objectives": objectives_of(trial, history),
        "hyperparameters": trial.values,
    }


def objectives_of(trial: Trial, history: History) -> dict[str, float | None]:
    """A trial's value of each objective, of which there may be one."""
    objectives = single_objectives(history.objective)
    if len(objectives) == 1:
        return {objectives[0].name: trial.score}
    known = trial.metrics
    return {
        each.name: known.get_best_value(each.name) if known.exists(each.name) else None
        for each in objectives
    }


def leaderboard(history: History, rows: int = 10) -> list[dict[str, Any]]:
    """The best trials, best first."""
    ranked = history.ranked()[:rows]
    return [
        {
            "rank": rank,
            "trial_id": trial.trial_id,
            "score": trial.score,
            "objectives": objectives_of(trial, history),
            "spread": spread(trial.record.get("scores") or []),
            "epochs": trial.record.get("epochs"),
            "best_epoch": best_epoch(trial),
            "seconds": seconds_of(trial),
            "values": trial.values,
        }
        for rank, trial in enumerate(ranked, start=1)
    ]


def seconds_of(trial: Trial) -> float | None:
    """How long the trial's last attempt took, in seconds as they are shown."""
    return None if trial.seconds is None else round(trial.seconds, 2)


@dataclass(frozen=True, slots=True)
class Found:
    """A project and its history."""

    project: Project
    history: History

    def status(self) -> dict[str, Any]:
        """The project and its trials, as JSON."""
        trials = [describe(trial) for trial in self.history.trials.values()]
        return {**self.counts(), "trials": to_json(trials)}

    def counts(self) -> dict[str, Any]:
        """The project and how many trials it has, as JSON."""
        history = self.history
        state: dict[str, Any] = to_json(
            {
                "project": self.project.url,
                "objective": history.objective.name,
                "completed": history.completed,
                "failed": history.failed,
                "running": len(history.running),
                "counted": history.counted,
                "aside": len(history.trials) - history.counted,
                "max_trials": history.max_trials,
                "ended": history.end_reason,
            }
        )
        return state

    def trial(self, number: str) -> Trial:
        """The trial of this number, `3` or `0003`.

        Raises:
            ValueError: There is none.
        """
        try:
            return self.history.trials[number]
        except KeyError:
            last = next(reversed(self.history.trials), "none")
            msg = f"Expected a trial of {self.project.url}, the last of which is {last}."
            raise ValueError(f"{msg} Received: trial={number!r}.") from None

    def pareto(self) -> list[dict[str, Any]]:
        """The trials that no other beats in every objective, each as `best` has it."""
        front = self.history.pareto_front()
        shown: list[dict[str, Any]] = to_json([_scored(trial, self.history) for trial in front])
        return shown

    def write_report(self, output: Path) -> None:
        """Writes the report as one HTML page, whose folder is made."""
        from tuner.results.findings import Findings
        from tuner.results.page import page

        text = page(Findings.of(self.project))
        output.parent.mkdir(parents=True, exist_ok=True)
        output.write_text(text, encoding="utf-8")

    def outlook(self) -> dict[str, Any] | None:
        """What a model expects of more trials, and how sure the best is; see `Outlook`.

        None where there are too few trials, or so many that it would take long.
        """
        from tuner.oracles.outlook import MOST, outlook  # the model brings SciPy

        found = outlook(self.history) if self.history.completed <= MOST else None
        if found is None:
            return None
        shown: dict[str, Any] = to_json({**asdict(found), "sentences": found.sentences})
        return shown

    def best(self) -> dict[str, Any] | None:
        """`trial_id`, `score`, `objectives` and `hyperparameters` of the best trial."""
        found: dict[str, Any] | None = to_json(describe_best(self.history))
        return found


def open_project(url: str) -> Found:
    """Reads the project at a path or URL, the newest of those whose name has `{date}` in it.

    Raises:
        FileNotFoundError: There is none.
    """
    project, history = read_project(newest_project(url))
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
        "hyperparameters": trial.values,
        "outcome": record.get("outcome"),
        "message": trial.message,
    }
