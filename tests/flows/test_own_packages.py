"""Modules of the user's with the names of our packages do no harm, or are told what to do."""

import json
import os
import subprocess
import sys

import pytest
from support import ROOT, STUDIES, finish, own_signals
from typer.testing import CliRunner

from flows.cli import app
from tuner.core.own_packages import OWN, hiding, import_own, python_of_ours

THEIRS = "raise RuntimeError('a module of the user was imported')\n"


@pytest.fixture
def crowded(tmp_path, monkeypatch):
    """A folder with a study, and with modules of our names but for `flows`."""
    for name in OWN:
        if name != "flows":
            (tmp_path / f"{name}.py").write_text(THEIRS)
    (tmp_path / "naps.py").write_text((STUDIES / "naps.py").read_text())
    monkeypatch.chdir(tmp_path)
    return tmp_path


def in_a_worker(code, folder):
    """Runs code as a worker of Prefect does: with the study's folder at the head of the path."""
    path = os.pathsep.join([str(folder), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    return run.stdout, run.stderr


def test_what_a_worker_imports_is_ours(crowded):
    code = "import flows.parameters, storage, tasks, tuner; print(storage.__file__, tasks.__file__)"
    out, err = in_a_worker(code, crowded)
    assert out.split() == [str(ROOT / "storage/__init__.py"), str(ROOT / "tasks/__init__.py")], err


def test_a_script_may_have_a_storage_py_beside_it(crowded):
    (crowded / "tuner.py").unlink()  # which the script itself imports
    out, err = in_a_worker("from tuner import RandomSearch; print(RandomSearch.__name__)", crowded)
    assert out == "RandomSearch\n", err


def test_a_module_that_was_imported_before_ours_is_named_with_what_to_do(tmp_path):
    (tmp_path / "storage.py").write_text("")
    _, err = in_a_worker("import storage, tuner", tmp_path)
    last = err.strip().splitlines()[-1]
    assert str(ROOT / "storage" / "__init__.py") in last
    assert f"Received: {tmp_path / 'storage.py'}" in last
    assert "Rename that file" in last


def test_a_process_of_ours_starts_as_ever_where_nothing_is_in_the_way(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    env = {"PYTHONPATH": str(tmp_path), "OTHER": "1"}
    assert python_of_ours(env) == ([sys.executable], env)
    (tmp_path / "tasks.py").write_text(THEIRS)
    words, changed = python_of_ours(env)
    assert words == [sys.executable, "-P"]
    assert changed["PYTHONPATH"].split(os.pathsep) == [str(ROOT), str(tmp_path), str(tmp_path)]
    assert changed["OTHER"] == "1"


def test_our_own_packages_are_in_nobodys_way():
    assert [hiding(ROOT, name) for name in OWN] == [None] * len(OWN)
    before = {name: sys.modules[name] for name in OWN}
    import_own()
    assert {name: sys.modules[name] for name in OWN} == before


@pytest.mark.story
def test_a_search_runs_in_a_folder_with_modules_of_our_names(crowded, command_line):
    """With a server and training processes of its own."""
    words = ["search", "naps.py", "--max-trials", 2, "--json"]
    # The command that is installed does not have the folder on its path, `python -m` has.
    search = command_line(*words, NAP_SECONDS="0", PYTHONSAFEPATH="1", PYTHONPATH=str(crowded))
    assert json.loads(finish(search))["completed"] == 2


@pytest.mark.parametrize("command", [["deploy"], ["serve", "--cron", "0 2 * * *"]])
def test_a_folder_with_a_flows_py_is_refused_before_anything_is_started(crowded, command):
    (crowded / "flows.py").write_text(THEIRS)
    with own_signals():
        result = CliRunner().invoke(app, [*command, "naps.py"])
    assert result.exit_code == 1
    assert f"Received: {crowded / 'flows.py'}" in result.output
    assert "Rename that file" in result.output
