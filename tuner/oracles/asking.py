"""The next configuration of a search: one that the user has enqueued, or a proposal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from tuner.core.hyperparameters.sampling import complete_values
from tuner.core.proposal import Decision, Done, Proposal, Wait
from tuner.journal.history import History
from tuner.oracles.settings import Settings


def next_proposal(
    settings: Settings, history: History, propose: Callable[[str], Decision]
) -> tuple[Proposal, bool] | Wait | Done:
    """A proposal, and whether its values head the queue of those that the user asked for.

    Args:
        settings: The oracle's.
        history: Everything that has happened.
        propose: Answers what comes next, given the id the trial will have.
    """
    enough = reason_to_stop(settings, history)
    if enough is not None:
        return Done(enough)
    enqueued = bool(history.enqueued)
    asked = not enqueued or settings.grants_budgets
    answer = propose(history.trials.next_id()) if asked else Proposal({})
    if not isinstance(answer, Proposal):
        return answer
    budget = answer.budget
    if budget is not None:
        granted = budget.epochs - budget.initial_epoch
        enough = settings.limits.reason_to_stop(history, granted)
        if enough is not None:
            return Done(enough)
    promoted = budget is not None and budget.parent is not None
    if enqueued and not promoted:
        values = complete_values(history.space, history.enqueued[0])
        return replace(answer, values=values), True
    if budget is not None and budget.parent is not None and history.counting.changes:
        # Its parent may have run before all of the hyperparameters were known.
        parent = history.counting.values_of(history.trials[budget.parent])
        answer = replace(answer, values=complete_values(history.space, parent))
    return answer, False


def reason_to_stop(settings: Settings, history: History) -> str | None:
    """Why no more trials are to begin, whatever would be proposed; None when some may."""
    most = settings.max_trials
    if most is not None and history.counted >= most:
        return "every trial has ended"
    return settings.limits.reason_to_stop(history)


def may_have_changed(settings: Settings, history: History, study_before: str | None) -> bool:
    """Whether the study is to be asked what it declares.

    Not where its code is that of the start before, and all is done that will ever be, or some
    trials were under way: asking takes a training process, which may still run one of them.

    Args:
        settings: The oracle's.
        history: Everything that has happened.
        study_before: Digest of the study at the start before.
    """
    done = bool(history.running) or reason_to_stop(settings, history) is not None
    same = study_before is not None and study_before == history.study
    return not (done and same and history.counting.data_version is None)
