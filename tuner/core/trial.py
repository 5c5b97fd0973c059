"""A trial: one configuration, and what became of it."""

from __future__ import annotations

import json
import math
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tuner.core.hyperparameters import HyperParameters
from tuner.core.jsonable import from_json, to_json
from tuner.core.metrics import MetricsTracker
from tuner.core.objective import Objective
from tuner.core.outcome import Outcome, TrialRecord, sound_record
from tuner.core.proposal import Budget
from tuner.core.seeds import execution_seed
from tuner.core.stateful import Stateful
from tuner.core.typed import understood


class TrialStatus:
    """The states of a trial, as Keras Tuner names them."""

    RUNNING = "RUNNING"
    """Created and not ended."""
    IDLE = "IDLE"
    """No trial now; there may be one when a running trial ends."""
    INVALID = "INVALID"
    """Raised an exception or gave no finite score; may be tried again."""
    STOPPED = "STOPPED"
    """No more trials."""
    COMPLETED = "COMPLETED"
    """Ended with a score."""
    FAILED = "FAILED"
    """Ended without a score, and is not tried again."""


class Trial(Stateful):
    """One configuration of the search space and its fate.

    Args:
        hyperparameters: The space as it was known when the trial was created, with its values.
        trial_id: Id within the project; a random one if omitted.
        status: One of `TrialStatus`.
        message: Why the trial failed, usually a traceback.
    """

    def __init__(
        self,
        hyperparameters: HyperParameters,
        trial_id: str | None = None,
        status: str = TrialStatus.RUNNING,
        message: str | None = None,
    ) -> None:
        self.hyperparameters = hyperparameters
        self.trial_id = secrets.token_hex(16) if trial_id is None else trial_id
        self.status = status
        self.message = message
        self._metrics = MetricsTracker()
        self._unread_metrics: Mapping[str, Any] | None = None
        self.score: float | None = None
        self.best_step: int | None = 0
        self.budget: Budget | None = None
        self.seed: int | None = None
        """From which `seed_of` derives those of the executions."""
        self.losses = 0
        """How often, lately, a process that ran this trial was lost and had come no further."""
        self.retries = 0
        """How often the trial was tried again because it was invalid."""
        self.retries_before = 0
        """How many of these were before the trial, having failed, was opened again."""
        self.interruptions = 0
        """How often the trial was interrupted otherwise; also by the end of the search."""
        self.record: TrialRecord = {}
        """Where and when the last attempt ran, and what it left; JSON."""
        self.kept = False
        """Whether the outcome lies in the project; not part of the state."""

    @property
    def metrics(self) -> MetricsTracker:
        """What was measured, by metric and step."""
        # Read lazily: a search that is resumed knows thousands of trials.
        if self._unread_metrics is not None:
            with understood(f"the metrics of trial {self.trial_id}"):
                self._metrics = MetricsTracker.from_config(self._unread_metrics)
            self._unread_metrics = None
        return self._metrics

    @metrics.setter
    def metrics(self, metrics: MetricsTracker) -> None:
        self._metrics, self._unread_metrics = metrics, None

    @property
    def values(self) -> dict[str, Any]:
        """The values of the configuration, without the `tuner/*` entries."""
        values = self.hyperparameters.values
        return {name: value for name, value in values.items() if not name.startswith("tuner/")}

    def seed_of(self, execution: int) -> int | None:
        """The seed of an execution in this try of the trial; None if the trial has no seed."""
        return None if self.seed is None else execution_seed(self.seed, execution, self.retries)

    @property
    def seconds(self) -> float | None:
        """How long the last attempt took, in seconds; None while it runs, or if unknown."""
        started, ended = self.record.get("started"), self.record.get("ended")
        # Not below 0, should the clock have been set meanwhile.
        return None if started is None or ended is None else max(float(ended - started), 0.0)

    @property
    def retries_lately(self) -> int:
        """How often it was tried again since it was opened again, or created."""
        return self.retries - self.retries_before

    @property
    def tries(self) -> int:
        """How often the trial was begun."""
        return 1 + self.losses + self.retries + self.interruptions

    @property
    def outcome(self) -> str | None:
        """How the last attempt ended, one of `Outcome`; None while it runs, or if unknown."""
        if self.status == TrialStatus.COMPLETED:
            return Outcome.COMPLETED
        return self.record.get("outcome")

    @property
    def infeasible(self) -> bool:
        """Whether the configuration asks for more than there is: no failure of the trial."""
        return bool(self.record.get("infeasible"))

    @property
    def has_model(self) -> bool:
        """Whether it was the training of a model, which there is a way to load."""
        return any(name in self.record for name in ("checkpoint", "model", "model_size"))

    def fail(self, outcome: Outcome, message: str) -> None:
        """Has the attempt end without a score.

        It has failed, or is `INVALID` where it may be tried again: that depends on the outcome.
        """
        self.status = TrialStatus.FAILED if outcome.is_final else TrialStatus.INVALID
        self.message = message
        self.record["outcome"] = outcome.value
        if outcome.is_infeasible:
            self.record["infeasible"] = True

    def check_score(self, name: str, score: float | None) -> None:
        """Has the attempt end as `NOT_FINITE` unless the score, of that metric, is a number."""
        if score is None or not math.isfinite(score):
            self.fail(Outcome.NOT_FINITE, f"The objective is not finite: {name}={score}.")

    @property
    def ended(self) -> bool:
        return self.status in (TrialStatus.COMPLETED, TrialStatus.FAILED)

    def report(self, metrics: Mapping[str, Any], step: int, objective: Objective) -> None:
        """Takes in metrics of one epoch; a metric's direction is the objective's or inferred."""
        for name, value in metrics.items():
            if not self.metrics.exists(name):
                direction = objective.direction if name == objective.name else None
                self.metrics.register(name, direction)
            self.metrics.update(name, value, step=step)

    def summary(self) -> None:
        """Prints the trial's values and its score, or why it failed."""
        print(self.describe())  # noqa: T201 - Keras Tuner's method prints

    def display_hyperparameters(self) -> None:
        """Prints the trial's values."""
        print(self._describe_values())  # noqa: T201 - Keras Tuner's method prints

    def describe(self) -> str:
        """What `summary` prints."""
        lines = [f"Trial {self.trial_id} summary", self._describe_values()]
        if self.score is not None:
            lines.append(f"Score: {self.score}")
        if self.message:
            lines.append(self.message)
        return "\n".join(lines)

    def _describe_values(self) -> str:
        values = self.hyperparameters.values
        lines = [f"{name}: {value}" for name, value in values.items()]
        return "\n".join(["Hyperparameters:", *(lines or ["default configuration"])])

    def get_state(self) -> dict[str, Any]:
        """The trial as strict JSON: Keras Tuner's `trial.json`, and what we know beyond it."""
        return {
            "trial_id": self.trial_id,
            "hyperparameters": self.hyperparameters.get_config(),
            "metrics": self.metrics.get_config(),
            "score": to_json(self.score),
            "best_step": self.best_step,
            "status": self.status,
            "message": self.message,
            "budget": self.budget.to_json() if self.budget else None,
            "seed": self.seed,
            "losses": self.losses,
            "retries": self.retries,
            "record": to_json(self.record),
        }

    def set_state(self, state: Mapping[str, Any]) -> None:
        """Takes over what `get_state` gave, of this version or Keras Tuner's."""
        self.hyperparameters = HyperParameters.from_config(state["hyperparameters"])
        self.set_outcome(state)
        budget = state.get("budget")
        self.budget = Budget.from_json(budget) if budget else None
        self.seed = state.get("seed")
        self.losses = state.get("losses", 0)
        self.retries = state.get("retries", 0)

    def take_result(self, state: Mapping[str, Any]) -> None:
        """Takes over how the trial ended in another process, and the space it met there."""
        self.hyperparameters = HyperParameters.from_config(state["hyperparameters"])
        self.set_outcome(state)
        self.kept = True

    def set_outcome(self, state: Mapping[str, Any]) -> None:
        """Takes over the part of a state that tells how the trial ended."""
        self._unread_metrics = state["metrics"]
        self.score = from_json(state.get("score"))
        self.best_step = state.get("best_step")
        self.status = state["status"]
        self.message = state.get("message")
        self.record = sound_record(from_json(state.get("record") or {}))

    def take_score(self, outcome: Mapping[str, Any]) -> None:
        """Takes over how it ended by another objective than before; all else stays."""
        self._unread_metrics = outcome["metrics"]
        self.score = from_json(outcome["score"])
        self.best_step = outcome["best_step"]
        self.status, self.message = outcome["status"], outcome["message"]
        self.record["scores"] = from_json(outcome["scores"])
        self.record.pop("outcome", None)
        if self.status == TrialStatus.FAILED:
            self.record["outcome"] = Outcome.NOT_FINITE.value

    def begin_again(self, reason: str) -> None:
        """Has a trial whose attempt came to nothing run once more.

        Args:
            reason: `"lost"`, `"interrupted"`, or why it was invalid.
        """
        self.forget_outcome()
        match reason:
            case "lost":
                self.losses += 1
            case "interrupted":
                # It is getting on: what was lost before need not count any more.
                self.interruptions += 1 + self.losses
                self.losses = 0
            case _:
                self.retries += 1

    def reopen(self) -> None:
        """Has the trial begin anew: with seeds of its own, and with all its retries."""
        self.retries += 1
        self.retries_before = self.retries
        self.losses = 0

    def forget_outcome(self) -> None:
        """Clears what an attempt left, so that the next attempt starts clean."""
        self.metrics = MetricsTracker()
        self.score = None
        self.best_step = 0
        self.status = TrialStatus.RUNNING
        self.message = None
        self.record = {}
        self.kept = False

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Trial:
        trial = cls(hyperparameters=HyperParameters(), trial_id=state["trial_id"])
        trial.set_state(state)
        return trial

    @classmethod
    def load(cls, fname: str) -> Trial:
        """Reads a `trial.json` from local disk."""
        return cls.from_state(json.loads(Path(fname).read_text(encoding="utf-8")))
