"""The hooks of a tuner, for subclasses to override."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tuner.stateful import Stateful
from tuner.trial import Trial


class TunerHooks(Stateful):
    """What a subclass of a tuner may override; does nothing by itself."""

    def run_trial(self, trial: Trial, *fit_args: Any, **fit_kwargs: Any) -> Any:
        """Evaluates one configuration.

        Args:
            trial: Holds the configuration in `trial.hyperparameters`.
            *fit_args: What was passed to `search`.
            **fit_kwargs: Likewise.

        Returns:
            A number, a dict of metrics, a Keras History, or a list of these, one an execution.
        """
        raise NotImplementedError

    def save_model(self, trial_id: str, model: Any, step: int = 0) -> None:
        """Saves a model of a trial. Raises NotImplementedError unless overridden."""
        raise NotImplementedError

    def load_model(self, trial: Trial) -> Any:
        """Loads the model of a trial. Raises NotImplementedError unless overridden."""
        raise NotImplementedError

    def pre_create_trial(self) -> None:
        """Called before the oracle is asked for a trial."""

    def on_search_begin(self) -> None:
        """Called before the first trial."""

    def on_search_end(self) -> None:
        """Called after the last trial."""

    def get_state(self) -> dict[str, Any]:
        """What the tuner knows beyond its oracle, as JSON; kept with the project."""
        return {}

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Takes over what `get_state` gave, when the project is opened again."""
