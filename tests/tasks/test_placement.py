"""Which slot gets which GPU, up to what its child sees."""

import json
import os
import sys
import types

import pytest

from tasks.hardware import gpus, placement
from tasks.hardware.gpus import Gpu, visible_gpus
from tasks.hardware.placement import Placement, place_slots
from tasks.messages import Run
from tasks.process.local_slots import LocalSlots

STUDY = """
import json, os, sys
from tuner import BaseTuner
from tuner.oracles import RandomSearchOracle

class T(BaseTuner):
    def run_trial(self, trial):
        names = ("CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER", "TRIALFLOW_GPU_SHARE")
        print(json.dumps([os.environ.get(name) for name in names]))
        print(os.environ["SEEN_AT_IMPORT"])
        return 1.0

def build_tuner(**project):
    return T(RandomSearchOracle(), **project)
"""

SEES = "import os\nos.environ['SEEN_AT_IMPORT'] = os.environ.get('CUDA_VISIBLE_DEVICES', 'nothing')"


class FakeNvml(types.ModuleType):
    """The management library of a machine with two GPUs of 80 GB and one split into two."""

    NVML_DEVICE_MIG_ENABLE = 1

    class NVMLError(Exception):
        pass

    def nvmlInit(self):
        pass

    def nvmlShutdown(self):
        pass

    def nvmlDeviceGetCount(self):
        return 3

    def nvmlDeviceGetHandleByIndex(self, number):
        return number

    def nvmlDeviceGetMigMode(self, handle):
        if handle == 0:
            raise self.NVMLError
        return (int(handle == 2), 0)

    def nvmlDeviceGetMemoryInfo(self, handle):
        return types.SimpleNamespace(total=80 if isinstance(handle, int) else 40)

    def nvmlDeviceGetMaxMigDeviceCount(self, handle):
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle, position):
        if position > 1:
            raise self.NVMLError
        return f"mig{position}"

    def nvmlDeviceGetUUID(self, handle):
        return f"MIG-{handle[3:]}"


@pytest.fixture
def three_gpus(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", FakeNvml("pynvml"))


def devices(places):
    return [place.devices for place in places]


@pytest.mark.usefixtures("three_gpus")
@pytest.mark.parametrize(
    ("outer", "expected"),
    [
        (None, [Gpu("0", 80), Gpu("1", 80), Gpu("MIG-0", 40), Gpu("MIG-1", 40)]),
        ("1,0", [Gpu("1", 80), Gpu("0", 80)]),
        ("MIG-1", [Gpu("MIG-1", 40)]),
        ("GPU-abc,1", [Gpu("GPU-abc"), Gpu("1", 80)]),
        ("1,-1,0", [Gpu("1", 80)]),
        ("-1", []),
        ("", []),
    ],
)
def test_the_visible_gpus_are_those_of_an_outer_setting_in_its_order(outer, expected):
    environ = {} if outer is None else {"CUDA_VISIBLE_DEVICES": outer}
    assert visible_gpus(environ) == expected


def test_without_a_driver_there_is_no_gpu():
    assert visible_gpus({}) == []


@pytest.mark.usefixtures("three_gpus")
@pytest.mark.parametrize(
    ("asked", "outer", "expected"),
    [
        ({"slots": "auto"}, None, ["0", "1", "MIG-0", "MIG-1"]),
        ({}, None, ["0"]),
        ({"slots": 3}, "1,0", ["1", "0", "1"]),
        ({"gpus": "0,2"}, None, ["0", "MIG-0"]),
        ({"gpus": "1"}, "4,5,6", ["5"]),
        ({"gpus": "MIG-1"}, None, ["MIG-1"]),
        ({"gpus": "0,1", "trials_per_gpu": 2}, None, ["0", "1", "0", "1"]),
        ({"gpus": "0,1", "trials_per_gpu": 2, "slots": 3}, None, ["0", "1", "0"]),
        ({"gpus_per_trial": 2}, "4,5,6,7", ["4,5", "6,7"]),
        ({"slots": "auto"}, "GPU-a,MIG-b", ["GPU-a", "MIG-b"]),
    ],
)
def test_slots_are_spread_over_the_gpus_that_were_asked_for(asked, outer, expected):
    environ = {} if outer is None else {"CUDA_VISIBLE_DEVICES": outer}
    assert devices(place_slots(**asked, environ=environ)) == expected


@pytest.mark.usefixtures("three_gpus")
def test_slots_that_share_a_gpu_share_its_memory():
    one, *_ = place_slots(gpus="0", trials_per_gpu=3, environ={})
    assert one.share == pytest.approx(0.3)
    assert one.memory == 24
    assert one.env["XLA_PYTHON_CLIENT_MEM_FRACTION"] == "0.3000"
    alone, *_ = place_slots(gpus="0", environ={})
    assert alone.env == {"CUDA_VISIBLE_DEVICES": "0", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    outer = {"CUDA_VISIBLE_DEVICES": "3"}
    assert place_slots("auto", environ=outer)[0].env == outer  # the user's numbers keep their order


@pytest.mark.usefixtures("three_gpus")
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"gpus": "7"}, r"gpus='7'"),
        ({"gpus": "0,0"}, r"different GPUs"),
        ({"gpus_per_trial": 2, "trials_per_gpu": 2}, "both"),
        ({"gpus": "0,1", "gpus_per_trial": 3}, "at most 2"),
        ({"gpus_per_trial": 2}, "whole GPUs"),
        ({"gpus": "0", "trials_per_gpu": 2, "slots": 5}, "slots=5"),
    ],
)
def test_what_does_not_fit_together_is_refused(asked, words):
    with pytest.raises(ValueError, match=words):
        place_slots(**asked, environ={})


def test_without_a_gpu_slots_come_from_the_processors_and_gpus_are_refused(monkeypatch):
    monkeypatch.setattr(placement, "processors", lambda: 64)
    monkeypatch.setattr(placement.memory, "available", lambda: 6_000_000_000)
    assert place_slots("auto", environ={}) == [Placement()] * 4
    assert place_slots(environ={}) == [Placement()]
    with pytest.raises(ValueError, match="none is visible"):
        place_slots(trials_per_gpu=2, environ={})
    # nobody can tell which GPUs there are: whoever names them is believed
    assert devices(place_slots(gpus="0,2", environ={})) == ["0", "2"]
    environ = {}
    gpus.hide_gpus(environ)
    assert environ == {"CUDA_VISIBLE_DEVICES": "-1"}


@pytest.mark.parametrize("outer", [None, "5,6,7"])
def test_a_child_and_all_it_imports_sees_its_own_gpu_whatever_its_parent_sees(
    tmp_path, monkeypatch, outer
):
    (tmp_path / "study.py").write_text(STUDY)
    (tmp_path / "sees.py").write_text(SEES)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if outer is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", outer)
    places = place_slots(gpus="0,2" if outer is None else "1,2", trials_per_gpu=1)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "-1")  # as the search hides them from itself
    project = {"directory": str(tmp_path), "project_name": "p"}
    setup = {"study": str(tmp_path / "study.py"), "project": project}
    trial = {"hyperparameters": {"space": [], "values": {}}, "metrics": {"metrics": {}}}
    seen = []
    with LocalSlots(places, setup, ("sees",)) as slots, slots.lease() as one, slots.lease() as two:
        for slot in (one, two):
            state = {**trial, "trial_id": slot.name * 4, "status": "RUNNING"}
            slot.ask(Run(state), lambda message: None, seen.append)
            slot.end()
    order = None if outer else "PCI_BUS_ID"
    first, second = ("0", "2") if outer is None else ("6", "7")
    assert [json.loads(seen[0]), seen[1]] == [[first, order, None], first]
    assert [json.loads(seen[2]), seen[3]] == [[second, order, None], second]
    assert os.environ["CUDA_VISIBLE_DEVICES"] == "-1"
