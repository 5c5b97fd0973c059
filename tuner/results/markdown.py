"""A search and a trial as Markdown: what the pages of Prefect show of them."""

from __future__ import annotations

import shlex
import time
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.core.objective import single_objectives
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.executions import best_epoch, curve, executions
from tuner.journal.history import History
from tuner.journal.project import Project
from tuner.results import sparkline
from tuner.search.progress import Progress, clock, number, outcome_line, reason, value_text

MOST_RUNNING = 30
MOST_REASONS = 10


@dataclass(frozen=True, slots=True)
class RunningTrial:
    """A trial that has not ended, and its progress."""

    trial: Trial
    began: float
    """Unix time."""
    epoch: int = 0
    """Epochs that have ended; 0 before the first one, and for trials without epochs."""
    score: float | None = None
    """The best objective so far."""


def search_markdown(
    history: History, url: str, progress: Progress, running: Sequence[RunningTrial]
) -> str:
    """A search while it runs, or after: best, scores, running trials, failures, what to type."""
    parts = [
        f"## {url}",
        _headline(history, progress),
        _best(history),
        _score_picture(history),
        _running(history, running),
        _failures(history),
        _commands(url, history.best),
    ]
    return "\n\n".join(part for part in parts if part)


def _headline(history: History, progress: Progress) -> str:
    state = f"Ended: {history.end_reason}." if history.end_reason is not None else ""
    parts = [f"{progress.counts()}.", progress.time_left() and f"{progress.time_left()}.", state]
    return " ".join(part for part in parts if part)


def _best(history: History) -> str:
    best = history.best
    if best is None:
        return "No trial has completed yet."
    objectives = single_objectives(history.objective)
    if len(objectives) == 1:
        told = f"{objectives[0].name} {number(best.score)}"
    else:
        told = ", ".join(f"{o.name} {number(_value(best, o.name))}" for o in objectives)
    epoch = best_epoch(best)
    where = f"trial {best.trial_id}" + (f", epoch {epoch}" if epoch is not None else "")
    return f"**Best: {told}** ({where})\n\n{_values_table(best.values)}"


def _value(trial: Trial, name: str) -> float | None:
    return trial.metrics.get_best_value(name) if trial.metrics.exists(name) else None


def _score_picture(history: History) -> str:
    trials = [history.trials[trial_id] for trial_id in history.end_order]
    points = [(float(k), t.score) for k, t in enumerate(trials, start=1) if t.score is not None]
    if not points:
        return ""
    best, steps = points[0][1], [points[0]]
    for place, score in points[1:]:
        if history.objective.better_than(score, best):
            steps += [(place, best), (place, score)]
            best = score
    steps.append((float(len(trials)), best))
    lines = [
        sparkline.Line(points, sparkline.COLOURS[0], dots=True),
        sparkline.Line(steps, sparkline.COLOURS[1]),
    ]
    picture = sparkline.svg(lines, "trials ended", f"{history.objective.name}, and the best so far")
    return sparkline.image("Score of each trial, and the best so far", picture)


def _running(history: History, running: Sequence[RunningTrial]) -> str:
    if not running:
        return ""
    usual = _usual_epochs(history)
    rows = [
        [
            each.trial.trial_id,
            _epoch_of(each, usual),
            "" if each.score is None else number(each.score),
            clock(max(0.0, time.time() - each.began)),
            ", ".join(f"{k}={value_text(v)}" for k, v in each.trial.values.items()),
        ]
        for each in running[:MOST_RUNNING]
    ]
    head = ["trial", "epoch", f"{history.objective.name} so far", "for", "values"]
    more = len(running) - MOST_RUNNING
    return "### Running\n\n" + table(head, rows) + (f"\n\nand {more} more" if more > 0 else "")


def _epoch_of(each: RunningTrial, usual: int | None) -> str:
    if each.epoch == 0:
        return ""
    planned = usual if each.trial.budget is None else each.trial.budget.epochs
    return f"{each.epoch} of {planned}" if planned and planned >= each.epoch else str(each.epoch)


def _usual_epochs(history: History) -> int | None:
    """Epochs an execution of an ended trial had at most, which tells how many are planned."""
    counts = [
        trial.record["epochs"] // max(1, len(trial.record.get("scores") or []))
        for trial_id in history.end_order[-20:]
        for trial in [history.trials[trial_id]]
        if trial.record.get("epochs")
    ]
    return max(counts, default=None)


def _failures(history: History) -> str:
    failed = [t for t in history.trials.values() if t.status == TrialStatus.FAILED]
    if not failed:
        return ""
    counts = Counter(reason(trial) for trial in failed)
    examples = {reason(trial): trial.trial_id for trial in failed}
    rows = [
        [str(count), why, f"`trialflow show ... {examples[why]}`"]
        for why, count in counts.most_common(MOST_REASONS)
    ]
    return "### Failures\n\n" + table(["trials", "why", "the last one"], rows)


def _commands(url: str, best: Trial | None) -> str:
    quoted = shlex.quote(url)
    lines = [f"trialflow watch {quoted}", f"trialflow dashboard {quoted}"]
    title = load = ""
    if best is not None:
        title = "### The results\n\n"
        lines.append(f"trialflow report {quoted}")
    if best is not None and best.has_model:
        lines.append(f"trialflow best {quoted} --save model.keras")
        code = f"from tuner import load_best_models\n\nmodel = load_best_models({url!r})[0]"
        load = f"\n\n```python\n{code}\n```"
    shell = "\n".join(f"$ {line}" for line in lines)
    return f"{title}```console\n{shell}\n```{load}"


def trial_markdown(project: Project, history: History, trial: Trial) -> str:
    """A trial that has ended: its values, its executions and curves, where its log is."""
    told = outcome_line(trial, history.objective.name)
    found = list(executions(project, history, [trial.trial_id])) if trial.ended else []
    parts = [
        f"## Trial {trial.trial_id}: {told}",
        _facts(trial),
        _values_table(trial.values),
        _executions([execution for _, _, execution in found]),
        _curves(history, [execution for _, _, execution in found]),
        _log(project, trial),
    ]
    return "\n\n".join(part for part in parts if part)


def _facts(trial: Trial) -> str:
    facts = []
    budget = trial.budget
    if budget is not None and budget.parent is not None:
        facts.append(f"promoted from trial {budget.parent}, epochs {budget.initial_epoch} to "
                     f"{budget.epochs}")  # fmt: skip
    if best_epoch(trial) is not None:
        facts.append(f"best epoch {best_epoch(trial)}")
    if trial.tries > 1:
        facts.append(f"tried {trial.tries} times")
    if trial.seconds is not None:
        facts.append(f"took {clock(trial.seconds)}")
    where = [trial.record.get("host"), trial.record.get("device")]
    if any(where):
        facts.append("ran on " + ", ".join(str(part) for part in where if part))
    return "; ".join(facts)


def _executions(found: Sequence[Mapping[str, Any]]) -> str:
    if not found:
        return ""
    names = list(dict.fromkeys(name for each in found for name in each["metrics"]))
    rows = [
        [str(k), *(number(each["metrics"].get(name)) for name in names)]
        for k, each in enumerate(found)
    ]
    return "### Executions\n\n" + table(["execution", *names], rows)


def _curves(history: History, found: Sequence[Mapping[str, Any]]) -> str:
    names = [history.objective.name, *(o.name for o in single_objectives(history.objective))]
    lines, name = [], ""
    for k, execution in enumerate(found):
        by_epoch = list(curve(dict(execution)))
        known = [
            each for each in [*names, "val_loss", "loss"] if by_epoch and each in by_epoch[0][1]
        ]
        if not known:
            continue
        name = known[0]
        points = [(e + 1.0, m[name]) for e, m in by_epoch if m.get(name) is not None]
        if len(points) > 1:
            lines.append(sparkline.Line(points, sparkline.COLOURS[k % len(sparkline.COLOURS)]))
    if not lines:
        return ""
    return sparkline.image("Learning curves", sparkline.svg(lines, "epoch", name))


def _log(project: Project, trial: Trial) -> str:
    key = project.paths.trial(trial.trial_id).log
    show = f"trialflow show {shlex.quote(project.url)} {trial.trial_id}"
    return f"Log: `{project.url}/{key}`\n\n```console\n$ {show}\n```"


def _values_table(values: Mapping[str, Any]) -> str:
    if not values:
        return ""
    rows = [[name, value_text(value)] for name, value in values.items()]
    return table(["hyperparameter", "value"], rows)


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table of Markdown; what a cell says is never taken for markup."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(_cell(cell) for cell in line) + " |" for line in lines)


def _cell(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace("|", "\\|").replace("<", "&lt;")
    return " ".join(escaped.split())
