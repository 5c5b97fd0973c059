"""A Hyperband search goes on exactly where Keras Tuner left it."""

import math

import pytest
from old_projects import (
    PROJECTS,
    copy_of,
    edit,
    remove_trials,
    take,
)

from tuner import Objective
from tuner.core.trial import TrialStatus
from tuner.journal.project import Project
from tuner.oracles.hyperband import HyperbandOracle


def hyperband(project_directory, **options):
    oracle = HyperbandOracle(
        Objective("val_accuracy", "max"), max_epochs=4, factor=2, seed=3, **options
    )
    oracle.attach(Project(str(project_directory), "new"))
    return oracle


def test_a_complete_hyperband_search_is_complete_here(tmp_path):
    take(PROJECTS / "hyperband", tmp_path, "val_accuracy")
    oracle = hyperband(tmp_path)
    assert oracle.create_trial("t").status == TrialStatus.STOPPED
    oracle.stop()


@pytest.mark.parametrize("left", range(15))
def test_a_hyperband_search_asks_for_exactly_what_remains(left, tmp_path):
    old = copy_of("hyperband", tmp_path)
    remove_trials(old, [f"{n:04d}" for n in range(left, 15)])
    whole = take(PROJECTS / "hyperband", tmp_path / "whole", "val_accuracy")[1]
    take(old, tmp_path, "val_accuracy")
    oracle = hyperband(tmp_path)
    wanted = list(whole.trials.values())[left:]
    while (trial := oracle.create_trial("t")).status == TrialStatus.RUNNING:
        expected = wanted.pop(0)
        assert (trial.trial_id, trial.budget) == (expected.trial_id, expected.budget)
        oracle.update_trial(trial.trial_id, {"val_accuracy": expected.score})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    oracle.stop()
    assert wanted == []


def test_the_bracket_of_a_promoted_trial_is_that_of_its_ancestor(tmp_path):
    old = copy_of("hyperband", tmp_path)
    for trial_id in ("0004", "0005", "0006"):
        path = old / f"trial_{trial_id}" / "trial.json"
        edit(path, lambda s: s["hyperparameters"]["values"].update({"tuner/bracket": 0}))
    history = take(old, tmp_path, "val_accuracy")[1]
    whole = take(PROJECTS / "hyperband", tmp_path / "whole", "val_accuracy")[1]
    ours, theirs = ([t.budget for t in h.trials.values()] for h in (history, whole))
    assert ours == theirs
    assert ours[6].bracket == 2


def test_ancestors_may_come_after_their_descendants_and_ids_are_translated(tmp_path):
    old = copy_of("hyperband", tmp_path)
    order = [f"{n:04d}" for n in reversed(range(15))]
    edit(old / "oracle.json", lambda s: s.update(start_order=order))
    history = take(old, tmp_path, "val_accuracy")[1]
    budget = history.trials["0008"].budget
    assert history.trials["0008"].record["imported"]["trial_id"] == "0006"
    assert (budget.bracket, budget.rung, budget.parent) == (2, 2, "0010")


def test_iterations_of_hyperband_are_told_apart(tmp_path):
    old = copy_of("hyperband", tmp_path)
    again = {f"{n:04d}": f"{n + 15:04d}" for n in range(15)}
    for first, second in again.items():
        text = (old / f"trial_{first}" / "trial.json").read_text()
        (old / f"trial_{second}").mkdir()
        for old_id, new_id in reversed(again.items()):
            text = text.replace(f'"{old_id}"', f'"{new_id}"')
        (old / f"trial_{second}" / "trial.json").write_text(text)

    def twice(state):
        state["hyperband_iterations"] = math.inf
        state["start_order"] += again.values()

    edit(old / "oracle.json", twice)
    history = take(old, tmp_path, "val_accuracy")[1]
    assert [t.budget.sweep for t in history.trials.values()] == [0] * 15 + [1] * 15
    oracle = hyperband(tmp_path, hyperband_iterations=2)
    assert oracle.create_trial("t").status == TrialStatus.STOPPED
    oracle.stop()
