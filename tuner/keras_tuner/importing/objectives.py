"""Which objective the old search had: the user says, and the trials must agree."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import product
from typing import Any

from tuner.core.metrics import MetricsTracker
from tuner.core.objective import MultiObjective, Objective, create_objective
from tuner.core.trial import TrialStatus
from tuner.keras_tuner.importing.trials import OldTrial

TOLERANCE = 1e-4
"""Scores that went through Keras Tuner's workers are rounded to 32 bits."""


def settle_objective(objective: Any, trials: Iterable[OldTrial]) -> tuple[Objective, list[str]]:
    """The objective of what the user gave, with the directions the trials remember.

    Args:
        objective: None, a metric's name, an `Objective`, or a list of names and objectives.
        trials: The trials; those that have completed are witnesses.

    Returns:
        The objective, and what is odd about it, in sentences.

    Raises:
        ValueError: A direction is unknown, or the trials were searched for something else.
    """
    witnesses = [t for t in trials if t.status == TrialStatus.COMPLETED and _finite(t)]
    if isinstance(objective, list | tuple):
        objective = [_named(item, witnesses) for item in objective]
    settled = create_objective(_named(objective, witnesses))
    for trial in witnesses:
        _check_metrics(settled, trial)
    if _explains_all(settled, witnesses):
        return settled, []
    better = next((o for o in _others(settled, witnesses) if _explains_all(o, witnesses)), None)
    if better is not None:
        trial = next(t for t in witnesses if not _explains(settled, t))
        msg = (
            f"Expected the scores of the trials to be those of {settled}. Received: "
            f"score={trial.score} in {trial.where}, and scores that fit {better} in all trials. "
            "Give that as the objective."
        )
        raise ValueError(msg)
    return settled, [f"Scores were taken as they stand; they are not the values of {settled}."]


def _named(name: Any, witnesses: Sequence[OldTrial]) -> Any:
    """The objective of a name, as far as the trials know it; what is no name, as it is."""
    if not isinstance(name, str) or not witnesses:
        return name
    return Objective(name, _direction(name, witnesses[0]))


def _direction(name: str, trial: OldTrial) -> str:
    """The direction a trial remembers. Raises ValueError if it has no such metric."""
    if trial.metrics.exists(name):
        return trial.metrics.get_direction(name)
    msg = (
        f"Expected the objective to be one of the metrics {sorted(trial.metrics.metrics)} "
        f"in {trial.where}. Received: objective={name!r}."
    )
    raise ValueError(msg)


def _check_metrics(objective: Objective, trial: OldTrial) -> None:
    """Raises ValueError where a trial lacks a metric, or has it the other way round."""
    several = isinstance(objective, MultiObjective)
    for part in objective.objectives if isinstance(objective, MultiObjective) else [objective]:
        stored = _direction(part.name, trial)
        # Of several objectives Keras Tuner kept no direction: it stored what the name suggests.
        if stored != part.direction and not several:
            msg = (
                f"Expected `direction` of {part.name!r} to be {stored!r}, as in {trial.where}. "
                f"Received: direction={part.direction!r}. Leave it out, or give {stored!r}."
            )
            raise ValueError(msg)


def _others(objective: Objective, witnesses: Sequence[OldTrial]) -> Iterator[Objective]:
    """What else the objective may have been."""
    if isinstance(objective, MultiObjective):
        names = list(objective.name_to_direction)
        for directions in product(("min", "max"), repeat=len(names)):
            yield MultiObjective([Objective(*o) for o in zip(names, directions, strict=True)])
        return
    for name, history in witnesses[0].metrics.metrics.items():
        yield Objective(name, history.direction)


def _explains_all(objective: Objective, witnesses: Sequence[OldTrial]) -> bool:
    return all(_explains(objective, trial) for trial in witnesses)


def _explains(objective: Objective, trial: OldTrial) -> bool:
    """Whether the score of a trial is the objective's value."""
    value = _value(objective, trial.metrics)
    return value is not None and math.isclose(
        value, trial.score or 0.0, rel_tol=TOLERANCE, abs_tol=TOLERANCE**2
    )


def _value(objective: Objective, metrics: MetricsTracker) -> float | None:
    if not isinstance(objective, MultiObjective):
        return metrics.get_best_value(objective.name) if metrics.exists(objective.name) else None
    logs = (_at_one_step(metrics, objective.name_to_direction, step) for step in _steps(metrics))
    values = [objective.get_value(metrics_of_step) for metrics_of_step in logs if metrics_of_step]
    return min(values, default=None)


def _steps(metrics: MetricsTracker) -> set[int]:
    return {o.step for history in metrics.metrics.values() for o in history.get_history()}


def _at_one_step(
    metrics: MetricsTracker, names: Mapping[str, str], step: int
) -> dict[str, float] | None:
    found = {
        name: observation.mean()
        for name in names
        if metrics.exists(name)
        for observation in metrics.get_history(name)
        if observation.step == step
    }
    return found if len(found) == len(names) else None


def _finite(trial: OldTrial) -> bool:
    return trial.score is not None and math.isfinite(trial.score)
