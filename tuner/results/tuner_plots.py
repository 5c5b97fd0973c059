"""Pictures of a search, for notebooks; they need the extra `report`."""

from __future__ import annotations

from typing import Any

from tuner.hooks import TunerHooks
from tuner.state.project import Project


class TunerPlots(TunerHooks):
    """Figures of what the search has found so far, as Altair charts.

    Each raises LookupError while there are too few trials to draw it, and ImportError where the
    extra `report` is not installed.
    """

    search_project: Project

    def plot_optimization_history(self) -> Any:
        """The score of each trial in the order of their ends, and the best one so far."""
        return self._plot("optimization_history")

    def plot_parameter_importance(self) -> Any:
        """How much each hyperparameter matters to reach the best tenth of the scores."""
        return self._plot("parameter_importance")

    def plot_slices(self) -> Any:
        """Score against the value of each hyperparameter."""
        return self._plot("slices")

    def plot_parallel_coordinates(self) -> Any:
        """A line for each trial through its values."""
        return self._plot("parallel_coordinates")

    def plot_learning_curves(self) -> Any:
        """The learning curves of the best trials, a line for each execution."""
        return self._plot("learning_curves")

    def plot_slots(self) -> Any:
        """Which trial ran where and when."""
        return self._plot("slots")

    def plot_pareto(self) -> Any:
        """The trade-off between two objectives."""
        return self._plot("pareto")

    def _plot(self, name: str) -> Any:
        from tuner.report import drawing
        from tuner.report.findings import Findings

        findings = Findings.of(self.search_project)
        chart = getattr(drawing("figures"), name)(findings)
        if chart is None:
            completed = findings.history.completed
            msg = f"Expected enough trials, and of the kind, to draw `{name}` of."
            raise LookupError(f"{msg} Received: completed={completed}.")
        return chart

    def _repr_html_(self) -> str:
        from tuner.report.findings import Findings
        from tuner.report.leaderboard import leaderboard

        return leaderboard(Findings.of(self.search_project))
