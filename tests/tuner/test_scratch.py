import os
import subprocess
import sys
import tempfile

import pytest

from tuner.training.scratch import make_scratch


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_what_a_killed_process_left_is_removed_and_what_a_live_one_has_stays(folder):
    script = (
        "import os; from tuner.training.scratch import make_scratch;"
        "print(make_scratch()); os.kill(os.getpid(), 9)"
    )
    env = {**os.environ, "TMPDIR": str(folder)}
    run = subprocess.run(
        [sys.executable, "-uc", script], env=env, capture_output=True, text=True, check=False
    )
    left = run.stdout.strip()
    assert os.path.isdir(left)  # noqa: PTH112
    strangers = [folder / "trialflow-mine", folder / "trialflow-0-1-elsewhere"]
    for stranger in strangers:
        stranger.mkdir()
    mine = make_scratch()
    assert sorted(folder.iterdir()) == sorted([mine, *strangers])
    second = make_scratch()
    assert mine.exists()
    assert second != mine
