"""Runs trials in real processes that may be killed, and compares how they ended."""

import io
import json
from pathlib import Path

import h5py
import numpy as np

from storage import open_store
from tasks.messages import Ended, Run
from tasks.slots import ChildLostError
from tuner.core.hyperparameters import HyperParameters
from tuner.core.trial import Trial

FIT = {"validation_split": 0.2}


class Runner:
    """Runs trials of a study in real processes, as a search does."""

    def __init__(self, slots, url, folder):
        self.slots = slots
        self.url = url
        self.folder = folder
        self.count = 0
        self.lines = []
        self._straight = {}

    def straight(self, **values):
        """The same of a trial that nobody kills; trained once for all who ask."""
        key = json.dumps(values, sort_keys=True)
        if key not in self._straight:
            self._straight[key] = self.run(**values)
        return self._straight[key]

    def run(
        self,
        *,
        lives=1,
        seed=11,
        retries=0,
        budget=None,
        trial_id=None,
        at_most=False,
        between=lambda trial: None,
        **values,
    ):
        """The state of a trial that has ended, and its notes.

        It must have taken this many processes, or `at_most` as many; `between` is called after
        each death.
        """
        self.count += 1
        trial_id = trial_id or f"t{self.count}"
        folder = self.folder / f"{self.count}-{trial_id}"
        values = {"fit": FIT, "folder": str(values.pop("within", folder)), **values}
        if budget is not None:
            values |= budget.as_values()
        hp = HyperParameters()
        hp.values = values
        trial = Trial(hp, trial_id)
        trial.seed, trial.retries, trial.budget = seed, retries, budget
        self.lines = lines = []
        for life in range(1, lives + 1):
            with self.slots.lease() as slot:
                try:
                    request = Run(trial.get_state())
                    answer = slot.ask(request, lambda report: None, lines.append)
                except ChildLostError as error:
                    if life == lives or "SIGKILL" not in str(error):
                        raise
                    between(trial)
                    continue
            assert isinstance(answer, Ended), answer
            assert life == lives or at_most, f"ended in life {life}"
            return {**answer.trial, "folder": values["folder"]}, read_notes(values["folder"])
        raise AssertionError


def read_notes(folder):
    return [json.loads(line) for line in (Path(folder) / "notes").read_text().splitlines()]


def epochs(notes, what="begin"):
    """The epochs that began, or ended, in any of the processes."""
    return [note["epoch"] for note in notes if note["what"] == what]


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
    data = open_store(url).read(state["record"]["checkpoint"]["key"])
    found = {}

    def keep(name, item):
        if isinstance(item, h5py.Dataset):
            found[name] = item[()]

    with h5py.File(io.BytesIO(data)) as file:
        file.visititems(keep)
    return found


def assert_same(runner, straight, killed):
    (first, first_notes), (second, second_notes) = straight, killed
    assert outcome(first) == outcome(second)
    one, two = weights(runner.url, first), weights(runner.url, second)
    assert one.keys() == two.keys()
    assert all(np.array_equal(one[name], two[name]) for name in one)
    assert begun(first_notes) == begun(second_notes)


def begun(notes):
    """The variables at the beginning of each epoch, the last time it began."""
    return {(n["execution"], n["epoch"]): n["bits"] for n in notes if n["what"] == "begin"}


def files_of(runner, state):
    """What a trial's first execution has left."""
    return open_store(runner.url).list(f"trials/{state['trial_id']}/execution-0")
