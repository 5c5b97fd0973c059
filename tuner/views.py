"""What an oracle knows of its trials, under Keras Tuner's names."""

from __future__ import annotations

from typing import Any

from tuner.alias import Alias
from tuner.objective import Objective
from tuner.results.pareto import pareto_front
from tuner.state.history import History
from tuner.trial import Trial, TrialStatus


class HistoryViews:
    """Reads everything off the history, so that nothing is known twice."""

    max_trials: int | None
    objective: Objective
    history: Any = Alias("search_history")

    @property
    def search_history(self) -> History:
        raise NotImplementedError

    @property
    def trials(self) -> dict[str, Trial]:
        """All trials by id, in the order of their creation."""
        return self.search_history.trials

    @property
    def start_order(self) -> list[str]:
        """Ids in the order of creation."""
        return list(self.trials)

    @property
    def end_order(self) -> list[str]:
        """Ids of ended trials, in the order of their ends."""
        return self.search_history.end_order

    @property
    def run_times(self) -> dict[str, int]:
        """How often each trial was begun."""
        return {trial_id: trial.tries for trial_id, trial in self.trials.items()}

    @property
    def planned_trials(self) -> int | None:
        """Number of trials the search will have, None when nobody can say."""
        return self.max_trials

    def get_trial(self, trial_id: str) -> Trial:
        """The trial with this id. Raises KeyError if there is none."""
        return self.trials[trial_id]

    def get_best_trials(self, num_trials: int = 1) -> list[Trial]:
        """The completed trials with the best scores, best first.

        If fewer have completed the others follow, as in Keras Tuner: check their `status`.
        """
        best = self.search_history.ranked()
        if len(best) < num_trials:
            best += [t for t in self.trials.values() if t.status != TrialStatus.COMPLETED]
        return best[:num_trials]

    def get_pareto_trials(self) -> list[Trial]:
        """The completed trials that no other beats in every objective, best sum first."""
        return pareto_front(self.search_history.ranked(), self.objective)

    def remaining_trials(self) -> int | None:
        """Trials that may still be created; None when there is no limit."""
        return None if self.max_trials is None else self.max_trials - len(self.trials)
