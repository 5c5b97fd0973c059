import subprocess
import sys
import textwrap

import pytest


@pytest.fixture
def start_python():
    """Starts Python programs that are gone when the test is over."""
    started = []

    def start(program, *arguments, prefix=()):
        command = [*prefix, sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, stdin=pipe, stdout=pipe, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


@pytest.fixture
def run_python(start_python):
    """Runs a Python program to its end, which must be a good one."""

    def run(program, *arguments, prefix=()):
        process = start_python(program, *arguments, prefix=prefix)
        assert process.wait() == 0
        return process

    return run


@pytest.fixture(params=["local", pytest.param("s3", marks=pytest.mark.story)])
def url(request, tmp_path):
    """An empty place that several processes can reach."""
    return tmp_path / "project" if request.param == "local" else request.getfixturevalue("s3_url")
