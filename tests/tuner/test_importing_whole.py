"""An import happens as a whole or not at all, and never touches what is there."""

import subprocess
import sys

import pytest
from old_projects import (
    PROJECTS,
    copy_of,
    history_of,
    states_of,
    take,
)

from storage import LeaseHeldError, StorageError
from tuner import BaseTuner, Objective
from tuner.journal.project import Project, ProjectInfo
from tuner.keras_tuner.importing import import_keras_tuner
from tuner.oracles import RandomSearchOracle

KILLED_AT = """
import os, sys
from storage import LocalStore
from tuner.keras_tuner.importing import import_keras_tuner
left, old, new = int(sys.argv[1]), sys.argv[2], sys.argv[3]
place, delete = LocalStore._publish, LocalStore._delete
def counted(what):
    def write(self, *args):
        global left
        left -= 1
        if left < 0:
            os.kill(os.getpid(), 9)
        return what(self, *args)
    return write
LocalStore._publish, LocalStore._delete = counted(place), counted(delete)
import_keras_tuner(old, new, "new", "val_loss")
"""


@pytest.mark.story
def test_an_import_that_is_killed_anywhere_and_run_again_is_as_one_that_was_not(tmp_path):
    old = PROJECTS / "random_search"
    straight = take(old, tmp_path / "straight")[1]
    names = sorted(p.relative_to(tmp_path / "straight") for p in _shown(tmp_path / "straight"))
    for writes in range(100):
        folder = tmp_path / str(writes)
        run = subprocess.run(
            [sys.executable, "-c", KILLED_AT, str(writes), str(old), str(folder)],
            capture_output=True,
            check=False,
        )
        killed = run.returncode == -9
        assert killed or run.returncode == 0, run.stderr
        info = Project(str(folder), "new").info()
        if info is None or not Project(str(folder), "new").events():
            assert killed
            import_keras_tuner(old, folder, "new", "val_loss")
        assert states_of(history_of(folder)) == states_of(straight)
        assert sorted(p.relative_to(folder) for p in _shown(folder)) == names
        if not killed:
            break
    assert writes > 8


def _shown(folder):
    """What a store shows: not what a killed process left unfinished, its lease or its notes."""
    hidden = (".tmp-", ".probe-", "lease.json", "tail.json")
    return [p for p in folder.rglob("*") if not p.name.startswith(hidden)]


class Square(BaseTuner):
    def run_trial(self, trial):
        return {"val_loss": trial.hyperparameters.Float("x", -1.0, 1.0) ** 2}


def test_a_search_on_what_a_killed_import_left_begins_anew(tmp_path):
    new = tmp_path / "new"
    script = [sys.executable, "-c", KILLED_AT, "8", str(PROJECTS / "random_search"), str(tmp_path)]
    assert subprocess.run(script, check=False).returncode == -9
    assert (new / "erasing.json").exists()
    oracle = RandomSearchOracle("val_loss", max_trials=1, seed=0)
    oracle.verbose = 0
    Square(oracle, directory=str(tmp_path), project_name="new").search()
    assert [t.record.get("imported") for t in oracle.trials.values()] == [None]


def test_an_import_that_fails_leaves_nothing(tmp_path):
    old = copy_of("random_search", tmp_path)
    (old / "trial_2" / "checkpoint.weights.h5").unlink()
    (old / "trial_2" / "checkpoint.weights.h5").mkdir()  # nothing that can be downloaded
    with pytest.raises(StorageError, match=r"trial_2/checkpoint\.weights\.h5"):
        take(old, tmp_path)
    assert list((tmp_path / "new").iterdir()) == []


@pytest.mark.parametrize("again", ["the same", "another"])
def test_a_project_that_exists_is_refused_and_stays(again, tmp_path):
    before = states_of(take(PROJECTS / "random_search", tmp_path)[1])
    old, objective = {
        "the same": (PROJECTS / "random_search", "val_loss"),
        "another": (PROJECTS / "hyperband", "val_accuracy"),
    }[again]
    with pytest.raises(FileExistsError, match="there is one"):
        take(old, tmp_path, objective)
    assert states_of(history_of(tmp_path)) == before


def test_a_folder_with_other_things_in_it_is_refused_and_stays(tmp_path):
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "thesis.tex").write_text("all I have")
    with pytest.raises(FileExistsError, match=r"thesis\.tex"):
        take(PROJECTS / "random_search", tmp_path)
    assert (tmp_path / "new" / "thesis.tex").read_text() == "all I have"


@pytest.mark.parametrize("inside", ["", "new"])
def test_a_project_in_the_old_directory_is_refused(inside, tmp_path):
    old = copy_of("random_search", tmp_path)
    target = old / inside
    with pytest.raises(ValueError, match="outside of the old one"):
        import_keras_tuner(old, target.parent, target.name, "val_loss")


def test_a_project_somebody_is_writing_is_refused(tmp_path):
    other = Project(str(tmp_path), "new")
    other.open(ProjectInfo(Objective("val_loss", "min").to_json(), 0, "Oracle"))
    with pytest.raises(LeaseHeldError):
        take(PROJECTS / "random_search", tmp_path)
    other.close()
    take(PROJECTS / "random_search", tmp_path)
