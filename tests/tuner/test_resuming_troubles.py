"""When a trial cannot go on from what lies there, or shall not."""

import json
from pathlib import Path

import pytest
from resuming import assert_same, begun, epochs, files_of, outcome

from storage import open_store, unseal
from tuner.core.proposal import Budget
from tuner.journal.check import check
from tuner.journal.project import Project

pytestmark = pytest.mark.story

KILL = [{"epoch": 2, "batch": 2}]


def test_a_model_whose_code_has_changed_is_trained_from_the_start_with_a_warning(local):
    def change(trial):
        trial.hyperparameters.values["units"] = 7

    straight = local.straight(units=7)
    changed = local.run(lives=2, kills=KILL, units=6, between=change)
    assert_same(local, straight, changed)
    assert epochs(changed[1]) == [0, 1, 2, 0, 1, 2, 3]
    warning = next(line for line in local.lines if "starts over" in line)
    assert "the model's code has changed" in warning
    assert "dense/kernel" in warning


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("epoch-*", lambda data: data[:500] + b"?" + data[501:]),
        ("manifest.json", lambda data: data[:-9]),
        ("manifest.json", lambda data: b"[]"),
        ("manifest.json", lambda data: b'{"format": 1, "epoch": null}'),
    ],
)
def test_a_damaged_state_is_left_aside_with_a_warning(local, name, change):
    def spoil(trial):
        path = next((Path(local.url) / "trials" / trial.trial_id / "execution-0").glob(name))
        path.write_bytes(change(path.read_bytes()))

    straight = local.straight()
    damaged = local.run(lives=2, kills=KILL, between=spoil)
    assert_same(local, straight, damaged)
    assert epochs(damaged[1]) == [0, 1, 2, 0, 1, 2, 3]
    assert any("starts over" in line for line in local.lines)


@pytest.mark.parametrize("unsealed", [True, False])
def test_an_execution_whose_result_is_damaged_runs_again(local, unsealed):
    def spoil(trial):
        path = Path(local.url) / "trials" / trial.trial_id / "execution-0/result.json"
        state = unseal(path.read_bytes(), "here")
        state["result"]["list" if "list" in state["result"] else "epochs"] = None
        path.write_bytes(json.dumps(state).encode() if unsealed else path.read_bytes()[:-3])

    straight = local.straight(executions=2)
    kills = [{"epoch": 1, "batch": 1, "execution": 1}]
    damaged = local.run(lives=2, kills=kills, executions=2, between=spoil)
    assert_same(local, straight, damaged)
    assert any("An execution is run again" in line for line in local.lines)
    damages = check(Project.at(local.url)).damages
    assert not [each for each in damages if "execution" in each.key]


def test_without_resume_a_trial_begins_again_and_leaves_nothing(local):
    straight = local.straight()
    again = local.run(lives=2, kills=KILL, resume=False)
    assert_same(local, straight, again)
    assert epochs(again[1]) == [0, 1, 2, 0, 1, 2, 3]
    names = open_store(local.url).list(f"trials/{again[0]['trial_id']}")
    assert [name.split("-")[0] for name in names] == [
        "checkpoint",
        "checkpoint.weights.h5",
        "model.json",
        "result.json",
    ]


def test_a_trial_that_raised_starts_clean_with_another_seed(local):
    raised, notes = local.run(raises=1, executions=2)
    assert raised["status"] == "INVALID"
    trial_id = raised["trial_id"]
    assert epochs(notes) == [0, 1, 2, 3, 0, 1, 2]
    assert files_of(local, raised) == ["result.json"]  # of the execution that had ended
    assert open_store(local.url).list(f"trials/{trial_id}/execution-1") == []
    kills = [None, {"epoch": 2, "batch": 1, "execution": 0}]
    again, notes = local.run(
        lives=2, kills=kills, executions=2, trial_id=trial_id, retries=1, within=raised["folder"]
    )
    # Killed, it goes on with its own state, and not with what the first try has left.
    assert epochs(notes)[7:] == [0, 1, 2, 2, 3, 0, 1, 2, 3]
    straight = outcome(local.straight(executions=2)[0])["executions"]
    assert all(new not in straight for new in outcome(again)["executions"])


def test_a_promoted_trial_goes_on_as_if_its_parent_had_not_ended(local):
    values = {"callbacks": ["plateau", "stop"], "optimizer": "SGD", "executions": 2}
    straight = local.straight(**values)
    parent = local.run(budget=Budget(2), **values)
    assert len(parent[0]["record"]["ends"]) == 2
    assert epochs(parent[1]) == [0, 1, 0, 1]
    budget = Budget(4, 2, rung=1, parent=parent[0]["trial_id"])
    child = local.run(
        lives=2, kills=[{"epoch": 3, "batch": 1, "execution": 1}], budget=budget, **values
    )
    assert epochs(child[1], "end") == [e for e in epochs(straight[1], "end") if e > 1]
    assert begun(parent[1]) | begun(child[1]) == begun(straight[1])
    for first, last in zip(
        straight[0]["record"]["executions"], child[0]["record"]["executions"], strict=True
    ):
        assert last["epochs"] == first["epochs"][2:]
        assert last["history"]["val_loss"] == first["history"]["val_loss"][2:]


def test_a_loop_of_ones_own_saves_and_goes_on(local):
    straight = local.straight(loop=True)
    killed = local.run(lives=2, loop=True, kills=[{"epoch": 2}])
    assert straight[0]["record"]["executions"] == killed[0]["record"]["executions"]
    assert epochs(killed[1]) == [0, 1, 2, 2, 3]
    folder = Path(local.url) / "trials" / killed[0]["trial_id"]
    assert [path.name for path in folder.iterdir()] == ["result.json"]


def test_fit_that_is_called_twice_is_repeated_whole(local):
    straight = local.straight(phases=2)
    killed = local.run(lives=2, phases=2, kills=[{"epoch": 1, "batch": 1}])
    assert outcome(straight[0]) == outcome(killed[0])
    assert len(epochs(straight[1])) == 8
    assert epochs(killed[1]) == [0, 1, 1, 2, 3, 0, 1, 2, 3, 0, 1, 2, 3]


@pytest.mark.parametrize("epoch", [0, 2, 3])
def test_a_training_whose_local_files_are_deleted_goes_on_in_the_same_process(local, epoch):
    values = {"executions": 2, "reports": True}
    straight = local.straight(**values)
    cleaned = local.run(cleans={"epoch": epoch, "batch": 1}, **values)
    assert_same(local, straight, cleaned)
    assert (Path(cleaned[0]["folder"]) / "cleaned").exists()
    assert any("goes on with its last saved epoch" in line for line in local.lines)
    # A cleaner that comes again and again does not keep a trial for ever, nor does it fail others.
    assert local.run(**values)[0]["status"] == "COMPLETED"
