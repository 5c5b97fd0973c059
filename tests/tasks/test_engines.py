"""Engines are found by name; `--engine` and the flow look nowhere else."""

from importlib.metadata import EntryPoint

import pytest
from typer.testing import CliRunner

from flows.cli import app
from tasks import engines
from tasks.dask.address import scheduler_address
from tasks.engines import SlotsOrder, check_engine, create_slots
from tasks.hardware.placement import Placement
from tasks.process.local_slots import LocalSlots
from tasks.process.watchdog import TrialLimits
from tuner.journal.project import Project


def order(engine, tmp_path):
    return SlotsOrder(
        engine=engine,
        setup={"study": __file__},
        project=Project(tmp_path, "project"),
        preload=(),
        limits=TrialLimits(),
        places=lambda: [Placement()] * 3,
    )


def made_elsewhere(order):
    """What a package of somebody else's names as its entry point."""
    return ("slots", order.address)


def test_an_engine_of_ours_is_found_by_its_name(tmp_path):
    slots = create_slots(order("local", tmp_path))
    assert isinstance(slots, LocalSlots)
    assert slots.count == 3


@pytest.mark.parametrize(
    ("engine", "address"),
    [
        ("dask://host:8786", "tcp://host:8786"),
        ("tcp://host:8786", "tcp://host:8786"),
        ("dask+tls://host:8786", "tls://host:8786"),
        ("tls://host:8786", "tls://host:8786"),
    ],
)
def test_an_engine_of_dask_speaks_to_its_scheduler_as_its_name_says(engine, address, tmp_path):
    pytest.importorskip("distributed")
    slots = create_slots(order(engine, tmp_path))
    assert slots.cluster.address == scheduler_address(engine) == address


def test_an_engine_of_another_package_is_found_by_its_entry_point(tmp_path, monkeypatch):
    point = EntryPoint("mine", f"{__name__}:made_elsewhere", engines.GROUP)
    monkeypatch.setattr(EntryPoint, "load", lambda self: made_elsewhere)
    monkeypatch.setattr(engines, "entry_points", lambda group: [point])
    assert create_slots(order("mine:rack 4", tmp_path)) == ("slots", "rack 4")
    assert check_engine("mine") == "mine"


def test_an_engine_that_is_not_there_is_refused_and_those_that_are_listed(tmp_path):
    with pytest.raises(
        ValueError, match=r"among dask, dask\+tls, local, prefect.*engine='slurm:a'"
    ):
        create_slots(order("slurm:a", tmp_path))
    told = CliRunner().invoke(app, ["search", __file__, "--engine", "slurm"])
    assert told.exit_code == 2
    assert "engine='slurm'" in told.output.replace("\n", " ").replace("│", "")
