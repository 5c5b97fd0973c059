"""The trials that count in a search whose study has changed since they ran."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from tuner.core.hyperparameters import HyperParameter, HyperParameters
from tuner.core.hyperparameters.comparing import Identity, identity_of, point_of
from tuner.core.hyperparameters.sampling import Values, values_key
from tuner.core.trial import Trial

OUTSIDE = "outside of the space"
"""Why a trial does not count: its configuration is none of the space as it is now."""

OTHER_DATA = "trained on data of another version"
"""Why a trial does not count where `--stale ignore` says so."""

STALE = ("keep", "retry", "ignore")
"""What may become of trials on data of another version: they count all the same, train once more on
the data as it is now, or do not count."""


class Counting:
    """Tells the trials that count from those that are set aside.

    A trial counts where its configuration is one of the space as it is now: towards `max_trials`,
    on the rungs of Hyperband, among the best; and, if that is asked for, where it trained on the
    data as it is now. All others stay in the project, and are learnt from
    as the trials of an earlier search are.
    """

    def __init__(self) -> None:
        self.aside: dict[str, str] = {}
        """Why the trials that do not count do not, by id."""
        self.points: dict[str, Values] = {}
        """Configurations of trials that ran before some hyperparameters were known, with those."""
        self.changes = 0
        """How often it was asked anew which trials count."""
        self.declared: set[Identity] = set()
        """The parameters that the study itself has declared; the others were met by trials."""
        self.data_version: str | None = None
        """Version of the data that trials train on now; None if not given."""
        self.stale = STALE[0]
        """What becomes of trials on data of another version, one of `STALE`."""
        self._version_of: dict[str, str | None] = {}

    def declare(self, parameters: Iterable[HyperParameter]) -> None:
        """Takes in what the study itself declares now; all that it declared before, it has not."""
        self.declared = {identity_of(parameter) for parameter in parameters}

    def begin(self, trial_id: str) -> None:
        """A trial is to train on the data as it is now."""
        self._version_of[trial_id] = self.data_version

    def take_data(self, version: str | None, stale: str, running: Iterable[str]) -> None:
        """Takes in which data trials train on from now on.

        Args:
            version: Trials of before the first version are taken for trials of it.
            stale: One of `STALE`.
            running: Ids of the trials that are still to train.
        """
        if self.data_version is None:
            self._version_of = dict.fromkeys(self._version_of, version)
        self.data_version, self.stale = version, stale
        for trial_id in running:
            self.begin(trial_id)

    def version_of(self, trial: Trial) -> str | None:
        """Version of the data that a trial trains on, or has; None if not given."""
        return self._version_of.get(trial.trial_id)

    def is_stale(self, trial_id: str) -> bool:
        """Whether a trial is known to have trained on data of another version."""
        version = self._version_of.get(trial_id)
        return version is not None and version != self.data_version

    def recount(self, space: HyperParameters, trials: Mapping[str, Trial]) -> None:
        """Finds out anew which trials count, and as what."""
        self.changes += 1
        self.aside.clear()
        self.points.clear()
        for trial in trials.values():
            self.place(space, trial)

    def place(self, space: HyperParameters, trial: Trial) -> None:
        """Finds out whether one trial counts, and as what."""
        trial_id = trial.trial_id
        self.points.pop(trial_id, None)
        point = point_of(space, trial.hyperparameters)
        if point is None:
            self.aside[trial_id] = OUTSIDE
        elif self.stale == "ignore" and self.is_stale(trial_id):
            self.aside[trial_id] = OTHER_DATA
        elif values_key(point) != values_key(trial.values):
            self.points[trial_id] = point

    def values_of(self, trial: Trial) -> Mapping[str, Any]:
        """The configuration of a trial that counts, in the space as it is now."""
        return self.points.get(trial.trial_id) or trial.values
