"""Events of a search, for Prefect's automations; docs/schedules.md lists them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from prefect.events import emit_event

from flows.present import SearchResult
from flows.running.artifacts import attempt
from tuner.core.jsonable import to_json
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.project import Project
from tuner.oracles.oracle import Oracle
from tuner.search.progress import reason as reason_of

COMPLETED = "trialflow.search.completed"
IMPROVED = "trialflow.best.improved"
FAILED = "trialflow.trial.failed"


class News:
    """Tells Prefect what happens in a search, in the order in which it happens.

    Made before the search starts: what its start takes over from an earlier process is news too.

    Args:
        oracle: Of the search.
        project: Likewise.
    """

    def __init__(self, oracle: Oracle, project: Project) -> None:
        self._oracle = oracle
        self._project = project
        history = oracle.search_history
        self._told = {_attempt(history.trials[trial_id]) for trial_id in history.end_order}
        self._best = None if history.best is None else history.best.trial_id
        self._had_ended = history.end_reason is not None

    def tell(self) -> bool:
        """Tells what has happened since the last call; whether there is a better best trial."""
        with self._oracle.together():
            history = self._oracle.search_history
            ended = [history.trials[trial_id] for trial_id in history.end_order]
            best = history.best
        new = [trial for trial in ended if _attempt(trial) not in self._told]
        self._told.update(map(_attempt, new))
        for trial in new:
            if trial.status != TrialStatus.COMPLETED:
                self._emit(FAILED, _failure(trial))
        if best is None or best.trial_id == self._best:
            return False
        self._best = best.trial_id
        self._emit(IMPROVED, {"trial_id": best.trial_id, **_success(best)})
        return True

    def tell_end(self, result: SearchResult) -> None:
        """Tells that the search has ended, unless an earlier run has told it."""
        if result.trained > 0 or not self._had_ended:
            told = {"completed": result.completed, "failed": result.failed}
            self._emit(COMPLETED, {**told, "reason": result.reason, "best": result.best})

    def _emit(self, event: str, payload: Mapping[str, Any]) -> None:
        resource = {
            "prefect.resource.id": f"trialflow.project.{self._project.url}",
            "prefect.resource.name": self._project.name,
        }
        common = {"project": self._project.url, "objective": self._oracle.objective.name}
        attempt(
            lambda: emit_event(event, resource=resource, payload=to_json({**common, **payload}))
        )


def _failure(trial: Trial) -> dict[str, Any]:
    told = {"trial_id": trial.trial_id, "outcome": trial.outcome, "message": reason_of(trial)}
    return {**told, "values": trial.values}


def _success(trial: Trial) -> dict[str, Any]:
    return {"score": trial.score, "values": trial.values}


def _attempt(trial: Trial) -> tuple[str, int]:
    """Tells the end of a trial from that of the same trial once it was opened again."""
    return trial.trial_id, trial.retries
