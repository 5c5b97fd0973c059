import subprocess
import sys
import textwrap

import pytest


@pytest.fixture
def start_python():
    """Starts Python programs that are gone when the test is over."""
    started = []

    def start(program, *arguments):
        command = [sys.executable, "-c", textwrap.dedent(program), *map(str, arguments)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


@pytest.fixture
def run_python(start_python):
    """Runs a Python program to its end, which must be a good one."""

    def run(program, *arguments):
        process = start_python(program, *arguments)
        assert process.wait() == 0
        return process

    return run
