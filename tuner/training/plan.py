"""The training plan of a trial: the interface that training knows in place of tuner and oracle."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tuner.core.objective import Objective
from tuner.core.trial import Trial
from tuner.journal.project import Project
from tuner.training.state_writer import Every


class TrainingPlan(Protocol):
    """How the executions of a trial are run. A test drives training with a plan of its own."""

    @property
    def project(self) -> Project:
        """Where states and results lie."""

    @property
    def objective(self) -> Objective:
        """Says which epoch is the best."""

    @property
    def executions(self) -> int:
        """Number of trainings of a trial, at least 1."""

    @property
    def resume(self) -> bool:
        """Whether to go on with what an earlier process has left, and to leave something."""

    @property
    def checkpoint_every(self) -> Every:
        """How often a training state is saved."""

    @property
    def reorders(self) -> bool:
        """Whether the order of the data may be ours, a function of seed and epoch."""

    @property
    def takes_initial_epoch(self) -> bool:
        """Whether `fit` can be told with which epoch to begin."""

    @property
    def interrupted(self) -> bool:
        """Whether the search is stopping."""

    def check_result(self, trial: Trial, result: Any) -> None:
        """Raises FatalError where the trial cannot be scored by what an execution gave."""

    def objective_due(self, callbacks: Sequence[Any], kwargs: Mapping[str, Any]) -> int | None:
        """The epoch, from 0, by whose end `fit` has told its callbacks of the objective.

        None where the user's own code may have it later.

        Args:
            callbacks: The user's own.
            kwargs: Arguments of `fit`.
        """

    def keeps_end(self, trial: Trial) -> bool:
        """Whether another trial may go on from the end of this one."""

    def callbacks(self, given: Any, trial: Trial, execution: int) -> list[Any]:
        """Fresh callbacks for an execution, of what the user gave."""

    def watch(self, trial: Trial) -> Any:
        """A callback that tells the search of epochs, and the hooks of the tuner."""

    def arguments(
        self, execution: int, args: Sequence[Any], kwargs: dict[str, Any]
    ) -> tuple[Sequence[Any], dict[str, Any]]:
        """The arguments of `fit` for one execution."""

    def fit(
        self, trial: Trial, args: Sequence[Any], kwargs: Mapping[str, Any], *, exact: bool
    ) -> Any:
        """Builds a model and trains it; answers what `fit` returned.

        Args:
            trial: Its record is filled in.
            args: As `arguments` gave them.
            kwargs: Likewise, with callbacks.
            exact: Whether the model is going to get a whole training state, so that a promoted
                trial need not begin with its parent's weights.
        """

    def report(self, trial: Trial, metrics: Mapping[str, float], step: int) -> None:
        """Tells the search again what an earlier process had reported."""


class Hooks(Protocol):
    """What is called of a tuner while a model trains."""

    display: Any
    oracle: Any

    def report_epoch(self, trial: Trial, epoch: int, logs: Any) -> bool:
        """Tells the search how far the trial is; answers whether the trial is to stop."""

    def on_batch_begin(self, trial: Trial, model: Any, batch: int, logs: Any) -> None: ...

    def on_batch_end(self, trial: Trial, model: Any, batch: int, logs: Any = None) -> None: ...

    def on_epoch_begin(self, trial: Trial, model: Any, epoch: int, logs: Any = None) -> None: ...

    def on_epoch_end(self, trial: Trial, model: Any, epoch: int, logs: Any = None) -> None: ...


class EpochObserver(Protocol):
    """What is told between two epochs, with all callbacks of the training."""

    def train_begins(self, model: Any, callbacks: Sequence[Any], trainings: int) -> None:
        """A training begins; `trainings` of this execution have begun by now."""

    def epoch_begins(
        self, epoch: int, model: Any, callbacks: Sequence[Any], *, first: bool, save: bool
    ) -> None:
        """An epoch begins: the `first` of its training or a later one."""

    def train_ends(self, model: Any, callbacks: Sequence[Any]) -> None:
        """A training has ended; called before any other callback has its turn."""
