"""Amounts of memory, said and measured."""

import os

import pytest

from tasks.hardware import memory
from tasks.hardware.memory import MemoryGauge, format_bytes, parse_bytes
from tasks.process.watchdog import TrialLimits


@pytest.mark.parametrize(
    ("text", "amount"),
    [("1", 1), ("800MB", 800_000_000), ("1.5 GiB", 3 * 2**29), ("6g", 6 * 10**9), ("2Ki", 2048)],
)
def test_amounts_are_read_as_people_write_them(text, amount):
    assert parse_bytes(text) == amount


@pytest.mark.parametrize("text", ["", "lots", "-3MB", "0", "6 GX", "1.2.3MB"])
def test_what_is_no_amount_is_refused(text):
    with pytest.raises(ValueError, match="such as 800MB"):
        parse_bytes(text)


def test_amounts_are_shown_as_people_read_them():
    assert [format_bytes(n) for n in (500, 1_500_000, 2_341_000_000)] == [
        "500 bytes",
        "1.5 MB",
        "2.34 GB",
    ]


def test_a_process_is_measured_with_what_it_allocates():
    gauge = MemoryGauge(os.getpid())
    before = gauge.resident()
    held = bytearray(os.urandom(1000) * 50_000)
    assert gauge.resident() - before > 40_000_000
    assert gauge.exceeds(before + 10**12) is None
    assert gauge.exceeds(1_000_000) > 40_000_000
    del held
    assert MemoryGauge(2**22 + 1).resident() == 0


def test_a_limit_that_cannot_be_watched_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "PROC", tmp_path)
    assert memory.available() is None
    assert memory.oom_kills() == 0
    memory.offer_to_kernel()
    with pytest.raises(ValueError, match="memory_limit=6 GB"):
        TrialLimits(memory=6 * 10**9)
