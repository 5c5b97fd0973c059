"""Outcomes of attempts at a trial, and the record of an attempt.

What follows from an outcome (whose failure it is) is read off it here and nowhere else.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping, Sequence
from typing import Any, TypedDict, cast

from tuner.core.typed import fitting


class Outcome(enum.StrEnum):
    """How an attempt ended; the value stands in the trial's record, unless it completed."""

    COMPLETED = "completed"
    """It gave a finite score."""
    RAISED = "raised"
    """The trial's code raised an exception."""
    NOT_FINITE = "not finite"
    """The objective is NaN or infinite."""
    REFUSED = "refused"
    """The trial's code raised `FailedTrialError`: the configuration cannot work."""
    OVERSIZED = "oversized"
    """The model is larger than `max_model_size`."""
    OUT_OF_MEMORY = "out of memory"
    """The host or the device had no memory left."""
    KILLED = "killed"
    CRASHED = "crashed"
    """The process was ended by a signal of its own doing, as a segmentation fault is."""
    EXITED = "exited"
    """The trial's code, or a library, ended the process."""
    STALLED = "stalled"
    TIMED_OUT = "timed out"
    LOST = "lost"
    """Its worker is gone, or the cause is unknown."""
    WITHDRAWN = "withdrawn"
    """It was to go on in a space that has changed, and of which it is no configuration."""

    @property
    def spends_process(self) -> bool:
        """Whether the process is not to run another trial, though it answered."""
        return self is Outcome.OUT_OF_MEMORY

    @property
    def is_infeasible(self) -> bool:
        """Whether the configuration asks for more than there is: no failure of the trial."""
        return self in (Outcome.OVERSIZED, Outcome.OUT_OF_MEMORY, Outcome.TIMED_OUT)

    @property
    def is_final(self) -> bool:
        """Whether another try is no use: what the configuration asks for, it would ask again."""
        return self.is_infeasible or self in (Outcome.REFUSED, Outcome.WITHDRAWN)


class ExecutionRecord(TypedDict, total=False):
    """What one execution gave; JSON."""

    metrics: Mapping[str, float]
    best_step: int
    """Index of the best epoch."""
    epochs: Sequence[int]
    """Numbers of the epochs that it trained, from 0."""
    history: Mapping[str, Sequence[float]]
    """Value in each epoch, by metric."""


class TrialRecord(TypedDict, total=False):
    """Where and when the last attempt at a trial ran, and what it left; JSON.

    Weights are described by `key`, `sha256` and `size`.
    """

    started: float
    """Unix time."""
    ended: float
    """Unix time."""
    host: str
    pid: int
    slot: str
    device: str | None
    """Name of the GPU, or `"CPU"`; None where Keras computed nothing."""
    outcome: str
    """Why there is no score; one of `Outcome`, or a word of a newer Trialflow."""
    infeasible: bool
    """Whether the configuration asks for more than there is: no failure of the trial."""
    executions: Sequence[ExecutionRecord]
    scores: Sequence[float]
    """Of each execution."""
    spread: Mapping[str, float]
    """Standard deviation over folds, by metric."""
    epochs: int
    """How many were trained, over all executions."""
    model_size: int
    """Trainable parameters."""
    build_config: Mapping[str, Any]
    """What builds the model of a subclass before its weights are loaded."""
    model_config: str
    """Key of the description of the model."""
    checkpoint: Mapping[str, Any] | None
    """Weights of the best epoch."""
    model: Mapping[str, Any]
    """The pickled model of a tuner without Keras."""
    ends: Sequence[Any]
    """Training states after the last epoch, by execution, for trials that go on from there."""
    stopped: Mapping[str, Any]
    """`epoch` and `reason`, where the trial was ended early."""
    imported: Mapping[str, Any]
    """`trial_id` in the project of Keras Tuner that it comes `from`."""


def sound_record(state: Any) -> TrialRecord:
    """The record in what a document says; what is no such thing is left out.

    Earlier versions kept whatever a trial returned as its scores.
    """
    if not isinstance(state, Mapping):
        return {}
    found = fitting(TrialRecord, state)
    if "executions" in state:
        found["executions"] = state["executions"]  # large, and checked where it is read
    return cast("TrialRecord", found)
