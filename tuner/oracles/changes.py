"""Events and messages for a search whose study has changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from tuner.core.declaration import Declaration
from tuner.core.hyperparameters import HyperParameter, HyperParameters, serialize
from tuner.core.hyperparameters.comparing import describe_change, identity_of
from tuner.core.objective import Objective, single_objectives
from tuner.core.outcome import Outcome
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.counting import OTHER_DATA, OUTSIDE
from tuner.journal.events import SpaceChanged, StudyDeclared, TrialReopened
from tuner.journal.history import History

LISTED = 8
"""Trials named in a line; of more there is the number."""

WITHDRAWN = (
    "It is not run again: the space has changed, and its configuration is none of the space now."
)


def space_changed(
    history: History, declared: HyperParameters, *, whole: bool
) -> list[SpaceChanged]:
    """The event that takes over the space a study declares; none where it is known so.

    What trials have met beyond a declaration stays, since only a trial could tell that it is gone.

    Args:
        history: Everything that has happened.
        declared: What the study declares; nothing is taken for not knowing.
        whole: Whether that is all it declares, so that what it does not is gone.
    """
    declared = _without_tuners_own(declared)
    if not declared.space:
        return []
    known, own = history.space.space, {identity_of(p): p for p in declared.space}
    others = [p for p in known if identity_of(p) not in own]
    earlier = [p for p in others if identity_of(p) in history.counting.declared]
    declares = [*declared.space, *([] if whole else earlier)]
    space = [*declares, *(p for p in others if p not in earlier)]
    if set(space) == set(known):
        return []
    return [SpaceChanged([serialize(parameter) for parameter in space], len(declares))]


def _without_tuners_own(space: HyperParameters) -> HyperParameters:
    kept = HyperParameters()
    kept.merge(p for p in space.space if not p.name.startswith("tuner/"))
    return kept


def space_lines(before: Sequence[HyperParameter], history: History) -> Iterator[str]:
    """Tells how a space has changed, if it has, and which trials count in the one there is now.

    Args:
        before: The space when the search ended last; empty if it begins.
        history: Everything that has happened since.
    """
    known, declared = {identity_of(p) for p in before}, history.counting.declared
    # What a trial has met meanwhile is no change of the study.
    now = [p for p in history.space.space if identity_of(p) in known | declared]
    differences = "; ".join(describe_change(before, now))
    if not before or not differences:
        return
    yield f"The space has changed: {differences}.{_counted(history)}"


def _counted(history: History) -> str:
    if not history.trials:
        return ""
    outside = list(history.counting.aside.values()).count(OUTSIDE)
    told = f", {outside} lie outside and are learnt from" if outside else ""
    return f" {history.counted} of {len(history.trials)} trials count in it{told}."


def objective_lines(before: Objective | None, running: int, history: History) -> Iterator[str]:
    """Tells that the search improves another metric, and what that does to its trials.

    Args:
        before: The objective when the search ended last.
        running: How many trials were to run again then.
        history: Everything that has happened since.
    """
    if before in (None, history.objective):
        return
    line = f"The objective is another: {_named(history.objective)} (was {_named(before)})."
    if history.completed:
        line += f" {_trials(history.completed)} scored anew."
    if any("checkpoint" in trial.record for trial in history.trials.values()):
        line += " The weights that each has kept are of its best epoch by what it ran for."
    if running:
        line += f" {_trials(running)} begun anew."
    yield line


def _named(objective: Objective) -> str:
    names = [f"{each.name}, {each.direction}" for each in single_objectives(objective)]
    return "; ".join(names)


def _trials(count: int) -> str:
    return "1 trial is" if count == 1 else f"{count} trials are"


def withdrawn(history: History) -> Iterator[Trial]:
    """The trials that were to run again and are no configurations of the space any more."""
    for trial in list(history.running.values()):
        if not history.counts(trial):
            trial.fail(Outcome.WITHDRAWN, WITHDRAWN)
            yield trial


def reopened(history: History, *, retry_failed: bool, now: float) -> list[TrialReopened]:
    """The events that have failed trials tried again.

    Args:
        history: Everything that has happened.
        retry_failed: Whether all are to be; else those that failed under other code.
        now: Unix time.
    """
    found = []
    for trial in history.trials.values():
        if trial.status == TrialStatus.FAILED and history.counts(trial):
            reason = _reason_to_reopen(trial, history, retry_failed=retry_failed)
            if reason is not None:
                found.append(TrialReopened(trial.trial_id, reason, now))
    return found


ASKED_FOR = "as asked for"
CODE_CHANGED = "the study's code has changed since they failed"
DATA_CHANGED = "they trained on other data"
INSIDE_AGAIN = "they lie inside of the space again"


def _reason_to_reopen(trial: Trial, history: History, *, retry_failed: bool) -> str | None:
    if trial.outcome == Outcome.WITHDRAWN:
        return INSIDE_AGAIN
    if retry_failed:
        return ASKED_FOR
    failed_under = history.failed_under.get(trial.trial_id)
    changed = None not in (failed_under, history.study) and failed_under != history.study
    return CODE_CHANGED if changed else None


def study_declared(history: History, declaration: Declaration, stale: str | None) -> StudyDeclared:
    """The event that takes over how long trials train, and on what.

    Args:
        history: Everything that has happened.
        declaration: What the study declares; without a version of its data, that stays.
        stale: What is to become of trials on other data; None for what did before.
    """
    counting = history.counting
    version = declaration.data_version or counting.data_version
    return StudyDeclared(dict(declaration.training), version, stale or counting.stale)


def training_lines(before: Mapping[str, Any], history: History) -> Iterator[str]:
    """Tells what trains longer or shorter than before; nothing at the first start."""
    for name, value in history.training.items():
        if name in before and before[name] != value and history.completed:
            yield (
                f"{name}={value} (was {before[name]}): trials that have completed keep their "
                "scores and count; those that begin from now on train so."
            )


def trials_lines(before: int | None, history: History) -> Iterator[str]:
    """Tells that the search is of more trials than before, or of fewer.

    Args:
        before: The limit when it was started last; None for none.
        history: Everything that has happened.
    """
    limit, done = history.settings.get("max_trials"), history.counted_ends
    if before == limit or not done:
        return
    told = f"max_trials={limit} (was {before}): the {done} {'trials' if done > 1 else 'trial'} "
    if limit is None or limit > history.counted:
        more = "others begin" if limit is None else f"{limit - history.counted} more may begin"
        yield f"{told}done so far count, and {more}."
    else:
        yield f"{told}done so far stay, the best of all is the best, and no other begins."


def data_lines(before: str | None, history: History) -> Iterator[str]:
    """Tells that the data is another, and what becomes of the trials on the one before.

    Args:
        before: The version of the data until now; None if not given.
        history: Everything that has happened.
    """
    counting = history.counting
    own = (None, OTHER_DATA)  # those outside of the space do not count in any case
    stale = [t for t in history.trials if counting.is_stale(t) and counting.aside.get(t) in own]
    if before in (None, counting.data_version) or not stale:
        return
    count = "1 trial" if len(stale) == 1 else f"{len(stale)} trials"
    yield (
        f"The data is another: {counting.data_version} (was {before}). "
        + {
            "keep": f"{count} on other data count all the same (stale=keep).",
            "retry": f"{count} on other data train once more (stale=retry).",
            "ignore": f"{count} on other data do not count, and are learnt from (stale=ignore).",
        }[counting.stale]
    )


def reopened_stale(history: History, now: float) -> list[TrialReopened]:
    """The events that have trials on other data train once more, on the data as it is now."""
    return [
        TrialReopened(trial.trial_id, DATA_CHANGED, now)
        for trial in history.trials.values()
        if trial.ended and history.counts(trial) and history.counting.is_stale(trial.trial_id)
    ]


def reopened_lines(events: Iterable[TrialReopened]) -> Iterator[str]:
    """One line for each reason."""
    by_reason: dict[str, list[str]] = {}
    for event in events:
        by_reason.setdefault(event.reason, []).append(event.trial_id)
    for reason, ids in by_reason.items():
        more = f" and {len(ids) - LISTED} more" if len(ids) > LISTED else ""
        yield f"Tried again, {reason}: trials {', '.join(ids[:LISTED])}{more}."
