"""What a report says first, and its table of all trials."""

import pytest
from searches import history_of, searched, searched_twice

from tuner import HyperParameters, Trial
from tuner.core.proposal import Budget
from tuner.journal.executions import best_epoch
from tuner.oracles.outlook import Outlook, outlook
from tuner.results.answer import answer
from tuner.results.findings import Findings
from tuner.results.page import page
from tuner.results.summary import failures, summarise
from tuner.results.trial_table import Query, trial_table


@pytest.fixture(scope="module")
def findings(tmp_path_factory):
    return Findings.of(searched(tmp_path_factory.mktemp("p"), trials=64).search_project)


def joined(lines):
    return " ".join(lines)


def test_it_says_how_sure_the_best_is_and_what_matters(findings):
    said = answer(findings)
    best = findings.history.best.record["scores"]
    assert f"Its 2 executions gave {best[0]:.5g} and {best[1]:.5g}" in said.sure[0]
    assert "comes next" in said.sure[1]
    assert said.sure[2:] == outlook(findings.history).sentences
    assert said.matters[0].startswith("Of the variance of the score: rate (")
    assert {"units", "share", "kind"} <= set(said.matters[1].rstrip(".").replace(",", "").split())


def test_it_says_what_to_try_next(findings):
    said = joined(answer(findings).next)
    assert "Train longer: the best trial was still improving in its last epoch, 5." in said
    assert "See to the failures" not in answer(findings).sure
    assert "12% of the trials. 8 of them: ValueError: it became <NaN>" in said


@pytest.mark.parametrize(("left", "advice"), [(0.5, "Go on"), (0.001, "More trials")])
def test_what_to_try_next_does_not_contradict_the_model(findings, monkeypatch, left, advice):
    history = findings.history
    monkeypatch.setattr(history, "end_order", sorted(history.end_order))
    history.end_order.remove(history.best.trial_id)
    history.end_order.insert(0, history.best.trial_id)  # nothing better since
    outlook = Outlook(improvement=left, spread=1.0, sure=0.5, close=0.5, trials=56)
    monkeypatch.setitem(vars(findings), "outlook", outlook)
    (said,) = [line for line in answer(findings).next if "nothing better" in line]
    assert said.startswith(advice)


def test_a_best_value_at_the_end_of_its_range_asks_for_a_wider_one(findings):
    space = HyperParameters()
    space.Float("x", 0.0, 1.0)
    space.Float("idle", 0.0, 1.0)
    history = history_of(space, lambda values: values["x"], 40)
    history.best = history.ranked()[0]
    history.best.hyperparameters.values |= {"x": 0.001, "idle": 0.0}
    said = joined(answer(Findings(findings.project, history, [])).next)
    assert "Widen x: the best value, 0.001, lies at the lower end." in said
    assert "Widen idle" not in said
    assert "Fix idle" in said
    assert "executions_per_trial" in said


def test_before_the_first_trial_there_is_no_answer(tmp_path):
    empty = Findings.of(searched(tmp_path, trials=1).search_project)
    empty.history.end_order.clear()
    empty.history.trials.clear()
    empty.history.best = None
    said = answer(empty)
    assert (said.sure, said.matters, said.next) == ([], [], [])
    assert "No trial has completed yet." in page(empty)


def test_the_summary_counts_and_names_the_best(findings):
    told = summarise(findings)
    assert told.counts == "64 of 64 trials: 56 completed, 8 failed, 0 unfinished"
    assert told.best.trial == findings.history.best.trial_id
    assert told.best.epoch == 5
    (failure,) = failures(findings)
    assert (failure.count, failure.example) == (8, "0007")


def test_of_several_objectives_each_is_shown(tmp_path):
    findings = Findings.of(searched_twice(tmp_path).search_project)
    assert "cost " in summarise(findings).best.score
    names = [column.name for column in trial_table(findings).columns]
    assert names[:4] == ["trial", "status", "cost", "gain"]


def trial(record, step=3, budget=None, **values):
    made = Trial(HyperParameters(), trial_id="0001")
    made.hyperparameters.values = values
    made.score, made.best_step, made.record, made.budget = 0.5, step, record, budget
    return made


def test_the_best_epoch_of_a_promoted_trial_counts_from_the_first():
    budget = Budget(epochs=27, initial_epoch=9, rung=1, parent="0000")
    promoted = trial({"epochs": 18}, budget=budget, **{"tuner/trial_id": "0000"})
    assert best_epoch(promoted) == 9 + 3 + 1
    assert best_epoch(trial({"epochs": 27}, budget=budget)) == 4  # its parent left no weights
    assert best_epoch(trial({"epochs": 5})) == 4


def test_a_black_box_has_no_best_epoch_but_reported_steps_have(tmp_path):
    assert best_epoch(trial({}, step=0)) is None
    reporting = trial({}, step=2)
    for step in range(4):
        reporting.metrics.update("loss", 1.0 / (step + 1), step=step)
    assert best_epoch(reporting) == 3
    findings = Findings.of(searched_twice(tmp_path).search_project)
    assert summarise(findings).best.epoch is None


def test_the_table_has_the_union_of_all_hyperparameters(findings):
    table = trial_table(findings)
    assert [column.name for column in table.columns] == [
        "trial", "status", "accuracy", "±", "best epoch", "time",
        "rate", "units", "kind", "share", "why",
    ]  # fmt: skip
    assert len(table.rows) == 64
    assert {column.name: column.kind for column in table.columns}["kind"] == "text"


def test_the_table_is_sorted_filtered_and_given_in_pages(findings):
    table = trial_table(findings)
    rows, total = table.page(Query(sort="accuracy", descending=True, size=10))
    assert total == 64
    assert [row[0] for row in rows] == [t.trial_id for t in findings.ranked[:10]]
    last, _ = table.page(Query(sort="accuracy", page=6, size=10))
    assert [row[1] for row in last] == ["failed"] * 4  # without a score they come last
    rows, total = table.page(Query(status="failed", size=3))
    assert (len(rows), total) == (3, 8)
    rows, total = table.page(Query(search="BECAME"))
    assert total == 8
    kinds, _ = table.page(Query(sort="kind", size=64))
    assert [row[8] for row in kinds] == sorted(row[8] for row in kinds)
    assert table.page(Query(sort="nothing of the sort"))[1] == 64
