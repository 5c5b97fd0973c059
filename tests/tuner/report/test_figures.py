"""What the figures show, read off their descriptions."""

import json
import math
import subprocess
import sys

import numpy as np
import pytest
from searches import Curves, searched, searched_twice

from tuner import HyperParameters
from tuner.core.proposal import Budget
from tuner.journal.events import SearchStarted, TrialCreated, TrialEnded, TrialRetried
from tuner.journal.folding import apply
from tuner.journal.history import History
from tuner.results import figures
from tuner.results.figures import comparison
from tuner.results.figures.figure import MOST_POINTS, sampled
from tuner.results.findings import Findings
from tuner.results.hypervolume import hypervolumes


@pytest.fixture(scope="module")
def tuner(tmp_path_factory):
    return searched(tmp_path_factory.mktemp("p"))


@pytest.fixture(scope="module")
def findings(tuner):
    return Findings.of(tuner.search_project)


def rows_of(figure, panel=0):
    return figure.panels[panel].spec["data"]["values"]


def draw(name, findings):
    return figures.ALL[name](findings)


def laddered(project, trials=27):
    """Findings of a bracket of three rungs: the better third of each is promoted."""
    history = History(searched_objective())
    space = HyperParameters()
    space.Float("rate", 0.0, 1.0)
    apply(history, SearchStarted("me", 0.0, trials))
    history.space.merge(space)
    rng, number, time = np.random.default_rng(0), 0, 100.0
    created, parents = {}, [None] * trials
    for rung, epochs in enumerate((1, 3, 9)):
        for parent in parents:
            budget = Budget(epochs, epochs // 3, rung=rung, bracket=2, parent=parent)
            trial_id = f"{number:04d}"
            old = history.trials[parent].values if parent else {"rate": float(rng.random())}
            apply(history, TrialCreated(trial_id, old, time, 1, budget.to_json()))
            record = {"epochs": epochs - epochs // 3, "scores": [old["rate"] * epochs]}
            score = old["rate"] * epochs
            apply(
                history,
                TrialEnded(trial_id, "COMPLETED", score, 0, {"metrics": {}}, None, record, 1.0),
            )
            created[trial_id], number, time = time, number + 1, time + 1
        ranked = sorted(history.at_rung(0, 2, rung), key=lambda trial: -trial.score)
        parents = [trial.trial_id for trial in ranked[: len(ranked) // 3]]
    return Findings(project, history, [], created)


def searched_objective():
    from tuner import Objective

    return Objective("accuracy", "max")


def test_the_best_score_so_far_never_falls_and_ends_at_the_best(findings):
    best = [row["best"] for row in rows_of(draw("optimization_history", findings))]
    assert best == sorted(best)
    assert best[-1] == findings.history.best.score


def test_failed_trials_are_on_the_clock_and_not_among_the_scores(findings):
    bars = rows_of(draw("slots", findings))
    assert [row["trial"] for row in bars if row["status"] == "failed"] == [
        f"{n:04d}" for n in range(7, 32, 8)
    ]
    assert all(row["from"] <= row["to"] for row in bars)
    assert len(rows_of(draw("slices", findings))) == 28


def test_a_retry_is_marked_where_the_trial_ran(findings):
    retry = TrialRetried("0003", "lost", "killed", 5.0)
    again = Findings(findings.project, findings.history, [retry])
    assert len(draw("slots", findings).panels[0].spec["layer"]) == 1
    marks = draw("slots", again).panels[0].spec["layer"][1]
    (mark,) = marks["data"]["values"]
    assert (mark["trial"], mark["what"], mark["from"]) == ("0003", "tried again: lost", 5000.0)


def test_curves_are_those_of_the_best_trials_one_an_execution(findings):
    rows = rows_of(draw("learning_curves", findings))
    best = [trial.trial_id for trial in findings.history.ranked()[:6]]
    assert {(row["trial"], row["execution"]) for row in rows} == {
        (trial_id, k) for trial_id in best for k in range(2)
    }
    assert {row["epoch"] for row in rows} == {1, 2, 3, 4, 5}


def test_importances_are_shown_with_their_intervals(tmp_path):
    findings = Findings.of(searched(tmp_path, trials=60).search_project)
    figure = draw("parameter_importance", findings)
    rows = rows_of(figure)
    assert rows[0]["hyperparameter"] == "rate"
    assert all(row["low"] <= row["share"] <= row["high"] for row in rows)
    assert "functional ANOVA" in figure.about
    contour = draw("contour", findings)
    cells = rows_of(contour)
    assert {panel.title.split(" and ")[0] for panel in contour.panels[:2]} == {"rate"}
    best = max(cells, key=lambda cell: cell["score"])
    assert best["x"] <= 10**-2.5 <= best["x2"] * 1.6  # where the top of the curve lies


def test_executions_are_shown_apart_and_with_their_mean(findings):
    rows = rows_of(draw("executions_spread", findings))
    first = [row for row in rows if row["trial"] == findings.history.best.trial_id]
    assert len(first) == 2
    assert first[0]["mean"] == pytest.approx((first[0]["score"] + first[1]["score"]) / 2)


def test_the_distribution_ends_with_all_trials_at_the_best_score(findings):
    rows = rows_of(draw("edf", findings))
    assert [row["share"] for row in rows] == sorted(row["share"] for row in rows)
    assert (rows[-1]["share"], rows[-1]["score"]) == (1.0, findings.history.best.score)


def test_the_rank_of_the_best_trial_is_better_than_all(findings):
    figure = draw("rank", findings)
    by_trial = {row["trial"]: row["better than"] for k in range(3) for row in rows_of(figure, k)}
    ranked = findings.history.ranked()
    assert by_trial[ranked[0].trial_id] == 1.0
    assert by_trial[ranked[-1].trial_id] == 0.0


def test_every_axis_of_parallel_coordinates_says_its_values(findings):
    layers = draw("parallel_coordinates", findings).panels[0].spec["layer"]
    labels = layers[1]["data"]["values"]
    by_name = {}
    for each in labels:
        by_name.setdefault(each["hyperparameter"], []).append(each["label"])
    assert by_name["kind"] == ["plain", "</script><b>odd"]
    assert by_name["rate"][0] == "0.0001"
    assert by_name["rate"][-1] == "0.1"
    assert set(by_name) == {"rate", "units", "share", "kind"}


def test_promotions_lead_from_the_parent_to_the_promoted(findings):
    ladder = laddered(findings.project)
    figure = draw("rungs", ladder)
    lines = figure.panels[0].spec["layer"][0]["data"]["values"]
    climbs = [(a["epochs"], b["epochs"]) for a, b in zip(lines[::2], lines[1::2], strict=True)]
    assert climbs == [(1, 3)] * 9 + [(3, 9)] * 3
    assert all(a["time"] < b["time"] for a, b in zip(lines[::2], lines[1::2], strict=True))
    assert draw("rungs", findings) is None


def test_the_front_is_marked_and_its_hypervolume_never_falls(tmp_path):
    findings = Findings.of(searched_twice(tmp_path).search_project)
    rows = rows_of(draw("pareto", findings))
    assert {row["kind"] for row in rows} == {"Pareto front"}  # each pays for what it gains
    assert len(rows) == 12
    volumes = [row["hypervolume"] for row in rows_of(draw("hypervolume_history", findings))]
    assert volumes == sorted(volumes)
    assert 0 < volumes[-1] < 1


def test_hypervolumes_are_those_that_are_known():
    assert hypervolumes(np.array([[1.0, 0.0], [0.0, 1.0], [0.5, 0.5]])) == [0, 0, 0.25]
    three = np.array([[1.0, 1, 1], [0, 0, 0.5], [0, 0.5, 0], [0, 0, 0]])
    assert hypervolumes(three)[:3] == pytest.approx([0, 0.5, 0.75])
    assert hypervolumes(three)[-1] == 1.0


def test_hypervolumes_agree_with_counting_points():
    rng = np.random.default_rng(0)
    losses = rng.random((30, 3))
    gains = (losses.max(0) - losses) / np.ptp(losses, axis=0)
    points = rng.random((40_000, 3))
    dominated = np.zeros(len(points), bool)
    for gain in gains:
        dominated |= (points <= gain).all(1)
    assert hypervolumes(losses)[-1] == pytest.approx(dominated.mean(), abs=0.01)


def test_searches_are_compared_by_trials_by_time_and_by_distribution(findings, tmp_path):
    other = Findings.of(searched(tmp_path, trials=9).search_project)
    drawn = {figure.name: figure for figure in comparison.compare([findings, other])}
    assert set(drawn) == {"best_by_trials", "best_by_time", "distributions"}
    names = {row["search"] for row in rows_of(drawn["best_by_trials"])}
    assert names == {findings.project.url, other.project.url}  # both are called the same
    two = Findings.of(searched_twice(tmp_path / "two").search_project)
    with pytest.raises(ValueError, match="Expected searches with the same objective"):
        comparison.compare([findings, two])


def test_thousands_of_trials_are_sampled_and_the_best_are_kept():
    rows = [{"n": n, "keep": n % 100 == 0} for n in range(10_000)]
    drawn = sampled(rows, lambda row: row["keep"])
    assert len(drawn) <= MOST_POINTS
    assert sum(row["keep"] for row in drawn) == 100
    assert [row["n"] for row in drawn] == sorted(row["n"] for row in drawn)
    assert drawn[0]["n"] == 0
    assert drawn[-1]["n"] == 9999


def test_there_is_nothing_to_draw_before_the_first_trial(tmp_path):
    tuner = searched(tmp_path, trials=1)
    empty = Findings.of(tuner.search_project)
    empty.history.end_order.clear()
    empty.history.trials.clear()
    assert figures.draw_all(empty) == []


def test_every_figure_is_json_and_names_its_axes(findings, tmp_path):
    two = Findings.of(searched_twice(tmp_path).search_project)
    drawn = [
        *figures.draw_all(findings),
        *figures.draw_all(two),
        draw("rungs", laddered(two.project)),
    ]
    assert {figure.name for figure in drawn} == set(figures.ALL)
    for figure in drawn:
        assert json.loads(json.dumps(figure.to_json(), allow_nan=False))["title"]
        assert figure.about.endswith(".")
        for panel in figure.panels:
            for axis in ("x", "y"):
                assert axis_is_named(panel.spec, axis), (figure.name, axis)


def axis_is_named(spec, axis):
    layers = [spec, *spec.get("layer", [])]
    channels = [layer.get("encoding", {}).get(axis) for layer in layers]
    titled = [channel for channel in channels if channel and channel.get("title")]
    # Names of hyperparameters and of slots explain themselves; the axes of parallel coordinates
    # have labels of their own.
    speaking = [c for c in channels if c and (c["type"] == "nominal" or c.get("axis", 1) is None)]
    return bool(titled or speaking)


def test_a_notebook_gets_figures_as_pictures_and_a_leaderboard(tuner):
    for name in ("slots", "optimization_history", "slices", "learning_curves", "rank", "edf"):
        assert getattr(tuner, f"plot_{name}")().name == name
    shown = tuner.plot_edf()._repr_mimebundle_()
    assert shown["image/svg+xml"].startswith("<svg")
    assert "http" not in shown["image/svg+xml"].replace("http://www.w3.org/", "")
    with pytest.raises(LookupError, match=r"draw `pareto` of\. Received: completed=28"):
        tuner.plot_pareto()
    assert f"<td>{tuner.oracle.get_best_trials()[0].trial_id}</td>" in tuner._repr_html_()


def test_every_figure_has_a_method_of_the_tuner():
    methods = {name.removeprefix("plot_") for name in dir(Curves) if name.startswith("plot_")}
    assert methods == {*figures.ALL, "comparison"}


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


def test_a_diverged_score_is_no_trouble(tmp_path):
    findings = Findings.of(searched(tmp_path, trials=12).search_project)
    findings.history.trials["0001"].score = 1e300
    findings.history.trials["0002"].score = -math.inf
    for figure in figures.draw_all(findings):
        assert figure.name


def test_without_the_extra_pictures_say_what_to_install_and_reports_are_written(tuner):
    code = (
        "import sys; sys.modules['vl_convert'] = None\n"
        "from tuner.results.findings import Findings\n"
        "from tuner.journal.project import Project\n"
        "from tuner.results.figures import ALL\n"
        "from tuner.results.page import page\n"
        f"found = Findings.of(Project.at({tuner.project_dir!r}))\n"
        "print(len(page(found)) > 100_000)\n"
        "print(ALL['edf'](found)._repr_mimebundle_()['text/plain'])\n"
        "ALL['edf'](found).svg()\n"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert run.stdout.startswith("True\nDistribution of the scores.")
    assert "pip install 'trialflow[report]'" in run.stderr
