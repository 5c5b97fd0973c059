"""The fold of a history: how each kind of event changes it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from tuner.core.hyperparameters import HyperParameters, deserialize
from tuner.core.hyperparameters.sampling import is_legal, values_key
from tuner.core.objective import Constraint, create_constraints, objective_from_json
from tuner.core.outcome import Outcome
from tuner.core.proposal import Budget
from tuner.core.trial import Trial, TrialStatus
from tuner.core.typed import FORGED, misunderstood
from tuner.journal.events import (
    CheckpointsDropped,
    EarlierTrialsRead,
    Event,
    JournalRepaired,
    ObjectiveChanged,
    OracleChanged,
    SearchEnded,
    SearchStarted,
    SpaceChanged,
    SpaceGrown,
    StudyDeclared,
    TrialCreated,
    TrialEnded,
    TrialReopened,
    TrialRetried,
    ValuesEnqueued,
)
from tuner.journal.history import History
from tuner.journal.project import Told
from tuner.journal.trials import OUTSIDERS, EarlierTrial

OF_TRIALS = (TrialCreated, TrialRetried, TrialEnded, CheckpointsDropped, OracleChanged)
"""Events that leave what the ended trials told as it was."""


def apply(history: History, event: Event) -> None:
    """Has a history take one more event into account."""
    if not isinstance(event, OF_TRIALS):
        history.outlooks.clear()
    _TAKE[type(event)](history, event)


def replay(history: History, events: Iterable[Event]) -> None:
    """Likewise with several events."""
    for event in events:
        apply(history, event)


def replay_entries(history: History, entries: Iterable[Told]) -> None:
    """Likewise with what stands in entries of a journal.

    Raises:
        CorruptError: An entry does not follow from those before it.
    """
    for entry in entries:
        try:
            replay(history, entry.events)
        except FORGED as error:
            raise misunderstood(entry.where, error) from error


def _enqueue(history: History, event: ValuesEnqueued) -> None:
    history.enqueued.append(dict(event.values))
    history.asked_for.add(values_key(event.values))


def _start(history: History, event: SearchStarted) -> None:
    history.max_trials = event.max_trials
    history.settings = dict(event.settings)
    history.seed = history.settings.get("seed", history.seed)
    _constrain(history, create_constraints(history.settings.get("constraints")))
    history.was_cut_off = history.started is not None and history.end_reason is None
    history.started = history.started or event.time
    history.study = event.study
    history.began_at = len(history.end_order)
    history.end_reason = None
    for trial in history.running.values():
        trial.forget_outcome()
        trial.interruptions += 1


def _constrain(history: History, constraints: tuple[Constraint, ...]) -> None:
    """Who is the best may be another now."""
    if constraints != history.constraints:
        history.constraints = constraints
        _find_best(history)


def _find_best(history: History) -> None:
    history.best = next((t for t in history.ranked() if history.is_feasible(t)), None)


def _grow(history: History, event: SpaceGrown) -> None:
    grown = _space_of(event.hyperparameters)
    history.space.merge(grown)
    if not history.trials and not event.met:
        history.counting.declare(history.space.space)
    elif history.counting.changes:
        _recount(history)  # what was gone may be back


def _change_space(history: History, event: SpaceChanged) -> None:
    history.space = _space_of(event.hyperparameters)
    history.counting.declare(history.space.space[: event.declared])
    history.changed_at = len(history.end_order)
    _recount(history)
    history.enqueued = [values for values in history.enqueued if is_legal(history.space, values)]
    if event.trial_id is None:  # else they run, in the space that they were given
        for trial in history.running.values():
            _hand_out(history, trial)


def _declare_study(history: History, event: StudyDeclared) -> None:
    counting = history.counting
    before = counting.data_version, counting.stale
    history.training = dict(event.training)
    counting.take_data(event.data_version, event.stale, history.running)
    if before != (event.data_version, event.stale) and history.trials:
        history.changed_at = len(history.end_order)
        _recount(history)


def _change_objective(history: History, event: ObjectiveChanged) -> None:
    history.objective = objective_from_json(event.objective)
    history.rescored = True
    for trial_id, outcome in event.outcomes.items():
        history.trials[trial_id].take_score(outcome)
        history.failed_under[trial_id] = history.study
    ended = [history.trials[trial_id] for trial_id in history.end_order]
    history.completed = sum(t.status == TrialStatus.COMPLETED for t in ended)
    history.failed = sum(_failed(t) for t in ended)
    for trial in history.running.values():
        trial.reopen()  # what it has left was the best by the objective before
    history.changed_at = len(history.end_order)
    history.earlier.clear()
    _learn_from_outsiders(history)
    _find_best(history)


def _hand_out(history: History, trial: Trial) -> None:
    """Gives a trial that is to run again the space as it is now, if it lies inside."""
    if history.counts(trial):
        own = {k: v for k, v in trial.hyperparameters.values.items() if k.startswith("tuner/")}
        values = {**history.counting.values_of(trial), **own}
        trial.hyperparameters = history.space.with_values(values)
        history.given.put(trial)


def _recount(history: History) -> None:
    """Asks anew which trials count, and all that follows from it."""
    counting = history.counting
    counting.recount(history.space, history.trials)
    counted = [trial for trial in history.trials.values() if history.counts(trial)]
    history.tried = {_key_of(history, trial) for trial in counted}
    _find_best(history)
    _learn_from_outsiders(history)


def _learn_from_outsiders(history: History) -> None:
    history.earlier.pop(OUTSIDERS, None)
    outside = [t for t in history.trials.values() if t.score is not None and not history.counts(t)]
    if outside:
        history.earlier[OUTSIDERS] = [EarlierTrial.outside(trial) for trial in outside]


def _key_of(history: History, trial: Trial) -> str:
    return values_key(history.counting.values_of(trial))


def _create(history: History, event: TrialCreated) -> None:
    if event.trial_id in history.trials:
        return  # written twice by a process that never learnt of the first time
    budget = Budget.from_json(event.budget) if event.budget else None
    values = event.values if budget is None else {**event.values, **budget.as_values()}
    trial = Trial(history.space.with_values(values), trial_id=event.trial_id)
    trial.seed, trial.budget = event.seed, budget
    history.trials.put(trial)
    history.running[trial.trial_id] = trial
    history.counting.begin(trial.trial_id)
    history.given.put(trial)
    history.ended_before[trial.trial_id] = len(history.end_order)
    history.tried.add(values_key(event.values))
    if event.enqueued:
        del history.enqueued[:1]  # none, where a repaired journal has lost the request
    if budget is not None:
        history.rungs[budget.sweep, budget.bracket, budget.rung].append(trial)


def _retry(history: History, event: TrialRetried) -> None:
    history.trials[event.trial_id].begin_again(event.reason)


def _end(history: History, event: TrialEnded) -> None:
    if event.trial_id not in history.running:
        return  # the first outcome stays
    trial = history.running.pop(event.trial_id)
    given = history.given.taken(trial)
    if event.hyperparameters is not None:
        history.tried -= {values_key(given), _key_of(history, trial)}
        trial.hyperparameters = HyperParameters.from_config(event.hyperparameters)
        if history.counting.changes and history.counts(trial):
            history.counting.place(history.space, trial)
        if history.counts(trial):
            history.tried.add(_key_of(history, trial))
    trial.set_outcome(
        {
            "metrics": event.metrics,
            "score": event.score,
            "best_step": event.best_step,
            "status": event.status,
            "message": event.message,
            "record": event.record,
        }
    )
    history.end_order.append(trial.trial_id)
    _count(history, trial)


def _reopen(history: History, event: TrialReopened) -> None:
    trial = history.trials[event.trial_id]
    if trial.trial_id in history.running:
        return
    place = history.end_order.index(trial.trial_id)
    del history.end_order[place]
    history.began_at -= place < history.began_at
    history.changed_at -= place < history.changed_at
    history.completed -= trial.status == TrialStatus.COMPLETED
    history.failed -= _failed(trial)
    trial.forget_outcome()
    trial.reopen()
    if trial is history.best:
        _find_best(history)
    history.counting.begin(trial.trial_id)
    history.running[trial.trial_id] = trial
    history.dropped.discard(trial.trial_id)
    history.given.put(trial)
    _hand_out(history, trial)


def _drop(history: History, event: CheckpointsDropped) -> None:
    history.dropped.update(event.trial_ids)


def _remember(history: History, event: OracleChanged) -> None:
    history.oracle_state = dict(event.state)


def _read_earlier(history: History, event: EarlierTrialsRead) -> None:
    history.earlier[event.source] = [EarlierTrial(event.source, **t) for t in event.trials]


def _finish(history: History, event: SearchEnded) -> None:
    history.end_reason = event.reason


def _repair(history: History, event: JournalRepaired) -> None:
    """Told for people; what was brought back stands beside it."""


def _count(history: History, trial: Trial) -> None:
    if trial.outcome == Outcome.WITHDRAWN:
        return
    if trial.status != TrialStatus.COMPLETED:
        history.failed += 1
        history.failed_under[trial.trial_id] = history.study
        return
    history.completed += 1
    if not history.is_feasible(trial) or not history.counts(trial):
        return
    if history.best is None or history.loss(trial) < history.loss(history.best):
        history.best = trial


def _failed(trial: Trial) -> bool:
    """Whether a trial has failed, which one that was withdrawn has not."""
    return trial.status == TrialStatus.FAILED and trial.outcome != Outcome.WITHDRAWN


def _space_of(configs: Iterable[Mapping[str, Any]]) -> HyperParameters:
    space = HyperParameters()
    for config in configs:
        space.merge([deserialize(config)])
    return space


_TAKE: dict[type[Event], Callable[[History, Any], None]] = {
    SearchStarted: _start,
    SpaceGrown: _grow,
    SpaceChanged: _change_space,
    StudyDeclared: _declare_study,
    ObjectiveChanged: _change_objective,
    ValuesEnqueued: _enqueue,
    TrialCreated: _create,
    TrialRetried: _retry,
    TrialEnded: _end,
    TrialReopened: _reopen,
    CheckpointsDropped: _drop,
    EarlierTrialsRead: _read_earlier,
    OracleChanged: _remember,
    SearchEnded: _finish,
    JournalRepaired: _repair,
}
"""What each kind of event does to a history."""
