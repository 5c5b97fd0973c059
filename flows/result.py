"""What a search ends with."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from tuner.jsonable import to_json
from tuner.results.tables import spread
from tuner.state.history import History
from tuner.trial import Trial


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
    """`trial_id`, `score` and `hyperparameters` of the best trial."""
    leaderboard: list[dict[str, Any]]
    """The best trials, best first: `rank`, `trial_id`, `score`, `spread`, `epochs`, `seconds`,
    `values`."""
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
    best = history.best
    if best is None:
        return None
    return {
        "trial_id": best.trial_id,
        "score": best.score,
        "hyperparameters": dict(best.hyperparameters.values),
    }


def leaderboard(history: History, rows: int = 10) -> list[dict[str, Any]]:
    """The best trials, best first."""
    ranked = history.ranked()[:rows]
    return [
        {
            "rank": rank,
            "trial_id": trial.trial_id,
            "score": trial.score,
            "spread": spread(trial.record.get("scores") or []),
            "epochs": trial.record.get("epochs"),
            "seconds": seconds_of(trial),
            "values": dict(trial.hyperparameters.values),
        }
        for rank, trial in enumerate(ranked, start=1)
    ]


def seconds_of(trial: Trial) -> float | None:
    """How long the trial's last attempt took, in seconds as they are shown."""
    return None if trial.seconds is None else round(trial.seconds, 2)
