"""A short campaign of all faults; `make chaos` is a long one, docs/reliability.md has its table."""

import pytest
from chaos.campaign import KINDS, Campaign
from support import ROOT

pytestmark = [pytest.mark.story, pytest.mark.timeout(3600)]


def test_thirty_faults_of_all_kinds_lose_nothing_and_leave_nothing(tmp_path):
    report = Campaign(seed=5, folder=tmp_path).run(30)
    assert report.problems == []
    assert sum(report.faults.values()) == 30
    assert len(report.faults) >= len(KINDS) - 2  # some only happen if the machine is quick enough
    assert report.lives > 30


def test_the_published_table_names_every_kind_of_fault():
    published = (ROOT / "docs/reliability.md").read_text()
    assert [kind for kind in KINDS if f"| {kind} | " not in published] == []
