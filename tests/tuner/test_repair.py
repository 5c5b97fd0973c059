"""Projects damaged on purpose: all of it is found, much is mended, nothing is thrown away."""

import json
import os
import shutil

import pytest

from storage import CorruptError, LeaseHeldError, LocalStore, Owner
from storage.lease import Lease
from storage.local import temporary
from tuner import BaseTuner, Objective
from tuner.journal.check import check
from tuner.journal.history import History
from tuner.journal.project import Project
from tuner.journal.reading import read_project
from tuner.journal.repair import repair
from tuner.oracles import RandomSearchOracle


class Square(BaseTuner):
    def run_trial(self, trial):
        hp = trial.hyperparameters
        x = hp.Float("x", -1.0, 1.0)
        if hp.Boolean("flag"):
            hp.Int("n", 1, 9)
        return [{"loss": x**2}]


def search(directory, trials=4):
    oracle = RandomSearchOracle(Objective("loss", "min"), max_trials=trials, seed=0)
    oracle.verbose = 0
    tuner = Square(oracle, directory=str(directory), project_name="p")
    tuner.search()
    return tuner.oracle.search_history


def outcome_of(history: History):
    return {t.trial_id: (t.status, t.score, t.values, t.seed) for t in history.trials.values()}


@pytest.fixture(scope="module")
def ended(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ended")
    return folder, outcome_of(search(folder))


@pytest.fixture
def project(ended, tmp_path):
    shutil.copytree(ended[0] / "p", tmp_path / "p")
    return Project.at(tmp_path / "p")


def keys_of(findings):
    return [damage.key for damage in findings]


def entry_that_says(tmp_path, kind):
    """The first entry of the journal with an event of this type."""
    for path in sorted((tmp_path / "p/journal/000000").iterdir()):
        if kind in [event["type"] for event in json.loads(path.read_text())["entry"]["events"]]:
            return path
    raise AssertionError(kind)


def test_a_sound_project_has_no_damage_and_repair_changes_nothing(project, tmp_path):
    before = {p: p.read_bytes() for p in (tmp_path / "p").rglob("*") if p.is_file()}
    assert check(project).damages == []
    repaired = repair(project)
    assert (list(repaired.done), repaired.aside, list(repaired.left)) == ([], "", [])
    assert {p: p.read_bytes() for p in (tmp_path / "p").rglob("*") if p.is_file()} == before


@pytest.mark.parametrize("kind", ["space_grown", "trial_created", "trial_ended", "search_ended"])
@pytest.mark.parametrize("damage", ["torn", "missing", "empty"])
def test_a_lost_entry_is_replaced_by_what_the_results_tell(ended, project, tmp_path, kind, damage):
    path = entry_that_says(tmp_path, kind)
    key = path.relative_to(tmp_path / "p").as_posix()
    data = path.read_bytes()
    path.unlink()
    if damage != "missing":
        path.write_bytes(data[:-9] if damage == "torn" else b"")
    assert key in keys_of(check(project).damages)
    if kind != "search_ended" or damage != "missing":  # the last one is missed by who writes
        with pytest.raises(CorruptError, match=key):
            read_project(project.url)

    repaired = repair(project)

    assert list(repaired.left) == check(project).damages == []
    if damage == "torn":
        assert LocalStore(tmp_path / "p").read(f"{repaired.aside}/{key}") == data[:-9]
    assert outcome_of(search(tmp_path)) == ended[1]
    assert len(search(tmp_path, trials=6).end_order) == 6


def test_a_trial_of_which_nothing_is_left_counts_as_failed(ended, project, tmp_path):
    path = entry_that_says(tmp_path, "trial_created")
    path.unlink()
    shutil.rmtree(tmp_path / "p/trials/0000")
    repaired = repair(project)
    assert any("0000" in line and "failed" in line for line in repaired.done)
    found = outcome_of(search(tmp_path))
    assert found.pop("0000")[0] == "FAILED"
    assert found == {k: v for k, v in ended[1].items() if k != "0000"}
    assert list(search(tmp_path, trials=5).trials) == ["0000", "0001", "0002", "0003", "0004"]


def test_a_journal_without_its_tail_gets_the_trials_back_that_left_a_result(
    ended, project, tmp_path
):
    entries = sorted((tmp_path / "p/journal/000000").iterdir())
    for path in entries[-4:]:  # as from a backup that is older than the trials
        path.unlink()
    (tmp_path / "p/trials/0007").mkdir()
    (tmp_path / "p/trials/0007/log.txt").write_text("of an unknown trial")
    assert "trials/0003" in keys_of(check(project).damages)
    repaired = repair(project)
    assert list(repaired.left) == []
    kept = tmp_path / "p" / repaired.aside / "trials/0007/log.txt"
    assert kept.read_text() == "of an unknown trial"
    assert outcome_of(search(tmp_path)) == ended[1]


@pytest.mark.parametrize("damage", [None, b"{", b""])
def test_a_lost_result_is_written_anew_from_the_journal(ended, project, tmp_path, damage):
    path = tmp_path / "p/trials/0002/result.json"
    path.unlink()
    if damage is not None:
        path.write_bytes(damage)
    assert keys_of(check(project).damages) == ["trials/0002/result.json"]
    repaired = repair(project)
    assert list(repaired.left) == []
    assert json.loads(path.read_text())["score"] == ended[1]["0002"][1]
    if damage:
        kept = tmp_path / "p" / repaired.aside / "trials/0002/result.json"
        assert kept.read_bytes() == damage


def test_several_kinds_of_damage_are_reported_at_once(project, tmp_path):
    (tmp_path / "p/trials/0001/result.json").write_bytes(b"x")
    path = entry_that_says(tmp_path, "trial_ended")
    path.write_bytes(path.read_bytes().replace(b"COMPLETED", b"completed"))
    name = temporary(tmp_path).name.replace(f"-{os.getpid()}-", "-99999999-")
    left = tmp_path / "p/trials" / name
    left.write_bytes(b"half")
    found = keys_of(check(project).damages)
    assert found == [
        path.relative_to(tmp_path / "p").as_posix(),
        "trials/0001/result.json",
        left.relative_to(tmp_path / "p").as_posix(),
    ]
    assert list(repair(project).left) == []
    assert not left.exists()


def test_what_only_a_backup_can_bring_back_is_said_so(project, tmp_path):
    (tmp_path / "p/project.json").unlink()
    (damage,) = check(project).damages
    assert (damage.key, damage.mending) == ("project.json", "")
    with pytest.raises(CorruptError, match=r"project\.json"):
        repair(project)


def test_a_search_that_runs_is_not_repaired(project):
    running = Lease(project.store, owner=Owner.of_this_process())
    with running, pytest.raises(LeaseHeldError):
        repair(project)


def test_an_empty_folder_that_a_killed_repair_has_left_is_deleted_by_the_next(project, tmp_path):
    (tmp_path / "p/trials/9999/execution-0").mkdir(parents=True)
    assert [damage.key for damage in check(project).damages] == ["trials/9999"]
    assert repair(project).left == []
    assert not (tmp_path / "p/trials/9999").exists()


def test_a_probe_that_a_killed_process_of_another_machine_has_left_is_deleted(tmp_path):
    probe = tmp_path / "p/.probe-00000000-1-0123456789abcdef"
    probe.parent.mkdir()
    probe.write_bytes(b"first")
    search(tmp_path)
    assert not probe.exists()
