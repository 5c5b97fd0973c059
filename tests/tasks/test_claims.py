"""GPUs of a host, shared by processes that do not know of each other."""

import subprocess
import sys

import pytest

from tasks.hardware.claims import claim_gpus

FOUR = {"CUDA_VISIBLE_DEVICES": "0,1,2,3"}

HOLD = """
import sys
from pathlib import Path
from tasks.hardware.claims import claim_gpus
with claim_gpus(1, {"CUDA_VISIBLE_DEVICES": "0,1,2,3"}, Path(sys.argv[1])) as placement:
    print(placement.devices, flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def hold(tmp_path):
    """Starts processes that hold a GPU each, until they are killed."""
    started = []

    def start():
        pipe = subprocess.PIPE
        process = subprocess.Popen(
            [sys.executable, "-c", HOLD, str(tmp_path)], stdin=pipe, stdout=pipe, text=True
        )
        started.append(process)
        return process, process.stdout.readline().strip()

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def test_each_agent_of_a_host_has_a_gpu_that_no_other_has(hold, tmp_path):
    first, one = hold()
    _, two = hold()
    assert {one, two} == {"0", "1"}
    with claim_gpus(2, FOUR, tmp_path) as placement:
        assert placement.devices == "2,3"
        with (
            pytest.raises(ValueError, match=r"4 GPUs to be free.*Received: 0"),
            claim_gpus(1, FOUR, tmp_path),
        ):
            pass
    first.kill()  # however it ends, what it held is free
    first.wait()
    with claim_gpus(1, FOUR, tmp_path) as placement:
        assert placement.devices == one


def test_without_gpus_there_is_nothing_to_claim(tmp_path):
    with claim_gpus(1, {"CUDA_VISIBLE_DEVICES": ""}, tmp_path) as placement:
        assert placement.devices == ""
    assert not list(tmp_path.iterdir())


def test_too_few_free_gpus_leave_those_there_are_to_others(hold, tmp_path):
    for _ in range(3):
        hold()
    with pytest.raises(ValueError, match="Received: 1"), claim_gpus(2, FOUR, tmp_path):
        pass
    _, last = hold()
    assert last == "3"
