"""What subclasses of Keras Tuner's `Oracle` call, override and keep."""

from __future__ import annotations

import json
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from tuner.hyperparameters.sampling import values_key
from tuner.jsonable import to_json
from tuner.proposal import Done, Proposal, Wait
from tuner.state.entries import complete_at_random
from tuner.trial import Trial, TrialStatus
from tuner.views import HistoryViews

if TYPE_CHECKING:
    import numpy as np

    from tuner.proposal import Decision
    from tuner.state.history import History
    from tuner.state.project import Project


class OracleSubclassing(HistoryViews):
    """Names an `Oracle` has for the sake of subclasses written for Keras Tuner.

    None of them holds anything of its own but `_seed_state`, a counter that subclasses increase.
    """

    seed: int
    ongoing_trials: dict[str, Trial]
    multi_worker = False
    should_report = True
    _max_collisions = 20
    _seed_state: int
    _retry_queue: Any
    _asking: np.random.Generator | None

    # What a subclass overrides.

    grants_budgets = False
    """Whether its proposals say how long to train; then enqueued values wait for one."""

    def propose(self, history: History, rng: np.random.Generator) -> Decision:
        """The next trial, from the history alone: no clock, no input or output, no other state.

        Args:
            history: Everything that has happened; not to be changed.
            rng: Generator for this question; the same one when a resumed search asks again.
        """
        msg = f"Expected {type(self).__name__} to override `propose` or `populate_space`."
        raise NotImplementedError(msg)

    def populate_space(self, trial_id: str) -> dict[str, Any]:
        """Keras Tuner's way to propose a trial.

        Args:
            trial_id: The id the trial will have.

        Returns:
            `{"status": ..., "values": ...}`, the status one of `TrialStatus.RUNNING` (with
            values), `IDLE` (nothing until a running trial ends) and `STOPPED`.
        """
        del trial_id
        self._know_initial_space()
        match self.propose(self.search_history, self._rng()):
            case Proposal(values, budget):
                return {"status": TrialStatus.RUNNING, "values": dict(values), "budget": budget}
            case Wait():
                return {"status": TrialStatus.IDLE, "values": None}
            case Done(reason):
                return {"status": TrialStatus.STOPPED, "values": None, "reason": reason}

    def score_trial(self, trial: Trial) -> None:
        """Sets `trial.score` and `trial.best_step` from the trial's metrics."""
        trial.score = trial.metrics.get_best_value(self.objective.name)
        trial.best_step = trial.metrics.get_best_step(self.objective.name)

    # How it is asked.

    def _ask(self, trial_id: str) -> dict[str, Any]:
        """What `populate_space`, or the name it had before, answers."""
        self._asking = self._rng()
        try:
            old = self._overrides("_populate_space")
            answer = (self._populate_space if old else self.populate_space)(trial_id)
            if self.keeps_state and answer["status"] == TrialStatus.RUNNING:
                space, values = self.search_history.space, answer.get("values") or {}
                answer["values"] = complete_at_random(space, values, self._rng())
            return answer
        finally:
            self._asking = None

    def _set_score(self, trial: Trial) -> None:
        old = self._overrides("_score_trial")
        (self._score_trial if old else self.score_trial)(trial)

    @property
    def keeps_state(self) -> bool:
        """Whether a subclass may know more than the history tells."""
        names = ("propose", "_populate_space", "get_state")
        pure, *kept = (self._overrides(name) for name in names)
        return any(kept) or not pure

    # State beyond the history.

    def get_state(self) -> dict[str, Any]:
        """The state as JSON. A subclass that keeps more adds entries; these are kept, and resumed.

        All else stands in the journal already.
        """
        return {
            "ongoing_trials": {k: trial.trial_id for k, trial in self.ongoing_trials.items()},
            "hyperparameters": self.search_history.space.get_config(),
            "start_order": self.start_order,
            "end_order": list(self.end_order),
            "run_times": self.run_times,
            "retry_queue": list(self._retry_queue),
            "seed": self.seed,
            "seed_state": self._seed_state,
            "tried_so_far": sorted(self._tried_so_far),
            "id_to_hash": {t.trial_id: values_key(t.values) for t in self.trials.values()},
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Takes over what `get_state` gave."""
        self._seed_state = state["seed_state"]

    def own_state(self) -> dict[str, Any]:
        """The part of the state that the history does not tell.

        Raises:
            TypeError: A subclass's `get_state` gives something that is not JSON.
        """
        known = OracleSubclassing.get_state(self)
        own = {name: value for name, value in self.get_state().items() if name not in known}
        try:
            text = json.dumps(to_json({**own, "seed_state": self._seed_state}), allow_nan=False)
        except (TypeError, ValueError) as error:
            msg = f"Expected `{type(self).__name__}.get_state` to return JSON. Received: {error}."
            raise TypeError(msg) from error
        state: dict[str, Any] = json.loads(text)  # tuples are lists now, as after a resume
        return state

    def restore(self, own_state: Mapping[str, Any]) -> None:
        """Takes over what `own_state` gave; nothing if that is empty."""
        if own_state:
            self.set_state({**OracleSubclassing.get_state(self), **own_state})

    # Helpers.

    def _random_values(self) -> dict[str, Any] | None:
        """Random values that had no trial yet, None when there are none."""
        self._know_initial_space()
        rng = self._asking or self._rng()
        return self.search_history.untried(rng)

    def _know_initial_space(self) -> None:
        raise NotImplementedError

    def _rng(self) -> np.random.Generator:
        raise NotImplementedError

    @property
    def _tried_so_far(self) -> set[str]:
        return self.search_history.tried

    def _compute_values_hash(self, values: Mapping[str, Any]) -> str:
        return values_key(values)

    def _duplicate(self, values: Mapping[str, Any]) -> bool:
        """Whether the values, or others of the same hash, have had a trial."""
        return self._compute_values_hash(values) in self._tried_so_far

    def _record_values(self, trial: Trial) -> None:
        self._tried_so_far.add(self._compute_values_hash(trial.hyperparameters.values))

    def _check_objective_found(self, metrics: Mapping[str, Any]) -> None:
        if not self.objective.has_value(metrics):
            msg = f"Expected the objective {self.objective} among the metrics."
            raise ValueError(f"{msg} Received: metrics={sorted(metrics)}.")

    @property
    def _project(self) -> Project | None:
        raise NotImplementedError

    @property
    def _project_dir(self) -> str:
        return "" if self._project is None else self._project.url

    def _get_trial_dir(self, trial_id: str) -> str:
        return "" if self._project is None else self._project.trial_folder(trial_id)

    # Old names.

    def _populate_space(self, trial_id: str) -> dict[str, Any]:
        _deprecated("_populate_space")
        return self.populate_space(trial_id)

    def _score_trial(self, trial: Trial) -> None:
        _deprecated("_score_trial")
        self.score_trial(trial)

    def _overrides(self, name: str) -> bool:
        return getattr(type(self), name) is not getattr(OracleSubclassing, name)


def _deprecated(name: str) -> None:
    msg = f"`Oracle.{name}` is deprecated; use `{name.removeprefix('_')}`."
    warnings.warn(msg, DeprecationWarning, stacklevel=3)
