"""What the figures show, read off their descriptions."""

import base64
import subprocess
import sys

import pytest
from searches import searched, searched_twice

from tuner.report import drawing, figures
from tuner.report.findings import Findings
from tuner.state.events import TrialRetried


@pytest.fixture(scope="module")
def tuner(tmp_path_factory):
    return searched(tmp_path_factory.mktemp("p"))


@pytest.fixture(scope="module")
def findings(tuner):
    return Findings.of(tuner.search_project)


def rows_of(chart):
    """The data of a chart's first layer or panel."""
    whole = found = chart.to_dict()
    while "data" not in found:
        found = (found.get("layer") or found.get("concat"))[0]
    return whole["datasets"][found["data"]["name"]]


def test_the_best_score_so_far_never_falls_and_ends_at_the_best(findings):
    best = [row["best"] for row in rows_of(figures.optimization_history(findings))]
    assert best == sorted(best)
    assert best[-1] == findings.history.best.score


def test_failed_trials_are_on_the_clock_and_not_among_the_scores(findings):
    bars = rows_of(figures.slots(findings))
    assert [row["trial"] for row in bars if row["status"] == "failed"] == [
        f"{n:04d}" for n in range(7, 32, 8)
    ]
    assert all(row["from"] <= row["to"] for row in bars)
    points = rows_of(figures.slices(findings))
    assert len(points) == 28


def test_a_retry_is_marked_where_the_trial_ran(findings):
    again = Findings(
        findings.project, findings.history, [TrialRetried("0003", "lost", "killed", 5.0)]
    )
    chart = figures.slots(again).to_dict()
    assert "layer" not in figures.slots(findings).to_dict()
    (mark,) = chart["datasets"][chart["layer"][1]["data"]["name"]]
    assert (mark["trial"], mark["what"], mark["from"]) == ("0003", "tried again: lost", 5000.0)


def test_curves_are_those_of_the_best_trials_one_an_execution(findings):
    rows = rows_of(figures.learning_curves(findings))
    best = [trial.trial_id for trial in findings.history.ranked()[:5]]
    assert {(row["trial"], row["execution"]) for row in rows} == {
        (trial_id, k) for trial_id in best for k in range(2)
    }
    assert {row["epoch"] for row in rows} == {1, 2, 3, 4, 5}


def test_the_front_is_marked(tmp_path):
    findings = Findings.of(searched_twice(tmp_path).search_project)
    rows = rows_of(figures.pareto(findings))
    assert {row["kind"] for row in rows} == {"Pareto front"}  # each pays for what it gains
    assert len(rows) == 12


def test_there_is_nothing_to_draw_before_the_first_trial(tmp_path):
    tuner = searched(tmp_path, trials=1)
    empty = Findings.of(tuner.search_project)
    empty.history.end_order.clear()
    empty.history.trials.clear()
    assert figures.draw_all(empty) == []
    assert "No trial has completed yet." in drawing("page").page(empty)


def test_a_notebook_gets_charts_and_a_leaderboard(tuner):
    assert tuner.plot_slots().to_dict()["mark"]["type"] == "bar"
    for name in ("optimization_history", "parameter_importance", "slices", "learning_curves"):
        assert getattr(tuner, f"plot_{name}")() is not None
    assert tuner.plot_parallel_coordinates() is not None
    with pytest.raises(LookupError, match=r"draw `pareto` of\. Received: completed=28"):
        tuner.plot_pareto()
    assert f"<td>{tuner.oracle.get_best_trials()[0].trial_id}</td>" in tuner._repr_html_()


def test_the_command_writes_the_report(tuner, tmp_path):
    from typer.testing import CliRunner

    from flows.cli import app

    file = tmp_path / "new" / "report.html"
    result = CliRunner().invoke(app, ["report", tuner.project_dir, "--output", str(file)])
    assert (result.exit_code, result.output) == (0, f"Report: {file}\n")
    assert file.read_text().startswith("<!DOCTYPE html>")
    missing = CliRunner().invoke(app, ["report", str(tmp_path / "nothing")])
    assert missing.exit_code == 1
    assert "Expected a project" in missing.output


def test_the_pictures_of_an_artifact_carry_their_data(findings):
    from flows.running.report_artifact import _image

    (title, svg), *_ = drawing("pictures").svgs(figures.draw_all(findings))
    image = _image(title, svg)
    assert image.startswith("![Score of each trial, and the best so far](data:image/svg+xml;base64")
    data = base64.b64decode(image.split("base64,")[1].rstrip(")"))
    assert data.decode() == svg


def test_without_the_extra_the_error_says_what_to_install():
    code = (
        "import sys; sys.modules['altair'] = None\n"
        "from tuner.report import drawing\n"
        "drawing('figures')"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "pip install 'trialflow[report]'" in run.stderr
