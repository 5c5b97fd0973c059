import pytest
from searches import searched

from tuner.report.findings import Findings
from tuner.report.importance import importance


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    return Findings.of(searched(tmp_path_factory.mktemp("p"), trials=120).search_project)


def test_what_the_score_depends_on_matters_most(findings):
    found = importance(findings.history, findings.parameters())
    assert max(found, key=found.get) == "rate"
    assert found["rate"] > 0.5
    assert sum(found.values()) == pytest.approx(1)
    assert set(found) == {"rate", "units", "kind", "share"}


def test_with_few_trials_nothing_is_said(tmp_path):
    findings = Findings.of(searched(tmp_path, trials=8).search_project)
    assert importance(findings.history, findings.parameters()) == {}
