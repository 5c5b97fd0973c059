"""Checks what a search has left behind, from the files alone: nothing of Trialflow is imported.

A second reading of the format, so that an error of the writer is not forgiven by the reader.
"""

import hashlib
import json
import re
import zlib
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

_LINE = re.compile(rb'\{"v":1,"crc32":"([0-9a-f]{8})","entry":(\{.*\})\}\n', re.DOTALL)
_SEAL = re.compile(rb'\{"sha256":"([0-9a-f]{64})"([,}])')
_LEFT = (".tmp-", ".probe-")


@dataclass
class Left:
    """What a search has left, and what is known of it otherwise."""

    project: Path
    """Folder of the project."""
    trials: int
    """How many were asked for."""
    uninterrupted: Path
    """Folder of the project of the same search, to which nothing happened."""
    seen: dict[str, str] = field(default_factory=dict)
    """Digests of the results that were there after some fault, by trial."""
    runs: list[str] = field(default_factory=list)
    """Ids of trials, each time one began; an entry `"result ID"` where a result was seen."""
    faults: int = 0
    """How many faults there were, each of which may cost the trials under way a start."""
    slots: int = 1
    scratch: Path | None = None
    """Folder for temporary files, of this search alone."""
    processes: tuple[int, ...] = ()
    """Of the search; none may be left."""


def problems_of(left):
    """Sentences, one for each thing that is not as it has to be; none if all is well."""
    try:
        events = list(read_journal(left.project))
        expected = list(read_journal(left.uninterrupted))
    except ValueError as error:
        return [str(error)]
    return [
        *_of_trials(left, events),
        *_of_results(left, events),
        *_of_proposals(events, expected),
        *_of_runs(left),
        *_of_leftovers(left),
    ]


def read_journal(project):
    """The events of a journal. Raises ValueError where it has a gap, or an entry is damaged."""
    paths = sorted((project / "journal").glob("*/*.json"))
    for number, path in enumerate(paths):
        if path.stem != f"{number:09d}" or path.parent.name != f"{number // 256:06d}":
            raise ValueError(f"the journal has a gap before {path.name}")
        found = _LINE.fullmatch(path.read_bytes())
        if found is None or zlib.crc32(found[2], 1) != int(found[1], 16):
            raise ValueError(f"entry {path.name} is damaged")
        entry = json.loads(found[2])
        if entry["number"] != number:
            raise ValueError(f"entry {path.name} is that of another number")
        yield from entry["events"]


def digest(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _of_trials(left, events):
    created = Counter(e["trial_id"] for e in events if e["type"] == "trial_created")
    ended = Counter(e["trial_id"] for e in events if e["type"] == "trial_ended")
    wanted = {f"{number:04d}" for number in range(left.trials)}
    for what, found in (("created", created), ("ended", ended)):
        for trial_id in sorted(wanted - set(found)):
            yield f"trial {trial_id} was never {what}"
        for trial_id in sorted(set(found) - wanted):
            yield f"trial {trial_id} was {what}, and was not asked for"
        for trial_id, times in sorted(found.items()):
            if times > 1:
                yield f"trial {trial_id} was {what} {times} times"


def _of_results(left, events):
    ends = {e["trial_id"]: e for e in events if e["type"] == "trial_ended"}
    for trial_id, end in sorted(ends.items()):
        path = left.project / "trials" / trial_id / "result.json"
        if not path.exists():
            yield f"trial {trial_id} has no result"
            continue
        state = _unsealed(path.read_bytes())
        if state is None:
            yield f"the result of trial {trial_id} is damaged"
        elif (state["metrics"], state["status"]) != (end["metrics"], end["status"]):
            yield f"the result of trial {trial_id} says other metrics than the journal"
    for trial_id, before in sorted(left.seen.items()):
        path = left.project / "trials" / trial_id / "result.json"
        if path.exists() and digest(path) != before:
            yield f"the result of trial {trial_id} has changed"


def _unsealed(data):
    found = _SEAL.match(data)
    if found is None:
        return None
    body = (b"{" if found[2] == b"," else b"{}") + data[found.end() :]
    return json.loads(body) if hashlib.sha256(body).hexdigest().encode() == found[1] else None


def _of_proposals(events, expected):
    for what, kind, name in (
        ("proposed", "trial_created", "values"),
        ("scored", "trial_ended", "score"),
    ):
        found, wanted = (
            {e["trial_id"]: e[name] for e in each if e["type"] == kind}
            for each in (events, expected)
        )
        for trial_id in sorted(found.keys() & wanted):
            if found[trial_id] != wanted[trial_id]:
                yield (
                    f"trial {trial_id} was {what} as {found[trial_id]}, and as "
                    f"{wanted[trial_id]} without a fault"
                )


def _of_runs(left):
    ended = set()
    for line in left.runs:
        word, _, trial_id = line.partition(" ")
        if word == "result":
            ended.add(trial_id)
        elif word in ended:
            yield f"trial {word} ran again after its result was there"
    begun = [line for line in left.runs if not line.startswith("result ")]
    most = left.trials + left.faults * left.slots
    if begun and len(begun) > most:
        yield f"trials began {len(begun)} times, more than {most}: a fault cost more than one start"


def _of_leftovers(left):
    if (left.project / "lease.json").exists():
        yield "the lease is still held"
    for path in sorted(left.project.rglob("*")):
        if path.name.startswith(_LEFT):
            yield f"{path.relative_to(left.project)} was left behind"
    for path in sorted(left.scratch.glob("trialflow-*")) if left.scratch else ():
        yield f"the scratch folder {path.name} was left behind"
    for pid in left.processes:
        if Path(f"/proc/{pid}").exists():
            yield f"process {pid} was left behind"
