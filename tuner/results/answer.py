"""Conclusions of a search in sentences: certainty of the best, importances, advice."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tuner.core.hyperparameters import Float, Int
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.executions import best_epoch
from tuner.oracles.outlook import SHARE
from tuner.results.findings import Findings
from tuner.results.tables import spread
from tuner.search.progress import number, reason

MATTERS, NEGLIGIBLE = 0.05, 0.03
"""Shares of the variance: from here on it is named; up to here it does not matter."""
EDGE = 0.03
"""Distance to the end of a range below which a value counts as lying there, as a share of it."""
LATE = 0.2
"""The last part of the trials: a best one among them says that the search is not through."""
MANY_FAILURES = 0.1


@dataclass(frozen=True, slots=True)
class Answer:
    """Sentences for people."""

    sure: list[str]
    matters: list[str]
    next: list[str]


def answer(findings: Findings) -> Answer:
    """The answer as far as it is known; empty lists before a trial has completed."""
    if findings.history.best is None:
        return Answer([], [], list(_failures(findings)))
    best = findings.history.best
    return Answer(
        list(_how_sure(findings, best)), list(_what_matters(findings)), list(_next(findings, best))
    )


def _how_sure(findings: Findings, best: Trial) -> Iterable[str]:
    scores = best.record.get("scores") or []
    deviation = spread(scores)
    if deviation is None:
        yield "It was trained once, so how much of its score is luck is unknown."
    else:
        yield (
            f"Its {len(scores)} executions gave {_listed(map(number, scores))}, a standard "
            f"deviation of {number(deviation)}."
        )
    if len(findings.ranked) > 1:
        yield _runner_up(findings, best, deviation)
    if findings.outlook is not None:
        yield from findings.outlook.sentences


def _runner_up(findings: Findings, best: Trial, deviation: float | None) -> str:
    second = next(trial for trial in findings.ranked if trial is not best)
    gap = findings.history.loss(second) - findings.history.loss(best)
    line = f"Trial {second.trial_id} comes next, {number(abs(gap))} behind"
    if deviation is None:
        return f"{line}."
    close = [t for t in findings.ranked if t is not best and _within(findings, t, best, deviation)]
    if not close:
        return f"{line}, which is more than the executions differ."
    others = "that trial" if len(close) == 1 else f"{len(close)} trials"
    return f"{line}: {others} cannot be told apart from the best one."


def _within(findings: Findings, trial: Trial, best: Trial, deviation: float) -> bool:
    return findings.history.loss(trial) - findings.history.loss(best) <= 2 * deviation


def _what_matters(findings: Findings) -> Iterable[str]:
    found = findings.importances
    if not found.of:
        yield "There are too few trials to say which hyperparameters matter."
        return
    named = [(name, each) for name, each in found.of.items() if each.value >= MATTERS]
    if not named:
        yield "The scores follow none of the hyperparameters in a way that a model could find."
        return
    told = (f"{n} ({e.value:.0%}, {e.low:.0%} to {e.high:.0%})" for n, e in named)
    yield f"Of the variance of the score: {_listed(told)}."
    idle = [name for name, each in found.of.items() if each.high <= NEGLIGIBLE]
    if idle:
        yield f"Hardly at all: {_listed(idle)}."


def _next(findings: Findings, best: Trial) -> Iterable[str]:
    yield from _at_the_edges(findings, best)
    yield from _longer(best)
    yield from _more_trials(findings, best)
    idle = [name for name, each in findings.importances.of.items() if each.high <= NEGLIGIBLE]
    if idle:
        yield f"Fix {_listed(idle)}: the search need not spend trials there."
    if spread(best.record.get("scores") or []) is None:
        yield "Train the best ones again (executions_per_trial=3), to see what is luck."
    yield from _failures(findings)


def _at_the_edges(findings: Findings, best: Trial) -> Iterable[str]:
    for parameter in findings.parameters:
        value = best.values.get(parameter.name)
        if value is None or not isinstance(parameter, Int | Float):
            continue
        if findings.importances.of and findings.importances.value(parameter.name) < MATTERS:
            continue
        place = (value - parameter.min_value) / (parameter.max_value - parameter.min_value or 1)
        if parameter.sampling != "linear":
            place = parameter.value_to_prob(value)
        if place <= EDGE or place >= 1 - EDGE:
            end = "lower" if place <= EDGE else "upper"
            told = number(float(value))
            yield f"Widen {parameter.name}: the best value, {told}, lies at the {end} end."


def _longer(best: Trial) -> Iterable[str]:
    epoch = best_epoch(best)
    trained = best.record.get("epochs")
    executions = len(best.record.get("scores") or []) or 1
    first = best.budget.initial_epoch if best.budget is not None else 0
    if epoch is None or trained is None or epoch <= 1:
        return
    if epoch >= first + trained // executions:
        yield f"Train longer: the best trial was still improving in its last epoch, {epoch}."


def _more_trials(findings: Findings, best: Trial) -> Iterable[str]:
    ended = findings.history.end_order
    since = len(ended) - 1 - ended.index(best.trial_id)
    if findings.history.running or len(ended) < 5:  # noqa: PLR2004 - too early to say
        return
    if since <= LATE * len(ended):
        yield f"Go on: the best trial is among the last {since + 1} of {len(ended)}."
    elif findings.outlook is not None and findings.outlook.left > SHARE:
        yield f"Go on: the last {since} brought nothing better, but a model expects improvement."
    else:
        yield f"More trials of this space promise little: the last {since} brought nothing better."


def _failures(findings: Findings) -> Iterable[str]:
    history = findings.history
    failed = [t for t in history.trials.values() if t.status == TrialStatus.FAILED]
    if not failed or len(failed) < MANY_FAILURES * len(history.end_order):
        return
    share = len(failed) / len(history.end_order)
    (why, times), *_ = Counter(reason(trial) for trial in failed).most_common(1)
    yield f"See to the failures, {share:.0%} of the trials. {times} of them: {why}"


def _listed(words: Iterable[str]) -> str:
    known: Sequence[str] = list(words)
    return " and ".join([", ".join(known[:-1]), known[-1]] if len(known) > 1 else known)
