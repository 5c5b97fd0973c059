"""What an oracle knows of its trials, under Keras Tuner's names."""

from __future__ import annotations

from tuner.history import History
from tuner.trial import Trial


class HistoryViews:
    """Reads everything off the history, so that nothing is known twice."""

    max_trials: int | None

    @property
    def history(self) -> History:
        raise NotImplementedError

    @property
    def trials(self) -> dict[str, Trial]:
        return self.history.trials

    @property
    def start_order(self) -> list[str]:
        return list(self.trials)

    @property
    def end_order(self) -> list[str]:
        return self.history.end_order

    def get_trial(self, trial_id: str) -> Trial:
        """The trial with this id. Raises KeyError if there is none."""
        return self.trials[trial_id]

    def get_best_trials(self, num_trials: int = 1) -> list[Trial]:
        """The completed trials with the best scores, best first; fewer if there are fewer."""
        return self.history.ranked()[:num_trials]

    def remaining_trials(self) -> int | None:
        """Trials that may still be created; None when there is no limit."""
        return None if self.max_trials is None else self.max_trials - len(self.trials)
