"""A schedule fires on a real server, and its search ends."""

import signal

import psutil
import pytest
from support import STUDIES, wait_until

from flows.projects import open_project

pytestmark = pytest.mark.slow


def ended(folder):
    try:
        return open_project(str(folder)).history.end_reason
    except FileNotFoundError:
        return None


def test_a_search_is_served_at_its_time_until_the_command_is_stopped(trialflow, tmp_path):
    serving = trialflow(
        "serve", STUDIES / "naps.py", "--cron", "* * * * *", "--directory", "out", NAP_SECONDS="0"
    )
    # within a minute, and the time that a fresh process takes
    wait_until(lambda: ended(tmp_path / "out" / "naps"), serving, timeout=150)
    assert open_project(str(tmp_path / "out" / "naps")).history.completed == 8
    family = psutil.Process(serving.pid).children(recursive=True)
    serving.send_signal(signal.SIGTERM)
    out, err = serving.communicate(timeout=60)
    assert serving.returncode == 0, err
    assert "Searching" in out
    assert "Traceback" not in err
    assert "Warning" not in err
    assert psutil.wait_procs(family, timeout=10)[1] == []


def test_a_schedule_that_is_none_is_refused(trialflow):
    serving = trialflow("serve", STUDIES / "naps.py", "--cron", "at noon")
    _, err = serving.communicate(timeout=60)
    assert serving.returncode == 1
    assert err.startswith("Error: ")
    assert "at noon" in err
