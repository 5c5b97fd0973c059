"""A project that is looked at again and again: only what is new is read."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any, TypeVar

from storage import StorageError, lease_holder
from tuner.core.trial import Trial
from tuner.journal.executions import best_epoch, executions, progress_of
from tuner.journal.project import Project
from tuner.results.answer import answer
from tuner.results.figures import draw_all
from tuner.results.figures.training import curves
from tuner.results.findings import Findings, describe
from tuner.results.summary import failures, summarise
from tuner.results.trial_table import Query, TrialTable, trial_table

Answer = TypeVar("Answer")

LOOK = 1.0
"""Least seconds between two looks at a store."""
MOST_RUNNING = 50
MOST_LOG = 200_000
"""Characters of a log that are shown, its last ones."""


class WatchedProject:
    """The findings of a project as it is now; safe to ask from several threads.

    Args:
        url: Path or URL of the project.

    Raises:
        FileNotFoundError: There is none.
    """

    def __init__(self, url: str) -> None:
        self.url = url
        self.version = 0
        """Grows whenever something has happened."""
        self._gate = threading.Lock()
        self._readers = 0
        self._findings = Findings.of(Project.at(url))
        self._looked = time.monotonic()
        self._made: dict[str, tuple[int, Any]] = {}
        self._making: dict[str, threading.Lock] = defaultdict(threading.Lock)

    @property
    def name(self) -> str:
        return self._findings.name

    def look(self) -> int:
        """Reads what is new; the version it is then.

        Skipped when that was done just now, and while something is made of the findings, which
        must not change under it: thousands of trials take a second.
        """
        with self._gate:
            now = time.monotonic()
            if self._readers or now - self._looked < LOOK:
                return self.version
            self._looked = now
            events = self._findings.project.events()
            if events:
                self._findings = self._findings.after(events)
                self.version += 1
            return self.version

    @contextmanager
    def _reading(self) -> Iterator[Findings]:
        """The findings, which stay as they are inside."""
        with self._gate:
            self._readers += 1
        try:
            yield self._findings
        finally:
            with self._gate:
                self._readers -= 1

    def once(self, name: str, make: Callable[[Findings], Answer]) -> Answer:
        """What is made of the findings, made again only after something has happened."""
        with self._reading() as findings, self._making[name]:
            version, made = self._made.get(name, (-1, None))
            if version != self.version:
                made = make(findings)
                self._made[name] = (self.version, made)
            answered: Answer = made
            return answered

    def findings(self) -> Findings:
        """The findings of the last look; the history in them changes with the next one."""
        return self._findings

    def summary(self) -> dict[str, Any]:
        """The facts, the answer, failures and what runs, as JSON."""
        told = self.once("summary", _summary)
        return {**told, "version": self.version, "running_trials": self._running()}

    def figures(self) -> list[dict[str, Any]]:
        """All figures, as JSON."""
        return self.once("figures", lambda found: [figure.to_json() for figure in draw_all(found)])

    def table(self) -> TrialTable:
        """All trials."""
        return self.once("table", trial_table)

    def page(self, query: Query) -> dict[str, Any]:
        """A page of the table, as JSON."""
        rows, total = self.table().page(query)
        return {"rows": rows, "total": total}

    def trial(self, trial_id: str) -> dict[str, Any]:
        """All about a trial, as JSON.

        Raises:
            KeyError: There is no such trial.
        """
        with self._reading() as findings:
            return _details(findings, findings.history.trials[trial_id])

    def _running(self) -> list[dict[str, Any]]:
        with self._reading() as findings:
            shown = list(findings.history.running.values())[:MOST_RUNNING]
            return [
                _running(findings.project, trial, findings.created.get(trial.trial_id))
                for trial in shown
            ]


def _summary(findings: Findings) -> dict[str, Any]:
    summary = asdict(summarise(findings))
    summary["searched_by"] = _searched_by(findings)
    return {
        "summary": summary,
        "answer": asdict(answer(findings)),
        "failures": [asdict(each) for each in failures(findings)],
    }


def _searched_by(findings: Findings) -> str | None:
    owner = lease_holder(findings.project.store)
    return None if owner is None else f"process {owner.pid} on {owner.host}"


def _running(project: Project, trial: Trial, created: float | None) -> dict[str, Any]:
    try:
        done, epochs = progress_of(project, trial)
    except StorageError:
        done, epochs = 0, 0
    return {
        "trial": trial.trial_id,
        "began": created,
        "executions": done,
        "epochs": epochs,
        "planned": None if trial.budget is None else trial.budget.epochs,
        "tries": trial.tries,
        "values": {name: str(value) for name, value in trial.values.items()},
    }


def _details(findings: Findings, trial: Trial) -> dict[str, Any]:
    project, history = findings.project, findings.history
    found = [e for _, _, e in executions(project, history, [trial.trial_id])] if trial.ended else []
    rows = findings.curves([trial.trial_id]) if trial.ended else []
    budget = trial.budget
    return {
        **describe(trial),
        "best epoch": best_epoch(trial),
        "objectives": {o.name: findings.objective_value(trial, o) for o in findings.objectives},
        "executions": [dict(execution["metrics"]) for execution in found],
        "curves": _curve_figures(findings, trial, rows),
        "seed": trial.seed,
        "device": trial.record.get("device"),
        "stopped": trial.record.get("stopped"),
        "budget": None if budget is None else budget.to_json(),
        "promoted to": _promoted_to(findings, trial),
        "message": trial.message or "",
        "log": _log(project, trial),
        "rank": _rank(findings, trial),
    }


def _curve_figures(
    findings: Findings, trial: Trial, rows: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    if len({row["epoch"] for row in rows}) < 2:  # noqa: PLR2004 - one point is no line
        return []
    spec = curves(rows, findings.metric, [trial.trial_id])
    spec["encoding"]["color"] = {"field": "execution", "type": "nominal", "title": "execution"}
    panels = [{"title": "", "spec": spec}]
    about = "A line is one training."
    return [
        {
            "name": "curves",
            "title": "Learning curves",
            "about": about,
            "wide": True,
            "panels": panels,
        }
    ]


def _promoted_to(findings: Findings, trial: Trial) -> list[str]:
    return [
        other.trial_id
        for other in findings.history.trials.values()
        if other.budget is not None and other.budget.parent == trial.trial_id
    ]


def _rank(findings: Findings, trial: Trial) -> int | None:
    ranked = findings.ranked
    return ranked.index(trial) + 1 if trial in ranked else None


def _log(project: Project, trial: Trial) -> str:
    key = project.paths.trial(trial.trial_id).log
    try:
        text = project.store.read(key).decode(errors="replace")
    except (StorageError, OSError):
        return ""
    return text[-MOST_LOG:]
