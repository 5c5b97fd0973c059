"""What ARCHITECTURE.md and CONTRIBUTING.md say of the tree is so."""

import re
import shutil
import subprocess
import sys

import pytest
from support import ROOT
from test_layers import ROOMS

ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text()
FOLDERS = ("storage", "tuner", "tasks", "flows", "tests")


def paths():
    linked = re.findall(r"\]\(([^)#]+)\)", ARCHITECTURE)
    named = re.findall(rf"`((?:{'|'.join(FOLDERS)})/[\w/.]*)`", ARCHITECTURE)
    return sorted({*linked, *named})


@pytest.mark.parametrize("path", paths())
def test_each_file_that_is_named_is_there(path):
    assert (ROOT / path).exists()


def test_every_room_of_the_tuner_is_named_in_the_order_of_imports():
    rooms = re.findall(r"^\| `tuner/([a-z_]+)(?:/|\.py)`", ARCHITECTURE, re.MULTILINE)
    told = [room for room in ROOMS["tuner"] if room not in ("compat", "testing")]
    assert rooms == told


def test_every_target_that_is_named_is_in_the_makefile():
    targets = set(re.findall(r"make ([a-z.-]+)", CONTRIBUTING))
    makefile = (ROOT / "Makefile").read_text()
    assert len(targets) >= 4
    assert all(re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE) for target in targets)


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_file_passes_400_lines(folder):
    lengths = {path: len(path.read_text().splitlines()) for path in (ROOT / folder).rglob("*.py")}
    assert not {path: length for path, length in lengths.items() if length > 400}


@pytest.mark.story
def test_breaking_the_code_as_told_makes_the_named_test_fail(tmp_path):
    for name in ("storage", "tests"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (test,) = re.findall(r"-m pytest (tests/\S+)", CONTRIBUTING)
    (sed,) = re.findall(r"^(sed .*?\.py)", CONTRIBUTING, re.MULTILINE)
    words = [sys.executable, "-m", "pytest", "-q", "-x", "-m", "not story", test]
    run = lambda: subprocess.run(  # noqa: E731
        words,
        cwd=tmp_path,
        env={"PYTHONPATH": str(tmp_path), "PATH": "/usr/bin:/bin"},
        check=False,
        capture_output=True,
        text=True,
    )
    whole = run()
    assert whole.returncode == 0, whole.stdout
    subprocess.run(sed, shell=True, check=True, cwd=tmp_path)
    assert run().returncode == 1
