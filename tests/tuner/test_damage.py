"""Whatever changes in a project is noticed: a byte, a file that is gone, an entry at the end."""

import json
import random
import shutil

import numpy as np
import pytest

from storage import CorruptError, StorageError
from tuner import BaseTuner, Objective
from tuner.errors import FailedTrialError
from tuner.journal.check import check
from tuner.journal.project import Project
from tuner.journal.reading import read_project
from tuner.journal.repair import repair
from tuner.oracles import RandomSearchOracle
from tuner.training import checkpoint
from tuner.training.execution_results import ExecutionResult, ExecutionResults
from tuner.training.state_store import Snapshot, StatePlace

UNCHECKED = ("log.txt", "export/", "0002/checkpoint-")
"""What is for people, what is derived, and weights of a trial that failed."""


class Whole(BaseTuner):
    """Leaves every kind of file there is; the last trial is cut off."""

    def get_state(self):
        return {"seen": len(self.oracle.trials), "strange": float("nan")}

    def set_state(self, state):
        self.seen = state["seen"]

    def run_trial(self, trial):
        x = trial.hyperparameters.Float("x", 0.0, 1.0)
        project = self.search_project
        paths = project.paths.trial(trial.trial_id)
        weights = self.folder / f"weights-{trial.trial_id}"
        weights.write_bytes(b"weights of " + trial.trial_id.encode())
        kept = checkpoint.keep(project, trial.trial_id, weights)
        project.store.replace(paths.log, b"what it printed")
        result = ExecutionResult({"loss": x}, x, {"checkpoint": kept})
        ExecutionResults(project, trial.trial_id, 0).keep(0, result)
        place = StatePlace(project, paths.execution(1))
        state = {"epoch": 2, "variables": [np.arange(3.0)]}
        if trial.trial_id == "0003":
            place.save(Snapshot.of(state), weights)
            raise KeyboardInterrupt
        if trial.trial_id == "0002":
            raise FailedTrialError("cannot work")
        trial.record["checkpoint"] = kept
        trial.record["ends"] = [None, place.save_end(Snapshot.of(state)).to_json()]
        return [{"loss": x}, {"loss": x}]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    oracle = RandomSearchOracle(Objective("loss", "min"), max_trials=5, seed=0)
    tuner = Whole(oracle, directory=str(folder), project_name="p")
    tuner.folder = folder
    with pytest.raises(KeyboardInterrupt):
        tuner.search(search_verbose=0)
    from flows.running.run_settings import RunSettings

    RunSettings("study.py").save(tuner.search_project)
    return folder / "p"


@pytest.fixture
def project(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "p")
    return Project.at(tmp_path / "p")


def files_of(folder):
    names = [path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()]
    return sorted(name for name in names if not any(each in name for each in UNCHECKED))


def test_a_whole_project_has_every_kind_of_file_and_is_sound(whole):
    assert check(Project.at(whole)).damages == []
    found = " ".join(files_of(whole))
    kinds = [
        "project.json",
        "study.json",
        "tuner-tuner0.json",
        "journal/tail.json",
        "manifest.json",
    ]
    kinds += [
        "execution-0/result.json",
        "0000/result.json",
        "epoch-",
        "best-",
        "end-",
        "checkpoint-",
    ]
    assert [kind for kind in kinds if kind not in found] == []


def places_in(data):
    """Some bytes, the first and the last among them."""
    some = random.Random(len(data)).sample(range(len(data)), min(5, len(data)))
    return sorted({0, 1, len(data) // 2, len(data) - 1, *some})


def test_a_bit_that_flips_anywhere_is_found_where_it_is(whole, project, tmp_path):
    folder = tmp_path / "p"
    for name in files_of(whole):
        data = (folder / name).read_bytes()
        for place in places_in(data):
            changed = bytearray(data)
            changed[place] ^= 1 << place % 8
            (folder / name).write_bytes(changed)
            found = [damage.key for damage in check(Project.at(folder)).damages]
            assert name in found, (name, place)
        (folder / name).write_bytes(data)
    assert check(Project.at(folder)).damages == []


NOT_MISSED = (
    "study.json",
    "tuner-tuner0.json",
    "tail.json",
    "execution-0/result",
    "manifest.json",
    "0002/result.json",
)
"""What need not be there: the search does without, and a trial that failed may leave nothing."""


def test_a_file_that_is_gone_is_missed_or_not_needed(whole, project, tmp_path):
    folder = tmp_path / "p"
    for name in files_of(whole):
        data = (folder / name).read_bytes()
        (folder / name).unlink()
        found = check(Project.at(folder)).damages
        assert bool(found) != any(each in name for each in NOT_MISSED), (name, found)
        (folder / name).write_bytes(data)


def test_what_is_damaged_is_never_read_as_something_else(whole, project, tmp_path):
    folder = tmp_path / "p"
    straight = told_by(folder)
    for name in files_of(whole):
        data = (folder / name).read_bytes()
        for place in places_in(data):
            (folder / name).write_bytes(data[:place] + b"7" + data[place + 1 :])
            try:
                assert told_by(folder) == straight, (name, place)
            except StorageError as error:
                told = str(error)
                assert name in told or "trials/" in told, (name, place, told)
        (folder / name).write_bytes(data)


def told_by(folder):
    """Everything that is read of a project: trials, curves, the states of what goes on."""
    project, history = read_project(folder)
    tuner = Whole(RandomSearchOracle(Objective("loss", "min")), None, folder.parent, "p")
    trials = [(t.trial_id, t.status, t.score, t.values, t.record) for t in history.trials.values()]
    kept = [
        ExecutionResults(project, trial_id, 0).read(0) and trial_id for trial_id in history.trials
    ]
    results = [project.read_result(trial_id) for trial_id in history.trials]
    tables = [tuner.results(level).to_pylist() for level in ("trials", "executions", "epochs")]
    # An execution that cannot be read runs again, which is no other result.
    return json.dumps(
        [trials, results, tables, tuner.seen, sorted(map(bool, kept))[-1:]], default=str
    )


def test_all_that_repair_says_it_does_it_does(whole, project, tmp_path):
    folder = tmp_path / "p"
    kept = ("project.json", "tuner-tuner0.json", "journal/0")  # the last is tested elsewhere
    documents = [name for name in files_of(whole) if name.endswith(".json")]
    spoilt = [name for name in documents if not name.startswith(kept)]
    for name in spoilt:
        data = (folder / name).read_bytes()
        (folder / name).write_bytes(data[: len(data) // 2])
    repaired = repair(Project.at(folder))
    assert list(repaired.left) == []
    aside = [path for path in (folder / repaired.aside).rglob("*") if path.is_file()]
    assert len(aside) == len(spoilt) > 8
    oracle = RandomSearchOracle(Objective("loss", "min"), max_trials=5)
    assert len(Whole(oracle, None, tmp_path, "p").oracle.trials) == 4


def test_documents_that_earlier_versions_wrote_without_digests_are_sound(project, tmp_path):
    folder = tmp_path / "p"
    for path in folder.rglob("*.json"):
        state = json.loads(path.read_text())
        if "sha256" in state and "size" not in state:
            del state["sha256"]
            path.write_text(json.dumps(state))
    (folder / "journal/tail.json").unlink()
    assert check(Project.at(folder)).damages == []
    assert read_project(folder)[1].best is not None


@pytest.mark.parametrize("killed", [True, False])
def test_a_journal_that_has_lost_its_last_entry_is_noticed(whole, tmp_path, killed):
    shutil.copytree(whole, tmp_path / "p")
    folder = tmp_path / "p"
    entries = sorted((folder / "journal/000000").iterdir())
    entries[-1].unlink()
    if killed:  # then the lease alone can tell
        (folder / "journal/tail.json").unlink()
        owner = {"host": "gone", "pid": 1, "started": 1, "machine": "", "token": "t", "opened": 0.0}
        lease = {"v": 1, "owner": owner, "ttl": 0.01, "beat": 7, "entries": len(entries)}
        (folder / "lease.json").write_text(json.dumps(lease))
    else:
        name = entries[-1].relative_to(folder).as_posix()
        assert name in [damage.key for damage in check(Project.at(folder)).damages]
    oracle = RandomSearchOracle(Objective("loss", "min"), max_trials=5)
    tuner = Whole(oracle, directory=str(tmp_path), project_name="p")
    tuner.search_project._lease._ttl = 0.05
    with pytest.raises(CorruptError, match=entries[-1].name):
        tuner.search(search_verbose=0)
    assert not (folder / "lease.json").exists()
    with pytest.raises(CorruptError, match=entries[-1].name):
        tuner.search(search_verbose=0)  # it is remembered
    assert list(repair(Project.at(folder)).left) == []
    assert check(Project.at(folder)).damages == []


def test_a_result_of_a_trial_that_the_journal_has_lost_stops_the_search(whole, tmp_path):
    shutil.copytree(whole, tmp_path / "p")
    folder = tmp_path / "p"
    (folder / "journal/tail.json").unlink()
    for path in sorted((folder / "journal/000000").iterdir())[2:]:
        path.unlink()
    oracle = RandomSearchOracle(Objective("loss", "min"), max_trials=5)
    tuner = Whole(oracle, directory=str(tmp_path), project_name="p")
    with pytest.raises(CorruptError, match=r"trials/0\d+/result\.json"):
        tuner.search(search_verbose=0)
    assert not (folder / "lease.json").exists()
