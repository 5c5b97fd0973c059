"""Other packages add oracles and stores of their own, as entry points."""

import pytest

from storage import open_store
from tuner import Objective
from tuner.oracles import ORACLES, create_oracle

THEIRS = """
from tuner.oracles import RandomSearchOracle
from storage.remote import MemoryStore

class Patient(RandomSearchOracle):
    "Random search, by another name."

class Attic(MemoryStore):
    def __init__(self, url, storage_options):
        self.given = dict(storage_options)
        super().__init__(url.replace("attic://", "memory://"), {})
"""

POINTS = """
[trialflow.oracles]
patient = theirs:Patient

[trialflow.stores]
attic = theirs:Attic
"""


@pytest.fixture
def installed(tmp_path, monkeypatch):
    (tmp_path / "theirs.py").write_text(THEIRS)
    info = tmp_path / "theirs-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: theirs\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(POINTS)
    monkeypatch.syspath_prepend(tmp_path)


def test_each_oracle_has_a_name():
    for name, kind in ORACLES.items():
        if name != "optuna":
            oracle = create_oracle(name, Objective("loss", "min"), seed=1)
            assert type(oracle) is kind
            assert oracle.seed == 1


@pytest.mark.usefixtures("installed")
def test_an_oracle_of_another_package_is_found_by_name():
    oracle = create_oracle("patient", Objective("loss", "min"), max_trials=3)
    assert type(oracle).__name__ == "Patient"
    assert oracle.max_trials == 3


@pytest.mark.usefixtures("installed")
def test_an_unknown_oracle_is_refused_with_the_names_there_are():
    with pytest.raises(ValueError, match=r"among .*bayesian, .*patient.*Received: name='magic'"):
        create_oracle("magic")


@pytest.mark.usefixtures("installed")
def test_a_store_of_another_package_is_found_by_its_protocol():
    store = open_store("attic://registries", shelf=3)
    assert type(store).__name__ == "Attic"
    assert store.given == {"shelf": 3}
    assert store.create("key", b"value")
    assert open_store("attic://registries").read("key") == b"value"
