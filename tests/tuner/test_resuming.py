"""A trial whose process was killed goes on from its last epoch, bit for bit."""

from pathlib import Path

import numpy as np
import pytest
from resuming import assert_same, epochs, files_of, outcome, weights

pytestmark = pytest.mark.story

SETTINGS = {
    "callbacks": {
        "callbacks": ["stop", "plateau", "csv", "board"],
        "fit": {"validation_split": 0.3, "epochs": 8},
    },
    "executions": {"executions": 2, "schedule": True, "ema": True},
    "own state": {"optimizer": "SGD", "callbacks": ["counts"], "weights": True, "lazy": True},
    "steps": {
        "callbacks": ["schedule"],
        "steps_per_execution": 3,
        "noise": True,
        "reports": True,
        "fit": {"validation_freq": 2, "validation_split": 0.2},
    },
}


@pytest.mark.parametrize("name", SETTINGS)
def test_a_trial_killed_twice_in_the_middle_of_epochs_ends_as_if_nothing_had_happened(local, name):
    values = SETTINGS[name]
    last = values.get("executions", 1) - 1
    kills = [{"epoch": 1, "batch": 1}, {"epoch": 2, "batch": 3, "execution": last}]
    straight = local.straight(**values)
    killed = local.run(lives=3, kills=kills, **values)
    assert_same(local, straight, killed)
    assert not [line for line in local.lines if "starts over" in line]
    # Hooks ran once for each epoch, but for the one in which the process died.
    assert epochs(killed[1], "end") == epochs(straight[1], "end")
    if name == "callbacks":
        assert_same_logs(straight[0], killed[0])


def assert_same_logs(*states):
    """What CSVLogger and TensorBoard have written."""
    folders = [Path(state["folder"]) for state in states]
    one, two = ((path / "log.csv").read_text() for path in folders)
    assert one == two
    assert len(one.splitlines()) > 3
    curves = [curve(path / "board") for path in folders]
    assert curves[0] == curves[1]


def curve(folder):
    """Step and value of each scalar, once; a killed process leaves what nobody will repeat."""
    from tensorboard.backend.event_processing import event_accumulator

    found = {}
    for path in folder.rglob("events*"):
        if "hparams" in str(path):
            continue
        events = event_accumulator.EventAccumulator(str(path))
        events.Reload()
        for tag in events.Tags()["tensors"]:
            for event in events.Tensors(tag):
                if event.tensor_proto.float_val:
                    found.setdefault((path.parent.name, tag), {})[event.step] = list(
                        event.tensor_proto.float_val
                    )
    return found


@pytest.mark.parametrize(("when", "number"), [("epoch-", 2), ("best-", 1), ("manifest", 2)])
def test_a_trial_killed_in_the_middle_of_a_save(local, when, number):
    straight = local.straight()
    killed = local.run(lives=2, kills=[{"save": number, "when": when}])
    assert_same(local, straight, killed)
    assert epochs(killed[1]).count(0) == (2 if number == 1 else 1)  # an earlier save was whole
    assert files_of(local, killed[0]) == files_of(local, straight[0])


def test_a_trial_killed_on_s3_in_a_save_and_in_an_epoch(local, remote):
    straight = local.straight(executions=2)
    kills = [{"save": 2, "when": "epoch-"}, {"epoch": 2, "batch": 1, "execution": 1}]
    killed = remote.run(lives=3, kills=kills, executions=2)
    assert outcome(straight[0]) == outcome(killed[0])
    assert epochs(killed[1], "end") == [0, 1, 1, 2, 3, 0, 1, 2, 3]
    assert files_of(remote, killed[0]) == ["result.json"]
    one, two = weights(local.url, straight[0]), weights(remote.url, killed[0])
    assert all(np.array_equal(one[name], two[name]) for name in one | two)
