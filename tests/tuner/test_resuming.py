"""A trial whose process was killed goes on from its last epoch, bit for bit."""

import json
import os

import h5py
import numpy as np
import pytest
from support import STUDIES

from storage import open_store
from tasks.children import ChildLostError
from tasks.slots import LocalSlots
from tuner.hyperparameters import HyperParameters
from tuner.trial import Trial

pytestmark = pytest.mark.slow

FIT = {"validation_split": 0.2}


class Runner:
    """Runs trials of a study in real processes, as a search does."""

    def __init__(self, slots, url, folder):
        self.slots = slots
        self.url = url
        self.folder = folder
        self.count = 0

    def run(self, *, lives=1, seed=11, retries=0, budget=None, trial_id=None, **values):
        """The state of a trial that has ended; it must have taken this many processes."""
        self.count += 1
        trial_id = trial_id or f"t{self.count}"
        folder = self.folder / f"{self.count}-{trial_id}"
        values = {"fit": FIT, "folder": str(values.pop("within", folder)), **values}
        hp = HyperParameters()
        hp.values = values
        trial = Trial(hp, trial_id)
        trial.seed, trial.retries, trial.budget = seed, retries, budget
        self.lines = lines = []
        for life in range(1, lives + 1):
            with self.slots.lease() as slot:
                try:
                    request = {"do": "run", "trial": trial.get_state()}
                    answer = slot.ask(request, lambda message: None, lines.append)
                except ChildLostError as error:
                    assert "SIGKILL" in str(error), error
                    assert life < lives, f"killed in life {life}"
                    continue
            assert answer["kind"] == "ended", answer
            assert life == lives, f"ended in life {life}"
            return answer["trial"], read_notes(values["folder"])
        raise AssertionError


def read_notes(folder):
    with open(f"{folder}/notes") as file:  # noqa: PTH123
        return [json.loads(line) for line in file]


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    folder = tmp_path_factory.mktemp("resuming")
    project = {"directory": str(folder), "project_name": "project"}
    setup = {"study": str(STUDIES / "resumable.py"), "project": project}
    with LocalSlots(1, setup, ("keras", "tensorflow")) as slots:
        yield Runner(slots, f"{folder}/project", folder)


def outcome(state):
    """Everything of a trial's outcome that must not depend on how often it was killed."""
    assert state["status"] == "COMPLETED", state["message"]
    record = state["record"]
    return {
        "metrics": state["metrics"],
        "executions": record["executions"],
        "scores": record["scores"],
    }


def weights(url, state):
    """The arrays of a trial's checkpoint."""
    store, found = open_store(url), {}
    path = f"/tmp/weights-{os.getpid()}.h5"
    store.download(state["record"]["checkpoint"]["key"], path)
    with h5py.File(path) as file:
        file.visititems(
            lambda name, item: (
                found.update({name: item[()]}) if isinstance(item, h5py.Dataset) else None
            )
        )
    os.unlink(path)
    return found


def assert_same(runner, straight, killed):
    (first, first_notes), (second, second_notes) = straight, killed
    assert outcome(first) == outcome(second)
    one, two = weights(runner.url, first), weights(runner.url, second)
    assert one.keys() == two.keys()
    assert all(np.array_equal(one[name], two[name]) for name in one)
    # The variables at the beginning of each epoch, the last time it began.
    begun = [
        {n["epoch"]: n["bits"] for n in notes if n["what"] == "begin"}
        for notes in (first_notes, second_notes)
    ]
    assert begun[0] == begun[1]


def test_killed_in_the_middle_of_an_epoch(local):
    straight = local.run()
    killed = local.run(lives=2, kills=[{"epoch": 2, "batch": 2}])
    assert_same(local, straight, killed)
    began = [n["epoch"] for n in killed[1] if n["what"] == "begin"]
    assert began == [0, 1, 2, 2, 3]


@pytest.mark.parametrize(
    "values",
    [
        {"callbacks": ["stop", "plateau", "csv"], "fit": {"validation_split": 0.3, "epochs": 8}},
        {"executions": 2, "schedule": True, "ema": True},
        {"optimizer": "SGD", "callbacks": ["counts"], "weights": True, "lazy": True},
        {
            "callbacks": ["schedule"],
            "steps_per_execution": 3,
            "noise": True,
            "fit": {"validation_freq": 2, "validation_split": 0.2},
        },
    ],
    ids=["callbacks", "executions", "own-state", "steps"],
)
def test_settings(local, values):
    straight = local.run(**values)
    second = {"epoch": 3, "batch": 1}
    kills = [{"epoch": 1, "batch": 1}, {**second, "execution": values.get("executions", 1) - 1}]
    killed = local.run(lives=3, kills=kills, **values)
    assert_same(local, straight, killed)
    assert not [line for line in local.lines if "starts over" in line]
