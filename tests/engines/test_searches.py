"""Searches whose only state lies on a real server of an object store."""

import json
import os
import signal
import threading
import time

import pytest
from support import ROOT, STUDIES, finish, wait_until

from tuner.journal.check import check
from tuner.journal.project import Project

STORES = ["seaweedfs_url", "gcs_url", "azure_url"]


@pytest.fixture(params=STORES)
def directory(request):
    return request.getfixturevalue(request.param).removesuffix("/project")


@pytest.fixture
def digits(tmp_path):
    """The example, with less to train."""
    study = tmp_path / "digits.py"
    text = (ROOT / "examples" / "digits.py").read_text()
    study.write_text(text.replace('"epochs": 8', '"epochs": 1').replace("16, 64", "2, 4"))
    return study


def results(directory, name):
    project = Project(directory, name)
    trials = project.store.list(project.paths.trials)
    return sum(project.store.exists(project.paths.trial(each).result) for each in trials)


# adlfs hands its blocks to aiohttp as they are.
@pytest.mark.filterwarnings("ignore:Sending a large body directly:ResourceWarning")
def test_a_search_is_killed_twice_and_loses_nothing(trialflow, directory, digits, tmp_path):
    words = ["search", digits, "--directory", directory, "--max-trials", 4, "--json"]
    env = dict(os.environ)
    env = {
        k: env[k] for k in env if k.startswith(("AWS_", "AZURE_", "STORAGE_", "FSSPEC", "GCSFS"))
    }
    ended = 0
    for _ in range(2):
        search = trialflow(*words, **env)
        wait_until(lambda before=ended: results(directory, "digits") > before, search)
        os.kill(search.pid, signal.SIGKILL)
        search.wait()
        ended = results(directory, "digits")
    last = json.loads(finish(trialflow(*words, **env)))
    assert (last["completed"], last["failed"]) == (4, 0)
    assert [path for path in tmp_path.iterdir() if path.name != "__pycache__"] == [digits]
    assert check(Project(directory, "digits")).damages == []


def test_of_three_searches_that_begin_at_once_one_goes_on(
    trialflow, seaweedfs_server, seaweedfs_url
):
    directory, env = seaweedfs_url.removesuffix("/project"), seaweedfs_server.environment
    words = ["search", STUDIES / "naps.py", "--directory", directory]
    began = [trialflow(*words, **env) for _ in range(3)]
    for search in began:
        search.communicate(timeout=280)
    assert sorted(search.returncode for search in began) == [0, 3, 3]
    history = check(Project(directory, "naps"))
    assert history.damages == []
    assert results(directory, "naps") == 8


def test_an_s3_server_that_is_away_for_15_seconds_loses_nothing(
    trialflow, seaweedfs_server, seaweedfs_url
):
    directory, env = seaweedfs_url.removesuffix("/project"), seaweedfs_server.environment
    words = ["search", STUDIES / "naps.py", "--directory", directory, "--slots", 2, "--json"]
    search = trialflow(*words, NAP_SECONDS="1", **env)
    wait_until(lambda: results(directory, "naps") >= 2, search)
    seaweedfs_server.kill()
    back = threading.Thread(target=lambda: (time.sleep(15), seaweedfs_server.start()))
    back.start()
    result = json.loads(finish(search))
    back.join()
    assert (result["completed"], result["failed"]) == (8, 0)
    assert check(Project(directory, "naps")).damages == []
