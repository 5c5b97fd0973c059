"""Journals of every format there has been load for ever, and their searches go on."""

import json
import re
import shutil

import pytest
from fixtures.golden.make import Counting, Golden, summary
from support import ROOT

from tuner import Objective
from tuner.journal.check import check
from tuner.journal.events import TYPES
from tuner.journal.project import Project

GOLDEN = ROOT / "tests" / "fixtures" / "golden"
PROJECTS = sorted(path.parent for path in GOLDEN.glob("*/expected.json"))


@pytest.mark.parametrize("project", PROJECTS, ids=lambda path: path.name)
def test_a_golden_project_says_what_it_said(project):
    assert json.loads(json.dumps(summary(project))) == json.loads(
        (project / "expected.json").read_text()
    )


def test_every_event_stands_in_a_golden_journal():
    texts = [path.read_text() for path in GOLDEN.rglob("*.json*") if "expected" not in path.name]
    assert {name for text in texts for name in re.findall(r'"type":"(\w+)"', text)} == set(TYPES)


def test_a_golden_search_is_sound_and_goes_on(tmp_path):
    shutil.copytree(GOLDEN / "search", tmp_path / "search")
    assert check(Project.at(tmp_path / "search")).damages == []
    oracle = Counting(Objective("loss", "min"), max_trials=8)
    tuner = Golden(oracle, directory=tmp_path, project_name="search")
    tuner.search(search_verbose=0)
    assert list(oracle.trials)[6:] == ["0006", "0007"]
    assert (
        oracle.asked
        > json.loads((GOLDEN / "search/expected.json").read_text())["oracle_state"]["asked"]
    )
