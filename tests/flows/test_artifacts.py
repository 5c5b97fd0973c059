"""What the pages of Prefect are given, read as text."""

import re

import pytest
from searches import searched, searched_twice

from flows.present import result_of
from flows.running.artifacts import console_link, leaderboard_rows, outcome_of
from tuner.results.markdown import RunningTrial, search_markdown, table, trial_markdown
from tuner.results.sparkline import MOST, Line, image, svg
from tuner.search.progress import progress_of


@pytest.fixture(scope="module")
def tuner(tmp_path_factory):
    return searched(tmp_path_factory.mktemp("p"), trials=16)


def text_of(tuner, running=()):
    progress = progress_of(tuner.oracle, 0, 1.0)
    return search_markdown(tuner.oracle.search_history, tuner.project_dir, progress, running)


def test_a_summary_tells_the_best_the_failures_and_what_to_type(tuner):
    text = text_of(tuner)
    best = tuner.oracle.search_history.best
    assert "16/16 done, 0 running, 2 failed." in text
    assert f"**Best: accuracy {best.score:.5g}** (trial {best.trial_id}, epoch 5)" in text
    assert "| rate | " in text
    assert "| 2 | ValueError: it became &lt;NaN> | `trialflow show ... 0015` |" in text
    assert f"$ trialflow report {tuner.project_dir}" in text
    assert "file://" not in text


def test_a_summary_tells_how_to_load_the_best_model_where_there_is_one(tuner, monkeypatch):
    assert "--save model.keras" not in text_of(tuner)  # its trials are numbers
    assert "load_best_models" not in text_of(tuner)
    monkeypatch.setitem(tuner.oracle.search_history.best.record, "model_size", 8)
    text = text_of(tuner)
    assert f"$ trialflow best {tuner.project_dir} --save model.keras" in text
    assert f"load_best_models({tuner.project_dir!r})[0]" in text


def test_a_summary_tells_how_far_the_running_trials_are(tuner):
    trial = tuner.oracle.trials["0003"]
    text = text_of(tuner, [RunningTrial(trial, 0.0, epoch=2, score=0.5)])
    assert re.search(r"\| 0003 \| 2 of 5 \| 0\.5 \| [\d:]+ \| rate=", text)
    assert "| 0003 |  |  | " in text_of(tuner, [RunningTrial(trial, 0.0)])


def test_the_page_of_a_trial_has_values_executions_curves_and_the_log(tuner):
    project, history = tuner.search_project, tuner.oracle.search_history
    text = trial_markdown(project, history, history.trials["0003"])
    assert "best epoch 5" in text
    assert re.search(r"\| 0 \| 0\.\d+ \|\n\| 1 \| 0\.\d+ \|", text)
    assert "![Learning curves](data:image/svg+xml;base64," in text
    assert f"Log: `{tuner.project_dir}/trials/0003/log.txt`" in text
    failed = trial_markdown(project, history, history.trials["0007"])
    assert "Trial 0007: failed: ValueError: it became <NaN>" in failed
    assert "Executions" not in failed


def test_cells_of_a_table_are_no_markup():
    assert table(["a"], [["x | <b>\ny"]]).splitlines()[-1] == "| x \\| &lt;b> y |"


def test_the_leaderboard_has_the_columns_of_all_its_trials(tuner):
    result = result_of(tuner.oracle.search_history, tuner.project_dir, 1.0, 0)
    rows = leaderboard_rows(result.leaderboard)
    assert {frozenset(row) for row in rows} == {
        frozenset(
            ["rank", "trial", "accuracy", "best epoch", "time", "rate", "units", "kind", "share"]
        )
    }
    assert "" in {row["share"] for row in rows}  # it depends on the kind
    assert re.fullmatch(r"0\.\d{1,5} ± [\d.e-]+", rows[0]["accuracy"])


def test_of_several_objectives_each_has_a_column_and_is_in_the_outcome(tmp_path):
    tuner = searched_twice(tmp_path)
    result = result_of(tuner.oracle.search_history, tuner.project_dir, 1.0, 0)
    assert {"cost", "gain"} <= set(leaderboard_rows(result.leaderboard)[0])
    assert re.fullmatch(
        r"12 trials, best cost [\d.e-]+, gain [\d.e-]+ \(trial \d+\)", outcome_of(result)
    )


def test_the_outcome_counts_failures(tuner):
    result = result_of(tuner.oracle.search_history, tuner.project_dir, 1.0, 0)
    best = tuner.oracle.search_history.best
    told = f"best accuracy {best.score:.5g} (trial {best.trial_id})"
    assert outcome_of(result) == f"16 trials, {told}, 2 failed"


@pytest.mark.parametrize(
    ("url", "link"),
    [
        ("gs://bucket/a b/digits", "https://console.cloud.google.com/storage/browser/bucket/a%20b/digits"),
        ("s3://bucket/x/digits", "https://s3.console.aws.amazon.com/s3/buckets/bucket?prefix=x%2Fdigits%2F"),
        ("/home/me/results/digits", None),
        ("abfs://bucket/digits", None),
        ("memory://digits", None),
    ],
)  # fmt: skip
def test_a_link_is_one_that_a_browser_can_open(url, link, monkeypatch):
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL_S3", raising=False)
    assert console_link(url) == link


def test_an_s3_of_ones_own_has_no_console_of_amazon(monkeypatch):
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9000")
    assert console_link("s3://bucket/digits") is None


def test_a_small_picture_has_labels_and_no_more_points_than_can_be_seen():
    points = [(float(k), float(k % 7)) for k in range(10_000)]
    drawn = svg([Line(points, "#000", dots=True), Line(points, "#111")], "trials", "loss <x>")
    assert drawn.count("<circle") == MOST
    assert "loss &lt;x&gt;" in drawn
    assert ">9999<" in drawn
    assert image("t", drawn).startswith("![t](data:image/svg+xml;base64,")
    assert svg([Line([(1.0, 2.0)], "#000")], "x", "y").count("<circle") == 1


def test_nothing_is_drawn_over_the_words_of_a_picture():
    drawn = svg([Line([(1.0, 9.0), (2.0, 1.0)], "#000", dots=True)], "trials", "loss")
    heights = {
        word: float(y) for y, word in re.findall(r'<text x=\S+ y="(\S+)"[^>]*>(\w+)<', drawn)
    }
    dots = [float(y) for y in re.findall(r'cy="(\S+)"', drawn)]
    assert heights["loss"] < min(dots) - 10
    assert heights["trials"] - 10 > max(dots)
