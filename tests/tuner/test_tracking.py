"""What other tools are told of a search."""

import re
import sqlite3
import subprocess
import sys

import pytest
from support import ROOT


@pytest.mark.story
def test_the_example_for_mlflow_tracks_each_trial_in_a_local_store(tmp_path):
    blocks = re.findall(r"```py\n(.*?)```", (ROOT / "docs/tracking.md").read_text(), re.DOTALL)
    example = next(block for block in blocks if "import mlflow" in block)
    subprocess.run([sys.executable, "-c", example], cwd=tmp_path, check=True)
    with sqlite3.connect(tmp_path / "mlflow.db") as store:
        params = store.execute("select key from params").fetchall()
        epochs = store.execute("select step from metrics where key = 'val_loss'").fetchall()
    assert params.count(("units",)) == 2
    assert sorted(epochs) == [(0,), (0,), (1,), (1,)]
