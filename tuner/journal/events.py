"""The facts of a search, in the words of the journal.

Each event is one JSON object with a `type`. Fields may be added with a default; a field that
changes its meaning needs a new type, since journals must load for ever.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from storage import CorruptError, NewerFormatError, ProjectPaths
from tuner.core.jsonable import NON_FINITE
from tuner.core.text import short_repr
from tuner.core.trial import TrialStatus
from tuner.core.typed import is_float, parse


@dataclass(frozen=True, slots=True)
class SearchStarted:
    """A process became the writer; what was running under an earlier one is not running now."""

    owner: str
    time: float
    max_trials: int | None = None
    settings: dict[str, Any] = field(default_factory=dict)
    """The oracle's arguments, as far as they are plain values; among them the seed."""
    study: str | None = None
    """Digest of the study's code; None if unknown."""


@dataclass(frozen=True, slots=True)
class SpaceGrown:
    """Hyperparameters were met for the first time."""

    hyperparameters: list[dict[str, Any]]
    met: bool = False
    """Whether it takes a trial to meet them; those known before the first trial are otherwise the
    study's own declaration."""


@dataclass(frozen=True, slots=True)
class SpaceChanged:
    """The study declares another space than before; which trials count is asked anew."""

    hyperparameters: list[dict[str, Any]]
    """The whole space as it is now."""
    declared: int
    """How many of them, the first ones, the study itself declares; the others trials have met."""
    trial_id: str | None = None
    """The trial that met the change in its run; None where it was found at a start."""


@dataclass(frozen=True, slots=True)
class StudyDeclared:
    """How long the study's trials train, or which data they train on, is another than before."""

    training: dict[str, Any]
    """Plain values by the name of the argument: `epochs`, `executions_per_trial`."""
    data_version: str | None
    stale: str
    """What becomes of trials on data of another version, one of `tuner.journal.counting.STALE`."""


@dataclass(frozen=True, slots=True)
class ObjectiveChanged:
    """Another metric is the objective; what was to run again begins with its first epoch."""

    objective: dict[str, Any]
    """As `Objective.to_json` gives it."""
    outcomes: dict[str, dict[str, Any]] = field(default_factory=dict)
    """How trials ended by that objective, by their ids; see `tuner.journal.rescoring`."""


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
class TrialReopened:
    """A trial that had ended goes back into the queue, as if it had just been created."""

    trial_id: str
    reason: str
    """For people."""
    time: float


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
    | SpaceChanged
    | StudyDeclared
    | ObjectiveChanged
    | ValuesEnqueued
    | TrialCreated
    | TrialRetried
    | TrialEnded
    | TrialReopened
    | CheckpointsDropped
    | JournalRepaired
    | OracleChanged
    | EarlierTrialsRead
    | SearchEnded
)

TYPES: dict[str, type[Event]] = {
    "search_started": SearchStarted,
    "space_grown": SpaceGrown,
    "space_changed": SpaceChanged,
    "study_declared": StudyDeclared,
    "objective_changed": ObjectiveChanged,
    "values_enqueued": ValuesEnqueued,
    "trial_created": TrialCreated,
    "trial_retried": TrialRetried,
    "trial_ended": TrialEnded,
    "trial_reopened": TrialReopened,
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


def encode_all(events: Iterable[Event]) -> list[dict[str, Any]]:
    """What stands in one entry of the journal."""
    return [encode(event) for event in events]


def decode(body: Mapping[str, Any], where: str) -> Event:
    """The event a JSON object of the journal stands for.

    Args:
        body: What `encode` answered.
        where: The path or URL of its entry, for messages.

    Raises:
        NewerFormatError: The type, or a field of it, is unknown, so a newer Trialflow wrote it.
        CorruptError: It is no event.
    """
    rest = dict(body)
    name = rest.pop("type", None)
    if not isinstance(name, str):
        raise CorruptError(f"Expected the type of an event at {where}. Received: type={name!r}.")
    if name not in TYPES:
        msg = (
            f"Expected an event this version of Trialflow knows ({', '.join(TYPES)}) at {where}. "
            f"Received: type={name!r}. A newer Trialflow wrote this project: update yours."
        )
        raise NewerFormatError(msg)
    event = parse(TYPES[name], rest, where, unknown=NewerFormatError)
    _check(event, where)
    return event


def _check(event: Event, where: str) -> None:
    """Raises CorruptError for values that no event has."""
    match event:
        case TrialEnded(status=status, score=score):
            known = status in (TrialStatus.COMPLETED, TrialStatus.FAILED)
            if not known or not _is_score(score):
                received = f"status={status!r}, score={short_repr(score)}"
                raise CorruptError(f"Expected the end of a trial at {where}. Received: {received}.")
        case SearchStarted(settings={"seed": seed}) if type(seed) is not int:
            raise CorruptError(f"Expected a seed at {where}. Received: seed={short_repr(seed)}.")
    if isinstance(event, TrialCreated | TrialRetried | TrialEnded):
        try:
            ProjectPaths().trial(event.trial_id)
        except ValueError as error:
            raise CorruptError(f"{error} It stands at {where}.") from error


def _is_score(score: object) -> bool:
    match score:
        case None:
            return True
        case str():
            return score in NON_FINITE
        case _:
            return is_float(score)
