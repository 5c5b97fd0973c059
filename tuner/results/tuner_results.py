"""What a tuner tells of its search."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tuner.alias import Alias
from tuner.hyperparameters import HyperParameters
from tuner.results import summary
from tuner.results.tuner_plots import TunerPlots
from tuner.state.project import Project
from tuner.trial import Trial, TrialStatus

if TYPE_CHECKING:
    import pyarrow as pa


class TunerResults(TunerPlots):
    """The questions a tuner answers, before, during and after a search."""

    oracle: Any
    search_project: Project
    project: Any = Alias("search_project")

    def enqueue(self, values: Mapping[str, Any]) -> None:
        """Asks for a trial of these values, before any of the oracle's own.

        Good for configurations that are known to work. What was asked for before, or has had a
        trial, is not tried again, so a script that is run again may ask again.

        Args:
            values: By hyperparameter; the others take their defaults.

        Raises:
            ValueError: There is no such hyperparameter, or it cannot have that value.
        """
        self.oracle.enqueue(values)

    def get_best_models(self, num_models: int = 1) -> list[Any]:
        """The models of the best trials, best first; fewer if fewer trials have completed."""
        return [self.load_model(trial) for trial in self._best_completed(num_models)]

    def get_best_hyperparameters(self, num_trials: int = 1) -> list[HyperParameters]:
        """The hyperparameters of the best trials, best first."""
        return [trial.hyperparameters for trial in self._best_completed(num_trials)]

    def _best_completed(self, number: int) -> list[Trial]:
        best = self.oracle.get_best_trials(number)
        return [trial for trial in best if trial.status == TrialStatus.COMPLETED]

    def get_pareto_trials(self) -> list[Trial]:
        """The completed trials that no other beats in every objective, best sum first."""
        trials: list[Trial] = self.oracle.get_pareto_trials()
        return trials

    def results(self, level: str = "trials") -> pa.Table:
        """What the search has found so far, as a table; `.to_pandas()` makes a DataFrame of it.

        Args:
            level: `"trials"`, `"executions"` or `"epochs"`: what a row is.
        """
        from tuner.results.tables import table_of

        return table_of(level, self.search_project, self.oracle.search_history)

    def export_if_any_ended(self, since: int) -> None:
        """Writes the tables into the project, if more trials than these have ended.

        Args:
            since: Number of trials that had ended when the search began.
        """
        from tuner.results.export import export_at_the_end

        history = self.oracle.search_history
        if len(history.end_order) > since:
            export_at_the_end(self.search_project, history)

    def search_space_summary(self, extended: bool = False) -> None:
        """Prints the search space; with `extended` the values of each parameter too."""
        print(summary.search_space(self.oracle.get_space(), extended))  # noqa: T201

    def results_summary(self, num_trials: int = 10) -> None:
        """Prints the best trials with their hyperparameters and scores."""
        best = self.oracle.get_best_trials(num_trials)
        print(summary.results(self.search_project.url, self.oracle.objective, best, num_trials))  # noqa: T201

    @property
    def remaining_trials(self) -> int | None:
        """Number of trials that may still be created; None when there is no limit."""
        remaining: int | None = self.oracle.remaining_trials()
        return remaining

    @property
    def project_dir(self) -> str:
        """Path or URL of the project; on a local disk the folder is there."""
        return self.search_project.folder()

    def get_trial_dir(self, trial_id: str) -> str:
        """Path or URL of a trial's folder; on a local disk the folder is there."""
        return self.search_project.trial_folder(trial_id)
