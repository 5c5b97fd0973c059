"""The trials of a search by id, and what is known of those of others."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tuner.core.hyperparameters import HyperParameter, HyperParameters
from tuner.core.hyperparameters.comparing import identity_of
from tuner.core.trial import Trial

OUTSIDERS = "trials outside of the space"
"""Source of the `EarlierTrial`s that are this search's own, from before its space changed."""

DIGITS = 4
"""Of a trial's number in its id; a longer number has more."""


def trial_id_of(number: int) -> str:
    """The id of the trial with this number, from 0."""
    return f"{number:0{DIGITS}d}"


class TrialsById(dict[str, Trial]):
    """Trials by id, in the order of their creation.

    Keras Tuner pads a number to the digits of `max_trials`, so its programs ask for trial `"0"`
    or `"07"`: they find it. They also put in trials that they have made.
    """

    take_in: Callable[[Trial], None] | None = None
    """Records a trial that a program puts in; without it nothing is recorded."""

    def put(self, trial: Trial) -> None:
        """Holds a trial of the history."""
        super().__setitem__(trial.trial_id, trial)

    def next_id(self) -> str:
        """The id of the next trial: its number, unless a program has given that id to another."""
        number = len(self)
        while trial_id_of(number) in self:
            number += 1
        return trial_id_of(number)

    def __setitem__(self, trial_id: str, trial: Trial) -> None:
        if trial_id != trial.trial_id:
            msg = f"Expected the id of the trial, {trial.trial_id!r}, for its key."
            raise ValueError(f"{msg} Received: {trial_id!r}.")
        if self.take_in is None:
            self.put(trial)
        else:
            self.take_in(trial)

    def __missing__(self, trial_id: str) -> Trial:
        padded = str(trial_id).zfill(DIGITS)
        if padded == trial_id or not padded.isdecimal():
            raise KeyError(trial_id)
        return self[padded]


class Given:
    """The space and the values that running trials were given, by the id of the trial."""

    def __init__(self) -> None:
        self._given: dict[str, tuple[list[HyperParameter], dict[str, Any]]] = {}

    def put(self, trial: Trial) -> None:
        """A trial begins with what it holds now."""
        hp = trial.hyperparameters
        self._given[trial.trial_id] = (hp.space.copy(), dict(hp.values))

    def taken(self, trial: Trial) -> dict[str, Any]:
        """The configuration a trial was given, which has ended and is forgotten here."""
        _, values = self._given.pop(trial.trial_id)
        return {name: value for name, value in values.items() if not name.startswith("tuner/")}

    def differs(self, trial: Trial) -> bool:
        """Whether a running trial has met parameters that it was not given."""
        given, values = self._given[trial.trial_id]
        hp = trial.hyperparameters
        return hp.values != values or hp.space != given

    def met_by(self, trial: Trial) -> HyperParameters:
        """The parameters that a trial has met in its run and was not given."""
        given, _ = self._given.get(trial.trial_id, ([], {}))
        known = {identity_of(parameter) for parameter in given}
        met = HyperParameters()
        met.merge(p for p in trial.hyperparameters.space if identity_of(p) not in known)
        return met


@dataclass(frozen=True, slots=True)
class EarlierTrial:
    """A completed trial of another search, or of this one before its space changed."""

    source: str
    """Path or URL of that search's project; `OUTSIDERS` for this one's own."""
    values: Mapping[str, Any]
    score: float
    metrics: Mapping[str, float]

    @classmethod
    def outside(cls, trial: Trial) -> EarlierTrial:
        """A trial of the search itself, from before its space changed."""
        return cls(OUTSIDERS, trial.values, trial.score or 0.0, trial.metrics.best_values())
