"""Which slot runs which trial, and which trials wait to be run again."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

from tuner.core.trial import Trial


class Assignments:
    """The trials of this process that are under way, and the queue of those to be run again."""

    def __init__(self) -> None:
        self.ongoing: dict[str, Trial] = {}
        """Trials that are under way, by the slot (or tuner) that runs them."""
        self.queue: deque[str] = deque()
        """Ids of the trials that wait for another try."""

    def next_again(self, slot: str, trials: Mapping[str, Trial]) -> Trial | None:
        """Gives the first trial of the queue to a slot; None when there is none."""
        if not self.queue:
            return None
        return self._begin(trials[self.queue.popleft()], slot)

    def keep(self, trial: Trial, slot: str) -> bool:
        """Gives a trial of the queue to the slot that ran it; whether it is in the queue."""
        if trial.trial_id not in self.queue:
            return False
        self.queue.remove(trial.trial_id)
        self._begin(trial, slot)
        return True

    def put_back(self, trial_id: str) -> None:
        """Has a trial wait for another try, on any slot."""
        self.release(trial_id)
        self.queue.append(trial_id)

    def release(self, trial_id: str) -> None:
        """No slot runs the trial any more."""
        for slot, trial in list(self.ongoing.items()):
            if trial.trial_id == trial_id:
                del self.ongoing[slot]

    def clear(self) -> None:
        self.ongoing.clear()
        self.queue.clear()

    def _begin(self, trial: Trial, slot: str) -> Trial:
        trial.forget_outcome()
        self.ongoing[slot] = trial
        return trial
