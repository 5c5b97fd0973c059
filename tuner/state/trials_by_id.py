"""Trials under their ids."""

from __future__ import annotations

from tuner.trial import Trial

DIGITS = 4
"""Of a trial's number in its id; a longer number has more."""


def trial_id_of(number: int) -> str:
    """The id of the trial with this number, from 0."""
    return f"{number:0{DIGITS}d}"


class TrialsById(dict[str, Trial]):
    """Trials by id, in the order of their creation.

    Keras Tuner pads a number to the digits of `max_trials`, so its programs ask for trial `"0"`
    or `"07"`: they find it.
    """

    def __missing__(self, trial_id: str) -> Trial:
        padded = str(trial_id).zfill(DIGITS)
        if padded == trial_id or not padded.isdecimal():
            raise KeyError(trial_id)
        return self[padded]
