"""A search in a few facts, as pages show them."""

from __future__ import annotations

import shlex
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime

from tuner.core.trial import Trial, TrialStatus
from tuner.journal.executions import best_epoch
from tuner.results.findings import Findings
from tuner.search.progress import clock, number, reason, value_text

MINUTE = 60


@dataclass(frozen=True, slots=True)
class BestTrial:
    """The best trial, as it is shown."""

    trial: str
    score: str
    objectives: str
    """Which metric, and which way is better; of several objectives their values."""
    epoch: int | None
    values: list[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Failure:
    """Why trials failed."""

    why: str
    count: int
    example: str
    """Id of one of them."""


@dataclass(frozen=True, slots=True)
class Summary:
    """A search as it stands; all of it text for people but for the numbers of trials."""

    name: str
    url: str
    metric: str
    ended: int
    """Trials that have ended."""
    total: int | None
    """Trials there will be, None if unknown."""
    running: int
    counts: str
    state: str
    began: str
    trained: str
    best: BestTrial | None
    load: str
    """The command that saves the best model; empty where there is none."""
    written: str


def summarise(findings: Findings, now: datetime | None = None) -> Summary:
    """The facts of a search."""
    history = findings.history
    total = "" if history.max_trials is None else f" of {history.max_trials}"
    counts = f"{history.completed} completed, {history.failed} failed"
    told = f"{history.counted}{total}"
    if history.counting.aside:
        told += f" (and {len(history.counting.aside)} that do not count)"
    trained = sum(row["seconds"] or 0.0 for row in findings.trials)
    return Summary(
        name=findings.name,
        url=findings.project.url,
        metric=findings.metric,
        ended=history.counted_ends,
        total=history.max_trials,
        running=len(history.running),
        counts=f"{told} trials: {counts}, {len(history.running)} unfinished",
        state="not ended" if history.end_reason is None else f"ended: {history.end_reason}",
        began="" if history.started is None else moment(history.started),
        trained=duration(trained) if trained else "",
        best=None if history.best is None else _best(findings, history.best),
        load=_load(findings) if history.best is not None and history.best.has_model else "",
        written=f"{now or datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
    )


def _load(findings: Findings) -> str:
    return f"trialflow best {shlex.quote(findings.project.url)} --save model.keras"


def failures(findings: Findings) -> list[Failure]:
    """Why trials failed, the most frequent reason first."""
    failed = [t for t in findings.history.trials.values() if t.status == TrialStatus.FAILED]
    counts = Counter(reason(trial) for trial in failed)
    examples = {reason(trial): trial.trial_id for trial in reversed(failed)}
    return [Failure(why, count, examples[why]) for why, count in counts.most_common(20)]


def _best(findings: Findings, best: Trial) -> BestTrial:
    if len(findings.objectives) == 1:
        better = "higher" if findings.direction == "max" else "lower"
        told, score = f"{findings.metric}, {better} is better", number(best.score)
    else:
        told = "the sum of the objectives, turned so that lower is better"
        known = [(each.name, findings.objective_value(best, each)) for each in findings.objectives]
        score = ", ".join(f"{name} {number(value)}" for name, value in known)
    values = [(name, value_text(value)) for name, value in best.values.items()]
    return BestTrial(best.trial_id, score, told, best_epoch(best), values)


def moment(seconds: float) -> str:
    """A Unix time in UTC."""
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M} UTC"


def duration(seconds: float) -> str:
    """Some time, in seconds while it is short."""
    return f"{seconds:.1f} s" if seconds < MINUTE else clock(seconds)
