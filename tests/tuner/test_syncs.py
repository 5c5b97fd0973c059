"""How often a trial waits for the disk: as often as the guarantees need, each time for a reason."""

import os
import re
from pathlib import Path

import pytest

from tuner import BaseTuner, Objective
from tuner.oracles import RandomSearchOracle

NEEDED = [
    "trials",  # there is a folder for the trial
    "trials/ID/FILE",  # its result is whole,
    "trials/ID",  # and has its name: from now on it is not trained again
    "journal/000000/FILE",  # it has ended
    "journal/000000",
    "journal/000000/FILE",  # the next one has its values before it begins
    "journal/000000",
]


class Idle(BaseTuner):
    """Trains nothing."""

    def run_trial(self, trial):
        self.synced.append(f"begin {trial.trial_id}")
        return trial.hyperparameters.Float("x", 0.0, 1.0)


@pytest.fixture
def synced(tmp_path, monkeypatch):
    """Keys that were synced, without what makes their names unique."""
    found, sync = [], os.fsync

    def recorded(descriptor):
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        if path.is_relative_to(tmp_path):  # not the lease of what another test has left open
            key = os.path.relpath(path, tmp_path / "p")
            found.append(re.sub(r"trials/\d+", "trials/ID", re.sub(r"\.tmp-[^/]+", "FILE", key)))
        sync(descriptor)

    monkeypatch.setattr(os, "fsync", recorded)
    return found


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="Linux")
def test_a_trial_that_trains_nothing_waits_for_the_disk_seven_times(tmp_path, synced):
    oracle = RandomSearchOracle(Objective("default_objective", "min"), max_trials=4, seed=0)
    tuner = Idle(oracle, directory=str(tmp_path), project_name="p")
    tuner.synced = synced
    tuner.search(search_verbose=0)
    first, second = synced.index("begin 0001"), synced.index("begin 0002")
    assert synced[first + 1 : second] == NEEDED
