"""Methods of a tuner that tell of its search."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from tuner.core.hyperparameters import HyperParameters
from tuner.core.objective import Objective
from tuner.core.stateful import Alias
from tuner.core.trial import Trial, TrialStatus
from tuner.journal.project import Project

if TYPE_CHECKING:
    import pyarrow as pa

    from tuner.results.figures.figure import Figure


def search_space_text(space: HyperParameters, extended: bool = False) -> str:
    """What `search_space_summary` prints."""
    if extended:
        space = space.copy()
        space.ensure_active_values()
    lines = ["Search space summary", f"Default search space size: {len(space.space)}"]
    for parameter in space.space:
        config = parameter.get_config()
        name = config.pop("name")
        lines += [f"{name} ({type(parameter).__name__})", str(config)]
    return "\n".join(lines)


def results_text(url: str, objective: Objective, best: Sequence[Trial], num_trials: int) -> str:
    """What `results_summary` prints."""
    head = ["Results summary", f"Results in {url}", f"Showing {num_trials} best trials"]
    return "\n".join([*head, str(objective), *("\n" + trial.describe() for trial in best)])


class TunerResults:
    """Answers questions about a search, before, during and after it.

    The `plot_*` methods give figures, which a notebook shows without a network; their `spec` is
    Vega-Lite. Each raises LookupError while there are too few trials to draw it.
    """

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

    def load_model(self, trial: Trial) -> Any:
        """Loads the model of a trial. Raises NotImplementedError unless overridden."""
        raise NotImplementedError

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

        A notebook shows it as one.

        Args:
            level: `"trials"`, `"executions"` or `"epochs"`: what a row is.
        """
        from tuner.results.tables import show_tables_in_notebooks, table_of

        show_tables_in_notebooks()
        return table_of(level, self.search_project, self.oracle.search_history)

    def export_if_any_ended(self, since: int) -> None:
        """Writes the tables into the project, if more trials than these have ended.

        Also where the search was cut off before, perhaps while it wrote them.

        Args:
            since: Number of trials that had ended when the search began.
        """
        from tuner.results.tables import export_at_the_end

        history = self.oracle.search_history
        if len(history.end_order) > since or history.was_cut_off:
            export_at_the_end(self.search_project, history)

    def search_space_summary(self, extended: bool = False) -> None:
        """Prints the search space; with `extended` the values of each parameter too."""
        print(search_space_text(self.oracle.get_space(), extended))  # noqa: T201

    def results_summary(self, num_trials: int = 10) -> None:
        """Prints the best trials with their hyperparameters and scores."""
        best = self.oracle.get_best_trials(num_trials)
        objective = self.oracle.search_history.objective
        print(results_text(self.search_project.url, objective, best, num_trials))  # noqa: T201

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

    # Figures.

    def plot_optimization_history(self) -> Figure:
        """The score of each trial in the order of their ends, and the best one so far."""
        return self._plot("optimization_history")

    def plot_parameter_importance(self) -> Figure:
        """How much each hyperparameter matters, by functional ANOVA, with an interval."""
        return self._plot("parameter_importance")

    def plot_slices(self) -> Figure:
        """Score against the value of each hyperparameter."""
        return self._plot("slices")

    def plot_contour(self) -> Figure:
        """The score that is expected for two hyperparameters together."""
        return self._plot("contour")

    def plot_rank(self) -> Figure:
        """The trials by two hyperparameters, coloured by the rank of their score."""
        return self._plot("rank")

    def plot_parallel_coordinates(self) -> Figure:
        """A line for each trial through its values."""
        return self._plot("parallel_coordinates")

    def plot_learning_curves(self) -> Figure:
        """The learning curves of the best trials, a line for each execution."""
        return self._plot("learning_curves")

    def plot_executions_spread(self) -> Figure:
        """How far apart the executions of the best trials lie."""
        return self._plot("executions_spread")

    def plot_edf(self) -> Figure:
        """The distribution of the scores."""
        return self._plot("edf")

    def plot_rungs(self) -> Figure:
        """Which trial was promoted when."""
        return self._plot("rungs")

    def plot_slots(self) -> Figure:
        """Which trial ran where and when."""
        return self._plot("slots")

    def plot_pareto(self) -> Figure:
        """The trade-off between several objectives."""
        return self._plot("pareto")

    def plot_hypervolume_history(self) -> Figure:
        """How much the front of several objectives has dominated after each trial."""
        return self._plot("hypervolume_history")

    def plot_comparison(self, *project_urls: str) -> list[Figure]:
        """This search beside others of the same objective: best score by trials and by time.

        Args:
            project_urls: Paths or URLs of their projects.

        Raises:
            FileNotFoundError: One of them is no project.
            ValueError: One of them has another objective.
        """
        from tuner.results.figures.comparison import compare
        from tuner.results.findings import Findings

        others = [Findings.of(Project.at(url)) for url in project_urls]
        return compare([Findings.of(self.search_project), *others])

    def _plot(self, name: str) -> Figure:
        from tuner.results.figures import ALL
        from tuner.results.findings import Findings

        findings = Findings.of(self.search_project)
        figure = ALL[name](findings)
        if figure is None:
            completed = findings.history.completed
            msg = f"Expected enough trials, and of the kind, to draw `{name}` of."
            raise LookupError(f"{msg} Received: completed={completed}.")
        return figure

    def _repr_html_(self) -> str:
        from tuner.results.findings import Findings
        from tuner.results.leaderboard import leaderboard

        return leaderboard(Findings.of(self.search_project))
