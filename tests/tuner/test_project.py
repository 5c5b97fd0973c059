import json
import subprocess
import sys

import pytest

from storage import CorruptError, LeaseHeldError, NewerFormatError, seal, unseal
from tuner import BaseTuner, HyperParameters, Objective
from tuner.core.trial import Trial, TrialStatus
from tuner.journal import folding
from tuner.journal.events import TYPES, SearchEnded, TrialRetried, decode, encode
from tuner.journal.project import Project, ProjectInfo
from tuner.oracles import RandomSearchOracle

INFO = ProjectInfo({"name": "loss", "direction": "min"}, 0, "Oracle")


class Square(BaseTuner):
    def run_trial(self, trial):
        return trial.hyperparameters.Float("x", -1.0, 1.0) ** 2


def search(directory, trials=3, **options):
    oracle = RandomSearchOracle(Objective("loss", "min"), max_trials=trials, seed=0)
    oracle.verbose = 0
    tuner = Square(oracle, directory=str(directory), project_name="p", **options)
    tuner.search()
    return tuner


@pytest.mark.parametrize("kind", ["path", "file", "memory"])
def test_a_search_runs_and_resumes_on_any_store(tmp_path, kind):
    url = {"path": tmp_path, "file": f"file://{tmp_path}", "memory": "memory://test-project"}[kind]
    search(url, 2)
    assert len(search(url, 4).oracle.end_order) == 4


def test_overwrite_deletes_what_is_there_and_nothing_beside_it(tmp_path):
    search(tmp_path, 3)
    (tmp_path / "beside").write_text("mine")
    tuner = search(tmp_path, 2, overwrite=True)
    assert len(tuner.oracle.end_order) == 2
    assert sorted(p.name for p in (tmp_path / "p" / "trials").iterdir()) == ["0000", "0001"]
    assert (tmp_path / "beside").read_text() == "mine"


@pytest.mark.parametrize(
    "deleted", [[], ["project.json"], ["project.json", "journal/000000/000000001.json"]]
)
def test_a_project_that_was_half_deleted_is_deleted_and_begun_anew(tmp_path, deleted):
    search(tmp_path, 3)
    (tmp_path / "p" / "erasing.json").write_text("{}")
    for name in deleted:
        (tmp_path / "p" / name).unlink()
    assert len(search(tmp_path, 2).oracle.end_order) == 2


def test_a_journal_without_its_project_file_is_damage_and_no_new_project(tmp_path):
    search(tmp_path, 2)
    (tmp_path / "p" / "project.json").unlink()
    with pytest.raises(CorruptError, match=r"project\.json"):
        search(tmp_path, 2)


def test_a_project_that_is_being_searched_is_not_deleted(tmp_path):
    first = Project(str(tmp_path), "p")
    first.open(INFO)
    with pytest.raises(LeaseHeldError, match=r"\d+"):
        Project(str(tmp_path), "p").erase()
    with pytest.raises(LeaseHeldError):
        search(tmp_path)
    first.close()
    search(tmp_path)


def test_a_newer_format_is_refused_by_name(tmp_path):
    search(tmp_path, 1)
    path = tmp_path / "p" / "project.json"
    path.write_bytes(seal({**unseal(path.read_bytes(), "here"), "format": 99}))
    with pytest.raises(NewerFormatError, match="format=99"):
        search(tmp_path, 1)
    with pytest.raises(NewerFormatError, match="invented"):
        decode({"type": "invented"}, "here")


def test_a_result_is_kept_once(tmp_path):
    project = Project(str(tmp_path), "p")
    assert project.read_result("0000") is None
    state = Trial(HyperParameters(), "0000", TrialStatus.COMPLETED).get_state()
    assert project.save_result("0000", {**state, "score": 1})
    assert not project.save_result("0000", {**state, "score": 2})
    assert project.read_result("0000") == {**state, "score": 1}
    (tmp_path / "p/trials/0000/result.json").write_text("{")
    with pytest.raises(CorruptError, match=r"trials/0000/result\.json"):
        project.read_result("0000")


@pytest.mark.parametrize(
    "event", [TrialRetried("0000", "lost", "killed", 1.0), SearchEnded("done", 2.0)]
)
def test_events_survive_the_journal(event):
    assert decode(json.loads(json.dumps(encode(event))), "here") == event


def test_every_event_has_a_name_and_does_something_to_a_history():
    assert set(folding._TAKE) == set(TYPES.values())
    assert {cls.__name__ for cls in TYPES.values()} == {
        "SearchStarted",
        "SpaceGrown",
        "TrialCreated",
        "TrialRetried",
        "TrialEnded",
        "ValuesEnqueued",
        "CheckpointsDropped",
        "JournalRepaired",
        "OracleChanged",
        "EarlierTrialsRead",
        "SpaceChanged",
        "ObjectiveChanged",
        "StudyDeclared",
        "TrialReopened",
        "SearchEnded",
    }


def test_a_search_in_a_script_that_is_killed_goes_on(tmp_path):
    script = (
        "import os\n"
        "from tuner import BaseTuner, Objective\n"
        "from tuner.oracles import RandomSearchOracle\n"
        "class T(BaseTuner):\n"
        "    def run_trial(self, trial):\n"
        "        if trial.trial_id == '0002': os.kill(os.getpid(), 9)\n"
        "        return trial.hyperparameters.Float('x', -1.0, 1.0) ** 2\n"
        "oracle = RandomSearchOracle(Objective('loss', 'min'), max_trials=5, seed=0)\n"
        f"T(oracle, directory={str(tmp_path)!r}, project_name='p').search()\n"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, check=False)
    assert run.returncode == -9
    killed = search(tmp_path, 5)
    straight = search(tmp_path / "straight", 5)
    scores = [[t.score for t in tuner.oracle.trials.values()] for tuner in (killed, straight)]
    assert scores[0] == scores[1]
