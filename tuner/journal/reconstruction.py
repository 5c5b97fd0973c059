"""Reconstructs lost entries of a journal from the results of the trials."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tuner.core.hyperparameters import HyperParameters, serialize
from tuner.core.trial import TrialStatus
from tuner.journal.events import Event, JournalRepaired, SpaceGrown, TrialCreated, TrialEnded

Result = Mapping[str, Any]
"""What `Trial.get_state` gave."""

_NUMBERED = re.compile(r"\d{4,}")


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """How a journal becomes whole again."""

    replacing: Mapping[int, Sequence[Event]]
    """Events by the number of the entry that is lost."""
    appended: Sequence[Event]
    """Events for a new entry, where none is lost but trials are unknown."""
    brought_back: Sequence[str]
    """Ids of trials that were known by their results alone."""
    given_up: Sequence[str]
    """Ids of trials of which nothing is known; they count as failed."""
    homeless: Sequence[str]
    """Ids of folders of trials that have left no result and that the journal does not miss."""


def reconstruct(
    events: Mapping[int, Sequence[Event]],
    lost: Collection[int],
    results: Mapping[str, Result],
    folders: Collection[str],
    now: float,
) -> Reconstruction:
    """Finds events for the lost entries.

    The trials of a search are numbered without gaps, since the next one takes the number of
    trials as its id. So one that cannot be brought back must be made up, and counts as failed.

    Args:
        events: By the numbers of the intact entries.
        lost: Numbers of the others.
        results: What trials have left, by id.
        folders: Ids of all trials that have left anything.
        now: Seconds since 1970.
    """
    created = {e.trial_id: n for n, of_entry in events.items() for e in _creations(of_entry)}
    known = {*created, *results, *(_ids_in(events))}
    last = max((int(each) for each in known if _NUMBERED.fullmatch(each)), default=-1)
    numbered = {f"{number:04d}" for number in range(last + 1)}
    missing = sorted({*results, *numbered} - set(created), key=_order)
    places = _places(missing, created, sorted(lost))
    replacing: dict[int, list[Event]] = {number: [] for number in sorted(lost)}
    appended: list[Event] = []
    for trial_id in missing:
        told = _creation(trial_id, results.get(trial_id), now)
        place = places.get(trial_id)
        (appended if place is None else replacing[place]).extend(told)
    first = next(iter(replacing.values()), appended)
    if missing or lost:
        first[:0] = _space(results, events)
    for number, of_entry in replacing.items():
        back = ", ".join(e.trial_id for e in _creations(of_entry)) or "none"
        lost_words = f"all that entry {number} said but for trials: {back}"
        of_entry.insert(0, JournalRepaired(now, lost_words))
    return Reconstruction(
        replacing,
        appended,
        [each for each in missing if each in results],
        [each for each in missing if each not in results],
        sorted(set(folders) - set(created) - set(missing)),
    )


def _places(
    missing: Sequence[str], created: Mapping[str, int], lost: Sequence[int]
) -> dict[str, int]:
    """The lost entry that must have created each missing trial: before the next one we know."""
    places = {}
    for trial_id in missing if lost else ():
        later = [n for other, n in created.items() if _order(other) > _order(trial_id)]
        before = [number for number in lost if not later or number < min(later)]
        places[trial_id] = before[-1] if before else lost[0]
    return places


def _creation(trial_id: str, result: Result | None, now: float) -> list[Event]:
    if result is None:
        message = "Its configuration was lost with a damaged entry of the journal."
        metrics: dict[str, Any] = {"metrics": {}}
        ended = TrialEnded(trial_id, TrialStatus.FAILED, None, None, metrics, message, {}, now)
        return [TrialCreated(trial_id, {}, now), ended]
    values = {
        name: value
        for name, value in result["hyperparameters"]["values"].items()
        if not name.startswith("tuner/")
    }
    time = (result.get("record") or {}).get("started") or now
    return [TrialCreated(trial_id, values, time, result.get("seed"), result.get("budget"))]


def _space(
    results: Mapping[str, Result], events: Mapping[int, Sequence[Event]]
) -> list[SpaceGrown]:
    """The hyperparameters that only results know of."""
    known = HyperParameters()
    for of_entry in events.values():
        for event in of_entry:
            if isinstance(event, SpaceGrown):
                config = {"space": event.hyperparameters, "values": {}}
                known.merge(HyperParameters.from_config(config).space)
    found = HyperParameters()
    for _, result in sorted(results.items()):
        found.merge(HyperParameters.from_config(result["hyperparameters"]).space)
    new = [p for p in found.difference(known) if not p.name.startswith("tuner/")]
    return [SpaceGrown([serialize(parameter) for parameter in new])] if new else []


def _creations(events: Sequence[Event]) -> Iterator[TrialCreated]:
    yield from (event for event in events if isinstance(event, TrialCreated))


def _ids_in(events: Mapping[int, Sequence[Event]]) -> Iterator[str]:
    for of_entry in events.values():
        for event in of_entry:
            trial_id = getattr(event, "trial_id", None)
            if trial_id is not None:
                yield trial_id


def _order(trial_id: str) -> tuple[int, str]:
    return (int(trial_id) if _NUMBERED.fullmatch(trial_id) else 10**9, trial_id)
