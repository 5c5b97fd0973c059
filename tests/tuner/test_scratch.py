import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from storage.scratch import make_scratch, scratch_folder


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_what_a_killed_process_left_is_removed_and_what_a_live_one_has_stays(folder):
    script = (
        "import os; from storage.scratch import make_scratch;"
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


def test_a_folder_that_a_cleaner_has_deleted_is_made_again(folder, monkeypatch):
    supervisors = make_scratch()
    monkeypatch.setenv("TRIALFLOW_SCRATCH", str(supervisors))
    shutil.rmtree(folder)
    with scratch_folder() as own:
        assert Path(own).parent == supervisors
        assert stat.S_IMODE(supervisors.stat().st_mode) == 0o700
    monkeypatch.delenv("TRIALFLOW_SCRATCH")
    shutil.rmtree(folder)
    with scratch_folder() as own:
        assert Path(own).parent == folder


def test_a_folder_that_is_a_strangers_by_now_is_not_used(folder, monkeypatch):
    supervisors = make_scratch()
    supervisors.rmdir()
    elsewhere = folder / "elsewhere"
    elsewhere.mkdir()
    supervisors.symlink_to(elsewhere)
    monkeypatch.setenv("TRIALFLOW_SCRATCH", str(supervisors))
    with scratch_folder() as own:
        assert Path(own).parent == folder
