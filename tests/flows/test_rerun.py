"""The same seed gives the same trials and scores, and one trial can be repeated."""

import copy
import json

import pytest
from support import STUDIES, finish

from flows.commands.rerun import Comparison

pytestmark = pytest.mark.story

TINY = STUDIES / "tiny.py"


def trials_of(command, project):
    state = json.loads(finish(command("status", project, "--json")))
    return {t["trial_id"]: (t["hyperparameters"], t["score"]) for t in state["trials"]}


def test_trials_and_scores_do_not_depend_on_the_number_of_slots_and_a_trial_is_repeated(
    trialflow, command_line, tmp_path
):
    words = ["--json", "--max-trials", 4]
    found = []
    for slots in (1, 2):
        name = f"with-{slots}"
        finish(trialflow("search", TINY, "--slots", slots, "--project-name", name, *words))
        found.append(trials_of(command_line, f"results/{name}"))
    assert found[0] == found[1]
    assert len(found[0]) == 4

    before = {p: p.read_bytes() for p in (tmp_path / "results").rglob("*.*")}
    out = finish(command_line("rerun", "results/with-2", "0002"))
    assert "Equal, bit for bit." in out
    assert {p: p.read_bytes() for p in (tmp_path / "results").rglob("*.*")} == before

    wrong = command_line("rerun", "results/with-2", "9999")
    finish(wrong, status=1)


def test_the_first_difference_is_named():
    curve = {"history": {"loss": [1.0, 0.5], "val_loss": [2.0]}, "epochs": [3, 4]}
    then = {"scores": [0.5], "executions": [{"metrics": {"loss": 0.5}, **curve}]}
    now = copy.deepcopy(then)
    assert Comparison("p", "0000", 1, then, now).difference is None
    now["executions"][0]["history"]["loss"][1] = 0.25
    found = Comparison("p", "0000", 1, then, now).difference
    assert found == "execution 0, epoch 4: loss 0.5 then, 0.25 now"
    now = {"scores": [0.5], "executions": [{"metrics": {"loss": 0.1}}]}
    then = {"scores": [0.5], "executions": [{"metrics": {"loss": 0.5}}]}
    assert "{'loss': 0.5} then" in Comparison("p", "0000", 1, then, now).difference
