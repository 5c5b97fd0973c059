"""A search on machines with networks of their own, one of which is cut off and comes back."""

import json
import subprocess

import pytest
from servers.dask_cluster import Cluster
from servers.namespaces import Network
from support import STUDIES, finish, wait_until

pytest.importorskip("distributed")
pytestmark = pytest.mark.story


@pytest.fixture
def network():
    """Two machines on one network, which not every host lets us make."""
    network = Network()
    try:
        network.build(machines=2)
    except (OSError, subprocess.CalledProcessError) as error:
        network.close()
        pytest.skip(f"no network namespaces here: {getattr(error, 'stderr', error)}")
    yield network
    network.close()


@pytest.fixture
def cluster(network, environment, tmp_path):
    folder = tmp_path / "cluster"
    folder.mkdir()
    traces = tmp_path / "traces"
    traces.mkdir()
    cluster = Cluster(folder, {**environment, "NAP_TRACES": str(traces)}, network.address)
    cluster.start_scheduler()
    yield cluster
    cluster.stop()


def test_a_machine_that_is_cut_off_lives_on_and_its_trial_is_told_once(
    trialflow, network, cluster, tmp_path
):
    alone, spare = network.machines
    traces = tmp_path / "traces"
    morning = tmp_path / "morning"
    cluster.start_worker("alone", machine=alone, NAP_SECONDS="0", NAP_UNTIL=str(morning))
    engine = ["--engine", f"dask://{cluster.address}"]
    search = trialflow("search", STUDIES / "naps.py", *engine, "--max-trials", 2, "--json")
    wait_until(lambda: list(traces.glob("run-0000-*")), search)
    network.pull(alone)
    cluster.start_worker("spare", machine=spare, NAP_SECONDS="0")
    result_file = tmp_path / "results/naps/trials/0000/result.json"
    wait_until(result_file.exists, search)
    told = result_file.read_bytes()
    assert len(list(traces.glob("run-0000-*"))) == 2
    # Both processes live: the one that is cut off ends the same trial now, and is not heard.
    morning.touch()
    wait_until(lambda: len(list(traces.glob("woke-0000-*"))) == 2)
    network.plug_in(alone)
    result = json.loads(finish(search))
    assert (result["completed"], result["failed"]) == (2, 0)
    assert result_file.read_bytes() == told
    found = json.loads(finish(trialflow("trials", "results/naps", "--json")))
    assert [trial["tries"] for trial in found["trials"]] == [1, 1]
