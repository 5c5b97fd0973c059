"""`trialflow watch`: follows a search that runs elsewhere, by what it writes into its project."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from flows.commands import tables
from flows.commands.answers import Debug, Json, ProjectUrl, answered, print_json
from flows.present import Found, open_project
from flows.running.stopping import INTERRUPTED
from storage import lease_holder
from tuner.core.trial import Trial
from tuner.journal.folding import replay
from tuner.search.progress import outcome_line, values_line

PATIENCE = 60.0
"""Seconds without a process that searches before a search counts as stopped: one may follow."""


@dataclass(frozen=True, slots=True)
class Change:
    """Trials that have ended since the last look."""

    ended: list[Trial]
    is_over: bool
    """Whether there is nothing more to wait for."""


def changes(found: Found, interval: float, patience: float) -> Iterator[Change]:
    """Looks at a project until its search has ended, or no process searches on it any more.

    Args:
        found: The project; its history is told of what has happened.
        interval: Seconds between two looks.
        patience: Seconds that a search may have no process.
    """
    history, known = found.history, 0
    alone_since: float | None = None
    while True:
        replay(history, found.project.events())
        known = min(known, len(history.end_order))  # some may have been opened again
        ended = [history.trials[trial_id] for trial_id in history.end_order[known:]]
        known = len(history.end_order)
        searched = lease_holder(found.project.store) is not None
        alone_since = None if searched else alone_since or time.monotonic()
        gone = alone_since is not None and time.monotonic() - alone_since >= patience
        is_over = history.end_reason is not None or gone
        yield Change(ended, is_over)
        if is_over:
            return
        time.sleep(interval)


def watch(
    project_url: ProjectUrl,
    interval: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 2.0,
    as_json: Json = False,
    debug: Debug = False,
) -> None:
    """Follow a search that runs elsewhere, until it ends.

    Each trial that ends has a line, with --json one JSON object; Ctrl-C leaves the search alone.
    Exit status: 0 it has ended, 1 no process searches on it any more.
    """
    try:
        with answered(debug=debug):
            found = open_project(project_url)
            _follow(found, interval, as_json=as_json)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    if found.history.end_reason is None:
        typer.echo("No process searches on it any more.", err=True)
        raise typer.Exit(1)


def _follow(found: Found, interval: float, *, as_json: bool) -> None:
    if not as_json:
        typer.echo(f"Watching {found.project.url} (Ctrl-C leaves it alone)")
    for change in changes(found, interval, min(PATIENCE, 10 * interval)):
        for trial in change.ended:
            _tell(found, trial, as_json=as_json)
        if (change.ended or change.is_over) and not as_json:
            typer.echo(_standing(found))
    if as_json:
        print_json({**found.counts(), "best": found.best()})
    elif found.history.end_reason is not None:
        typer.echo(f"Ended: {found.history.end_reason}")


def _tell(found: Found, trial: Trial, *, as_json: bool) -> None:
    if as_json:
        said: dict[str, Any] = {"trial_id": trial.trial_id, "status": trial.status}
        print_json({**said, "score": trial.score, "hyperparameters": trial.values})
        sys.stdout.flush()
        return
    told = outcome_line(trial, found.history.objective.name)
    typer.echo(f"trial {trial.trial_id}: {told}  {values_line(trial.values)}")


def _standing(found: Found) -> str:
    history = found.history
    total = "" if history.max_trials is None else f"/{history.max_trials}"
    counts = f"{history.counted_ends}{total} done, {len(history.running)} running"
    parts = [f"{counts}, {history.failed} failed"]
    if history.best is not None:
        best = tables.scores_of(history.best, history)
        parts.append(f"best {tables.good(best)} (trial {history.best.trial_id})")
    return ", ".join(parts)
