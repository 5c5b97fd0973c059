"""The parts that a training state is made of."""

import threading

import numpy as np
import pytest

from storage import MemoryStore, StoreDeniedError, TransientStoreError
from tuner.journal.project import Project
from tuner.oracles import RandomSearchOracle
from tuner.training.arrays import from_npz, pack, separate
from tuner.training.callback_states import reopen_logs
from tuner.training.execution_results import ExecutionResult, ExecutionResults
from tuner.training.shuffling import Order
from tuner.training.state_store import Snapshot, StateDamagedError, StatePlace
from tuner.training.state_writer import SHARE, CheckpointSchedule, StateWriter, checked_every


@pytest.fixture
def project(tmp_path):
    return Project(str(tmp_path), "p")


@pytest.fixture
def place(project):
    return StatePlace(project, project.paths.trial("0000").execution(0))


def snapshot(epoch, value=0.0):
    return Snapshot.of({"epoch": epoch, "variables": [np.full(3, value, np.float32)]})


def names(project):
    return project.store.list("trials/0000/execution-0")


def test_trees_of_json_and_arrays_come_back_as_they_were():
    ml_dtypes = pytest.importorskip("ml_dtypes")
    tree = {
        "a": [np.arange(6, dtype=np.int64).reshape(2, 3), np.array(2.5, np.float32), True, None],
        "b": {"nan": float("nan"), "inf": -float("inf"), "text": "NaN", "pair": (1, 2.0)},
        "c": np.array([1.5, -2.0], ml_dtypes.bfloat16),
        "d": np.float32(0.1),
    }
    back = from_npz(pack(*separate(tree)))
    for one, two in zip(tree["a"], back["a"], strict=True):
        assert np.array_equal(one, two)
        assert type(one) is type(two)
    assert np.isnan(back["b"]["nan"])
    assert back["b"]["inf"] == -float("inf")
    assert (back["b"]["text"], back["b"]["pair"]) == ("NaN", (1, 2.0))
    assert back["c"].dtype == ml_dtypes.bfloat16
    assert np.array_equal(back["c"], tree["c"])
    assert np.float32(back["d"]) == tree["d"]
    with pytest.raises(TypeError, match="object"):
        separate({"x": object()})


def test_the_newest_state_alone_is_kept_and_discarded_whole(project, place, tmp_path):
    file = tmp_path / "best.weights.h5"
    for epoch in (1, 2, 3):
        if epoch != 3:
            file.write_bytes(b"best %d" % epoch)
        place.save(snapshot(epoch, epoch), file if epoch != 3 else None)
        assert len(names(project)) == 3
    target = tmp_path / "target"
    state = StatePlace(project, place.paths).load(target)
    assert state["epoch"] == 3
    assert state["variables"][0].tolist() == [3.0, 3.0, 3.0]
    assert target.read_bytes() == b"best 2"
    place.discard()
    assert names(project) == []
    assert place.load(target) is None


@pytest.mark.parametrize("damage", ["cut", "byte", "other", "missing", "manifest", "newer"])
def test_a_damaged_state_is_named(project, place, tmp_path, damage):
    place.save(snapshot(1))
    key = f"{place.paths.folder}/{names(project)[0]}"
    assert "/epoch-000001-" in key
    data, manifest = project.store.read(key), project.store.read(place.paths.manifest)
    match damage:
        case "cut":
            project.store.replace(key, data[:-20])
        case "byte":
            project.store.replace(key, data[:-20] + b"?" + data[-19:])
        case "other":
            project.store.replace(key, pack(*separate({"epoch": 1, "variables": [np.ones(3)]})))
        case "missing":
            project.store.delete([key])
        case "manifest":
            project.store.replace(place.paths.manifest, manifest[:-5])
        case "newer":
            newer = manifest.replace(b'"format": 1', b'"format": 2')
            project.store.replace(place.paths.manifest, newer)
    with pytest.raises(StateDamagedError, match="execution-0"):
        place.load(tmp_path / "target")


def test_two_processes_on_one_execution_delete_nothing_that_the_manifest_names(project, place):
    place.save(snapshot(1))
    other = StatePlace(project, place.paths)
    other.load(None)
    place.save(snapshot(2, 0.2))
    other.save(snapshot(2, 0.3))
    place.save(snapshot(3, 0.4))
    assert StatePlace(project, place.paths).load(None)["epoch"] == 3
    other.save(snapshot(3, 0.5))
    assert StatePlace(project, place.paths).load(None)["variables"][0][0] == np.float32(0.5)


def test_the_first_result_of_an_execution_stays(project):
    kept = ExecutionResults(project, "0000", 0)
    first = ExecutionResult({"loss": np.float32(0.1), "nan": float("nan")}, 0.1, {"a": 1})
    assert kept.keep(0, first) is first
    second = kept.keep(0, ExecutionResult(0.2))
    assert second.record == {"a": 1}
    assert np.float32(second.result["loss"]) == np.float32(0.1)
    assert np.isnan(second.result["nan"])
    assert kept.read(1) is None
    assert ExecutionResults(project, "0000", 1).read(0) is None
    assert kept.keep(1, ExecutionResult(object())).result is not None
    assert kept.read(1) is None


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def test_saves_stay_within_their_share_of_the_time():
    clock, saved, spent = Clock(), 0, 0.0
    schedule = CheckpointSchedule("auto", clock)
    schedule.begin(1_000_000, remote=False)
    for _ in range(1000):
        clock.now += 0.2
        if schedule.due(1):
            schedule.took(0.1)
            clock.now += 0.1
            saved, spent = saved + 1, spent + 0.1
        assert spent <= SHARE * clock.now + 0.1
    assert saved * 0.1 == pytest.approx(SHARE * clock.now, rel=0.05)


def test_epochs_that_are_long_beside_a_save_are_saved_each():
    clock = Clock()
    schedule = CheckpointSchedule("auto", clock)
    schedule.begin(100, remote=True)
    for _ in range(10):
        clock.now += 60.0
        assert schedule.due(1)
        schedule.took(1.5)


def test_a_number_of_epochs_or_none_is_taken_at_its_word():
    assert [CheckpointSchedule(2).due(n) for n in (1, 2, 3)] == [False, True, True]
    assert not CheckpointSchedule(None).due(1000)
    for wrong in (0, -1, True, 1.5, "never"):
        with pytest.raises(ValueError, match="checkpoint_every="):
            checked_every(wrong)


def test_a_state_that_cannot_be_written_costs_a_warning_but_a_refusal_ends_the_trial(
    project, place, monkeypatch, caplog
):
    writer = StateWriter(place, CheckpointSchedule(1))
    for error in (TransientStoreError("later"), StoreDeniedError("no")):

        def fail(*_, error=error):
            raise error

        monkeypatch.setattr(project.store, "replace", fail)
        writer.write(snapshot(1), None, 0.0)
        if isinstance(error, StoreDeniedError):
            with pytest.raises(StoreDeniedError):
                writer.wait()
        else:
            writer.wait()
            assert "could not be saved: later" in caplog.text
    writer.close()
    assert not [t for t in threading.enumerate() if t.name.startswith("training-state")]


def test_the_order_is_a_function_of_seed_and_epoch():
    def orders(seed, epochs):
        order = Order(seed)
        found = []
        for epoch in epochs:
            order.epoch = epoch
            found.append(tuple(order.permutation(20)))
        return found

    assert orders(1, [0, 1, 2])[1:] == orders(1, [1, 2])
    assert len({*orders(1, range(10)), *orders(2, range(10)), *orders(1, [None, None])}) == 22


def test_a_log_is_cut_behind_the_epochs_that_are_done(tmp_path):
    keras = pytest.importorskip("keras")
    path = tmp_path / "log.csv"
    path.write_text("epoch,loss\n0,9\n1,8\n0,0.5\n1,0.25\n2,0.1\n3,0.")
    logger = keras.callbacks.CSVLogger(str(path))
    reopen_logs([logger], 2)
    assert logger.append
    assert path.read_text().split() == ["epoch,loss", "0,9", "1,8", "0,0.5", "1,0.25"]


def test_memory_stores_are_as_good(tmp_path):
    project = Project("memory://states", "p")
    assert isinstance(project.store, MemoryStore)
    place = StatePlace(project, project.paths.trial("0000").execution(0, 1))
    place.save(snapshot(4))
    assert place.load(tmp_path / "target")["epoch"] == 4
    assert project.store.list("trials/0000") == ["execution-0-retry-1"]


def test_a_trial_that_gets_on_may_be_killed_any_number_of_times(tmp_path):
    oracle = RandomSearchOracle("loss", max_trials=1, seed=0)
    oracle.attach(Project(str(tmp_path), "p"))
    trial = oracle.create_trial("a")
    place = StatePlace(oracle._project, oracle._project.paths.trial(trial.trial_id).execution(0))
    for epoch in range(1, 6):
        place.save(snapshot(epoch))
        assert oracle.lose_trial(trial.trial_id, "killed").status == "RUNNING"
        assert oracle.lose_trial(trial.trial_id, "killed again").losses == 1
    assert trial.tries == 11
    oracle.lose_trial(trial.trial_id, "killed")
    assert oracle.lose_trial(trial.trial_id, "killed").status == "FAILED"
    again = RandomSearchOracle("loss", max_trials=1, seed=0)
    again.attach(Project(str(tmp_path), "p"))
    assert again.trials[trial.trial_id].tries == trial.tries


def test_what_a_save_will_take_is_told_by_the_size_until_one_was_made():
    now = [0.0]
    schedule = CheckpointSchedule("auto", clock=lambda: now[0])
    schedule.begin(0, remote=False)
    now[0] = 1.0
    assert schedule.due(1)  # 20 ms of a second
    schedule.foresee(10**8, remote=False)  # the optimizer has its variables now: a second
    assert not schedule.due(1)
    now[0] = 35.0
    assert schedule.due(1)
    schedule.took(0.1)
    schedule.foresee(10**8, remote=False)
    assert schedule.due(1)  # as the last one took
