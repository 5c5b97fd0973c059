"""What crashes the library that draws ends neither a search nor a report."""

import pytest

from tuner import BaseTuner, Objective
from tuner.oracles import RandomSearchOracle
from tuner.results import figures, notebook
from tuner.results.figures.figure import name_of, number, picture, svgs
from tuner.results.findings import Findings
from tuner.results.page import page

HOSTILE = ["\x1f", "\x00", "\ud800", "\x1b]0;title\x07", "\uffff", "\u202e", "</script>", "plain"]


def chart(name):
    rows = [{"name": name, "count": 1}]
    return picture(rows, "bar", {"x": name_of("name"), "y": number("count")}) | {"width": 200}


def test_what_crashes_the_process_that_draws_is_told_in_words(monkeypatch):
    assert "two</text>" in notebook.svg_of(chart("two"))
    assert "a\N{REPLACEMENT CHARACTER}b</text>" in notebook.svg_of(chart("a\x00b"))
    monkeypatch.setattr(notebook, "clean", lambda text: text)
    with pytest.raises(RuntimeError, match="Expected a figure that can be drawn"):
        notebook.svg_of(chart("a\x00b"))
    assert [bool(svg) for svg in notebook.svgs_of([chart(a) for a in ("a", "b\x00", "c")])] == [
        1,
        0,
        1,
    ]
    assert notebook.mime_bundle("Words.", chart("a\x00b"))["text/plain"].startswith("Words.\n")


class Hostile(BaseTuner):
    def run_trial(self, trial):
        hp = trial.hyperparameters
        hp.Choice("kind\x00\x1f", HOSTILE)
        if trial.trial_id == "0003":
            raise ValueError("\ud800\x00 it \x1b[31mwas")
        return {"loss": hp.Float("x", 0.0, 1.0), "metric\x00\ud800": 1.0}


@pytest.fixture
def hostile(tmp_path):
    oracle = RandomSearchOracle(Objective("loss", "min"), max_trials=12, seed=0)
    tuner = Hostile(oracle, directory=str(tmp_path), project_name="hostile")
    tuner.search(search_verbose=0)
    return tuner


def test_a_search_over_control_characters_is_reported_and_exported(hostile, tmp_path):
    findings = Findings.of(hostile.search_project)
    text = page(findings)
    assert text.encode().decode() == text
    assert "\x00" not in text
    assert all(svgs(figures.draw_all(findings)))
    for level in ("trials", "executions", "epochs"):
        assert hostile.results(level).num_rows in (11, 12, 0)
    values = {trial.values["kind\x00\x1f"] for trial in hostile.oracle.trials.values()}
    assert values <= set(HOSTILE)  # what is searched stays what it was
