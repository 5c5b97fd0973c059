"""Programs written for Keras Tuner run here as they are."""

import importlib.util
import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.story

HERE = Path(__file__).parent
PROGRAMS = HERE / "programs"

GROUPS = {
    "documentation": ["guide_*", "tutorial_*"],
    "wild": ["wild_*", "wild_resume*"],  # what resumes runs twice
}
"""The programs of a group share a process."""

NEEDED = {"guide_visualize_tuning": "tensorboard"}
"""What a program imports, or has Keras import, and need not be installed."""


def programs_of(group):
    return [path for pattern in GROUPS[group] for path in sorted(PROGRAMS.glob(f"{pattern}.py"))]


@pytest.fixture(scope="module")
def reports(environment, tmp_path_factory):
    """What became of a group's programs, each run once."""
    known = {}

    def run(group):
        if group not in known:
            folder = tmp_path_factory.mktemp(group)
            done = subprocess.run(
                [sys.executable, str(HERE / "runner.py"), str(folder), *programs_of(group)],
                env={**environment, "TF_CPP_MIN_LOG_LEVEL": "3"},
                capture_output=True,
                text=True,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            known[group] = [json.loads(line) for line in done.stdout.splitlines()]
        return known[group]

    return run


def test_every_program_is_in_a_group():
    listed = {path for group in GROUPS for path in programs_of(group)}
    assert listed == set(PROGRAMS.glob("*.py"))


@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("group", "program"),
    [(group, path.stem) for group in GROUPS for path in dict.fromkeys(programs_of(group))],
)
def test_a_program_written_for_keras_tuner_runs_as_it_is(group, program, reports):
    needed = NEEDED.get(program)
    if needed and importlib.util.find_spec(needed) is None:
        pytest.skip(f"needs {needed}")
    for report in reports(group):
        if report["program"] == program:
            assert report["error"] is None, f"{report['error']}\n{report['printed']}"
            assert report["printed"].rstrip().endswith("OK")
