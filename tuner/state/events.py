"""The facts of a search, in the words of the journal.

Each event is one JSON object with a `type`. Fields may be added with a default; a field that
changes its meaning needs a new type, since journals must load for ever.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from storage import NewerFormatError


@dataclass(frozen=True, slots=True)
class SearchStarted:
    """A process became the writer; what was running under an earlier one is not running now."""

    owner: str
    time: float
    max_trials: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    """The oracle's arguments, as far as they are plain values; among them the seed."""


@dataclass(frozen=True, slots=True)
class SpaceGrown:
    """Hyperparameters were met for the first time."""

    hyperparameters: list[dict[str, Any]]


@dataclass(frozen=True, slots=True)
class TrialCreated:
    trial_id: str
    values: dict[str, Any]
    time: float
    seed: int | None = None
    budget: dict[str, Any] | None = None
    enqueued: bool = False
    """Whether the values are those that head the queue."""


@dataclass(frozen=True, slots=True)
class ValuesEnqueued:
    """The user asked for a trial of these values, before the oracle's own."""

    values: dict[str, Any]


@dataclass(frozen=True, slots=True)
class TrialRetried:
    """An attempt came to nothing and the trial goes back into the queue."""

    trial_id: str
    reason: str
    """`"invalid"` (raised, or no finite score), `"lost"` (its process died) or `"interrupted"` (its
    process died and left more than the one before it)."""
    message: str | None = None
    time: float = 0.0


@dataclass(frozen=True, slots=True)
class TrialEnded:
    trial_id: str
    status: str
    score: Any
    best_step: int | None
    metrics: dict[str, Any]
    message: str | None
    record: dict[str, Any]
    time: float
    hyperparameters: dict[str, Any] | None = None
    """Space and values, where the run changed them."""


@dataclass(frozen=True, slots=True)
class EarlierTrialsRead:
    """The search knows the trials of another one, as they were when it began."""

    source: str
    """Path or URL of that search's project."""
    trials: list[dict[str, Any]]
    """`values`, `score` and `metrics` of each."""


@dataclass(frozen=True, slots=True)
class SearchEnded:
    reason: str
    time: float


@dataclass(frozen=True, slots=True)
class CheckpointsDropped:
    """The space of these trials' weights was given back."""

    trial_ids: list[str]


@dataclass(frozen=True, slots=True)
class JournalRepaired:
    """This entry stands in place of one that was damaged or missing."""

    time: float
    lost: str
    """What could not be brought back, for people."""


@dataclass(frozen=True, slots=True)
class OracleChanged:
    """An oracle that keeps state beyond the history has changed it."""

    state: dict[str, Any]


Event = (
    SearchStarted
    | SpaceGrown
    | ValuesEnqueued
    | TrialCreated
    | TrialRetried
    | TrialEnded
    | CheckpointsDropped
    | JournalRepaired
    | OracleChanged
    | EarlierTrialsRead
    | SearchEnded
)

TYPES: dict[str, type[Event]] = {
    "search_started": SearchStarted,
    "space_grown": SpaceGrown,
    "values_enqueued": ValuesEnqueued,
    "trial_created": TrialCreated,
    "trial_retried": TrialRetried,
    "trial_ended": TrialEnded,
    "checkpoints_dropped": CheckpointsDropped,
    "journal_repaired": JournalRepaired,
    "oracle_changed": OracleChanged,
    "earlier_trials_read": EarlierTrialsRead,
    "search_ended": SearchEnded,
}
NAMES = {cls: name for name, cls in TYPES.items()}


def encode(event: Event) -> dict[str, Any]:
    """An event as the JSON object that stands in the journal."""
    # `asdict` would copy every value to its depth.
    fields_of = {f.name: getattr(event, f.name) for f in fields(event)}
    return {"type": NAMES[type(event)], **fields_of}


def decode(body: Mapping[str, Any]) -> Event:
    """The event a JSON object of the journal stands for.

    Raises:
        NewerFormatError: The type is unknown, so a newer Trialflow wrote it.
    """
    rest = dict(body)
    name = rest.pop("type", None)
    if name not in TYPES:
        msg = (
            f"Expected an event this version of Trialflow knows ({', '.join(TYPES)}). "
            f"Received: type={name!r}. A newer Trialflow wrote this project: update yours."
        )
        raise NewerFormatError(msg)
    return TYPES[name](**rest)
