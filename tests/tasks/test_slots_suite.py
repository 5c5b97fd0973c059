"""What every kind of slots must do: the suite of fakes and of real processes alike."""

import threading

import pytest
from fakes import FakeSlots
from servers.dask_cluster import Cluster
from support import wait_until

from tasks.messages import Declared, Discover, Ended, EpochReport, Fatal, Run
from tasks.process.local_slots import LocalSlots
from tasks.slots import ChildLostError, SearchStoppedError
from tuner.core.outcome import Outcome
from tuner.oracles import RandomSearchOracle

LONG = 3000
"""Epochs of a trial that is to be ended early: half a minute."""

STUDY = (
    f"LONG = {LONG}"
    """
import os, time
from pathlib import Path
from tuner import BaseTuner, HyperParameters
from tuner.oracles import RandomSearchOracle

HERE = Path(__file__).parent
if (HERE / "broken").exists():
    import nowhere_to_be_found

class T(BaseTuner):
    end_process = staticmethod(lambda: os._exit(7))

    def run_trial(self, trial):
        trial.hyperparameters.Int("x", 1, 3)
        how = trial.trial_id
        print("this is", how)
        if how == "ends" and not (HERE / "ended").exists():
            (HERE / "ended").touch()
            self.end_process()
        for epoch in range(LONG if how == "long" else 10):
            time.sleep(0.01 if how == "long" else 0)
            if self.oracle.report_epoch(how, epoch, {"loss": float(epoch)}) is not None:
                break
        while how == "waits":
            (HERE / "waits").touch()
            self.oracle.check_not_interrupted()
            time.sleep(0.01)
        return 10.0 + epoch

def build_tuner(**project):
    space = HyperParameters()
    space.Int("x", 1, 3)
    return T(RandomSearchOracle(hyperparameters=space), **project)
"""
)


@pytest.fixture
def setup(tmp_path):
    study = tmp_path / "study.py"
    study.write_text(STUDY)
    return {
        "study": str(study),
        "project": {"directory": str(tmp_path), "project_name": "p"},
    }


def run(slot, trial_id, on_report=lambda _: None, emit=print):
    space = {"space": [], "values": {}}
    state = {"trial_id": trial_id, "hyperparameters": space, "metrics": {"metrics": {}}}
    return slot.ask(Run({**state, "status": "RUNNING"}), on_report, emit)


class SlotsSuite:
    """Laws of `tasks.slots.Slots`; a subclass has a fixture `slots`, of two."""

    def test_it_finds_the_space(self, slots):
        with slots, slots.lease() as slot:
            answer = slot.ask(Discover(), print, print)
        assert isinstance(answer, Declared)
        assert [each["config"]["name"] for each in answer.space["space"]] == ["x"]

    def test_a_trial_ends_with_its_result_in_the_project(self, slots, tmp_path):
        lines = []
        with slots, slots.lease() as slot:
            answer = run(slot, "0000", emit=lines.append)
        assert isinstance(answer, Ended)
        assert answer.trial["status"] == "COMPLETED"
        assert (tmp_path / "p/trials/0000/result.json").exists()
        assert "this is 0000" in lines

    def test_reports_come_in_order_and_what_is_answered_ends_the_trial(self, slots):
        told = []

        def take(report):
            if isinstance(report, EpochReport):
                told.append(report.epoch)
            return "enough" if len(told) >= 3 else None

        with slots, slots.lease() as slot:
            answer = run(slot, "long", take)
        assert told[:3] == [0, 1, 2]
        assert told == sorted(told)
        measured = answer.trial["metrics"]["metrics"]["default_objective"]
        (last,) = measured["observations"][0]["value"]
        assert 12.0 <= last < 10.0 + LONG - 1

    def test_a_process_that_ends_is_told_by_name_and_the_slot_goes_on(self, slots):
        with slots, slots.lease() as slot:
            with pytest.raises(ChildLostError) as lost:
                run(slot, "ends")
            assert lost.value.outcome is Outcome.EXITED
            assert not lost.value.hopeless
            assert isinstance(run(slot, "ends"), Ended)

    def test_a_study_that_cannot_work_is_told_as_such(self, slots, tmp_path):
        (tmp_path / "broken").touch()
        with slots, slots.lease() as slot:
            answer = run(slot, "0000")
        assert isinstance(answer, Fatal)
        assert "nowhere_to_be_found" in answer.message

    def test_stopping_interrupts_a_trial_and_frees_those_who_wait_for_a_slot(self, slots, tmp_path):
        stopped = []

        def take(trial_id):
            with pytest.raises(SearchStoppedError), slots.lease() as slot:
                run(slot, trial_id)
            stopped.append(trial_id)

        with slots:
            names = ["waits", *(["waits"] * 2)]
            threads = [threading.Thread(target=take, args=(name,)) for name in names]
            for thread in threads:
                thread.start()
            wait_until((tmp_path / "waits").exists)
            slots.stop()
            for thread in threads:
                thread.join()
        assert stopped == names

    def test_no_more_trials_run_at_once_than_there_are_slots(self, slots):
        with slots, slots.lease() as first, slots.lease() as second:
            assert first is not second
            wait_until(lambda: slots.count == 2)


class TestFakeSlots(SlotsSuite):
    @pytest.fixture
    def slots(self, setup, tmp_path):
        ends = STUDY.replace("lambda: os._exit(7)", "end_process")
        (tmp_path / "study.py").write_text(f"from fakes import end_process\n{ends}")
        return FakeSlots(setup, 2)


@pytest.mark.story
class TestLocalSlots(SlotsSuite):
    @pytest.fixture
    def slots(self, setup):
        return LocalSlots(2, setup)


@pytest.mark.story
class TestDaskSlots(SlotsSuite):
    @pytest.fixture
    def slots(self, setup, environment, tmp_path):
        pytest.importorskip("distributed")
        from tasks.dask.slots import DaskSlots
        from tuner.journal.project import Project

        folder = tmp_path / "cluster"
        folder.mkdir()
        cluster = Cluster(folder, environment)
        cluster.start_scheduler()
        for name in ("one", "two"):
            cluster.start_worker(name)
        project = Project(tmp_path, "p")
        oracle = RandomSearchOracle()
        oracle.attach(project)
        oracle.start()  # workers look whether they see it
        yield DaskSlots(f"dask://{cluster.address}", setup, project)
        oracle.stop()
        cluster.stop()
