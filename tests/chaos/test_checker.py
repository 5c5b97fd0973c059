"""The checker of campaigns finds what is planted, and nothing where nothing is."""

import json
import os
import shutil
import zlib

import pytest
from chaos.checker import Left, digest, problems_of
from chaos.studies import TRIALS, search


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    for name in ("straight", "searched"):
        search("random", 0, folder / name, folder / f"{name}-trace")
    return folder


@pytest.fixture
def left(whole, tmp_path):
    shutil.copytree(whole / "searched", tmp_path / "searched")
    project = tmp_path / "searched/p"
    (tmp_path / "tmp").mkdir()
    return Left(
        project,
        TRIALS,
        whole / "straight/p",
        {path.parent.name: digest(path) for path in project.glob("trials/*/result.json")},
        (whole / "searched-trace").read_text().splitlines(),
        scratch=tmp_path / "tmp",
    )


def change_entry(left, kind, change):
    """Forges the first entry with an event of a kind; its checksum is right."""
    for path in sorted(left.project.glob("journal/*/*.json")):
        entry = json.loads(path.read_bytes())["entry"]
        for event in list(entry["events"]):
            if event["type"] == kind:
                change(entry["events"], event)
                body = json.dumps(entry, separators=(",", ":")).encode()
                checksum = f"{zlib.crc32(body, 1):08x}".encode()
                path.write_bytes(b'{"v":1,"crc32":"%s","entry":%s}\n' % (checksum, body))
                return
    raise AssertionError(kind)


def test_a_search_to_which_nothing_happened_has_no_problem(left):
    assert len(left.seen) == TRIALS
    assert problems_of(left) == []


def entries(left):
    return sorted(left.project.glob("journal/*/*.json"))


def result(left):
    return left.project / "trials/0003/result.json"


PLANTED = {
    "the journal has a gap": lambda left: entries(left)[3].unlink(),
    "is damaged": lambda left: entries(left)[3].write_bytes(b"{}\n"),
    "trial 0011 was never ended": lambda left: [each.unlink() for each in entries(left)[-2:]],
    "was ended 2 times": lambda left: change_entry(
        left, "trial_ended", lambda events, event: events.append(event)
    ),
    "was created 2 times": lambda left: change_entry(
        left, "trial_created", lambda events, event: events.append(event)
    ),
    "was not asked for": lambda left: setattr(left, "trials", TRIALS - 1),
    "was never created": lambda left: setattr(left, "trials", TRIALS + 1),
    "has no result": lambda left: result(left).unlink(),
    "the result of trial 0003 is damaged": lambda left: result(left).write_bytes(
        result(left).read_bytes().replace(b"COMPLETED", b"COMPLETEd")
    ),
    "has changed": lambda left: left.seen.update({"0003": "0" * 64}),
    "says other metrics": lambda left: change_entry(
        left, "trial_ended", lambda events, event: event["metrics"].clear()
    ),
    "was proposed as": lambda left: change_entry(
        left, "trial_created", lambda events, event: event["values"].update(x=7.0)
    ),
    "was scored as": lambda left: change_entry(
        left, "trial_ended", lambda events, event: event.update(score=7.0)
    ),
    "ran again": lambda left: left.runs.extend(["result 0003", "0003"]),
    "cost more than one start": lambda left: left.runs.append("0005"),
    "lease is still held": lambda left: (left.project / "lease.json").write_text("{}"),
    ".tmp-1 was left": lambda left: (left.project / "trials/0001/.tmp-1").touch(),
    ".probe-1 was left": lambda left: (left.project / ".probe-1").touch(),
    "scratch folder": lambda left: (left.scratch / "trialflow-0-1-x").mkdir(),
    "process": lambda left: setattr(left, "processes", (os.getpid(),)),
}


@pytest.mark.parametrize("problem", PLANTED)
def test_what_is_planted_is_found(left, problem):
    PLANTED[problem](left)
    assert any(problem in each for each in problems_of(left)), problems_of(left)
