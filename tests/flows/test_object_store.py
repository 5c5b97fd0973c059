"""A search whose only state lies on an object store."""

import json
import os
import signal

import numpy as np
import pytest
from support import ROOT, finish, wait_until

from tuner import load_best_models
from tuner.journal.check import check
from tuner.journal.project import Project

pytestmark = pytest.mark.story


def test_a_search_on_s3_is_killed_twice_resumed_and_its_best_model_loaded_by_url(
    trialflow, s3_url, s3_server, tmp_path, monkeypatch
):
    directory = s3_url.removesuffix("/project")
    env = s3_server.environment
    study = tmp_path / "digits.py"
    # The example, with less to train.
    text = (ROOT / "examples" / "digits.py").read_text()
    study.write_text(text.replace('"epochs": 8', '"epochs": 1').replace("16, 64", "2, 4"))
    words = ["search", study, "--directory", directory, "--max-trials", 4, "--json"]

    def results():
        # Written, not asked for: a trial that is tried again looks for what it left behind.
        asked = s3_server.requests("/digits/trials/")
        written = {path for method, path, _ in asked if method == "PUT"}
        return sum(path.endswith("/result.json") for path in written)

    ended = 0
    for _ in range(2):
        search = trialflow(*words, **env)
        wait_until(lambda before=ended: results() > before, search)
        os.kill(search.pid, signal.SIGKILL)
        search.wait()
        ended = results()
    last = json.loads(finish(trialflow(*words, **env)))
    assert (last["completed"], last["failed"]) == (4, 0)
    assert 1 <= last["trained"] <= 3
    assert [path for path in tmp_path.iterdir() if path.name != "__pycache__"] == [study]

    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    model = load_best_models(f"{directory}/digits")[0]
    assert model.predict(np.zeros((2, 8, 8, 1)), verbose=0).shape == (2, 10)
    assert model.optimizer.iterations.numpy() > 0
    assert check(Project.at(f"{directory}/digits")).damages == []
