"""Whatever a trial does to its process, it ends with a named outcome, and the search goes on."""

import json
import re
import signal
import time

import psutil
import pytest
from support import STUDIES, finish, output_of, wait_for_end_of, wait_until

pytestmark = pytest.mark.story

LIMITS = ["--memory-limit", "250MB", "--stall-timeout", "2", "--trial-timeout", "4"]


def test_trials_that_come_to_grief_harm_nobody_else(trialflow, tmp_path):
    study = STUDIES / "troubles.py"
    result = json.loads(finish(trialflow("search", study, "--slots", 2, "--json", *LIMITS)))
    status = json.loads(finish(trialflow("status", "results/troubles", "--json")))
    found = [(t["status"], t["outcome"], t["tries"]) for t in status["trials"]]
    crashed, exited, sysexit, memory, helper, _, stalled, timed, numpy = found[1:10]
    assert [f[0] for f in found].count("COMPLETED") == result["completed"] == 3
    assert found[0][0] == found[6][0] == found[10][0] == "COMPLETED"
    assert crashed == ("FAILED", "crashed", 3)
    assert exited == sysexit == ("FAILED", "exited", 3)
    assert memory[:2] == helper[:2] == ("FAILED", "out of memory")
    assert memory[2] <= 2  # in a process that others have used, and in one of its own
    assert helper[2] <= 2
    assert stalled == ("FAILED", "stalled", 3)
    assert timed == ("FAILED", "timed out", 1)
    assert numpy[:2] == ("FAILED", "out of memory")
    assert numpy[2] <= 2
    messages = [t["message"] or "" for t in status["trials"]]
    assert "SIGSEGV" in messages[1]
    assert "status 3" in messages[2]
    assert "--memory-limit (250 MB)" in messages[4]
    assert "smaller batches" in messages[4]
    assert "--stall-timeout (2 s)" in messages[7]
    assert "--trial-timeout (4 s)" in messages[8]
    assert "smaller batches" in messages[9]
    logs = [(tmp_path / f"results/troubles/trials/{n:04d}/log.txt").read_text() for n in range(11)]
    assert "Segmentation fault" in logs[1]
    assert re.search(r'troubles.py", line \d+ in stand_still_here', logs[7])
    assert re.search(r'troubles.py", line \d+ in talk_for_ever', logs[8])
    # each trial that ended a process left the next one a fresh one
    processes = [re.findall(r"(?m)^process (\d+)", log) for log in logs]
    lost = [pid for pids, f in zip(processes, found, strict=True) if f[1] for pid in pids]
    assert len(set(lost)) == len(lost)
    helper = re.search(r"helper (\d+)", logs[6])
    assert helper is None or not psutil.pid_exists(int(helper[1]))


def test_a_trial_that_gets_on_may_be_lost_any_number_of_times(trialflow, tmp_path):
    words = ["search", STUDIES / "lossy.py", "--json"]
    result = json.loads(finish(trialflow(*words, LOSSES=str(tmp_path))))
    assert (result["completed"], result["failed"]) == (2, 0)
    status = json.loads(finish(trialflow("status", "results/lossy", "--json")))
    assert [t["tries"] for t in status["trials"]] == [7, 1]


@pytest.mark.parametrize(("grace", "epochs"), [("30", 2), ("0", 1)])
def test_a_search_that_is_stopped_lets_trials_end_their_epoch_within_the_grace(
    trialflow, tmp_path, grace, epochs
):
    words = ["search", STUDIES / "epochs.py", "--slots", 2, "--grace", grace]
    search = trialflow(*words, EPOCH_SECONDS="1.5", EPOCH_TRACES=str(tmp_path))
    wait_until(lambda: len(list(tmp_path.glob("trial-*-epoch-0"))) == 2, search)
    time.sleep(0.3)
    children = psutil.Process(search.pid).children(recursive=True)
    search.send_signal(signal.SIGTERM)
    _, err = output_of(search)
    assert search.returncode == 143, err
    assert len(list(tmp_path.glob("trial-*-epoch-*"))) == 2 * epochs
    wait_for_end_of(children)
    stopped = json.loads(finish(trialflow("status", "results/epochs", "--json")))
    assert [t["tries"] for t in stopped["trials"]] == [1, 1]


def test_trials_that_will_not_be_among_the_best_are_stopped_and_count(trialflow, tmp_path):
    words = ["search", STUDIES / "epochs.py", "--stop-policy", "median", "--json"]
    result = json.loads(finish(trialflow(*words, EPOCH_TRACES=str(tmp_path))))
    assert (result["completed"], result["failed"]) == (8, 0)
    trained = {n: len(list(tmp_path.glob(f"trial-{n:04d}-epoch-*"))) for n in range(8)}
    assert {trained[n] for n in range(5)} == {20}  # nobody is judged by fewer than five
    assert min(trained.values()) < 20
    assert trained[int(result["best"]["trial_id"])] == 20
    stopped = min(trained, key=trained.get)
    log = (tmp_path / f"results/epochs/trials/{stopped:04d}/log.txt").read_text()
    assert "worse than the median of" in log


def test_a_run_that_is_cancelled_in_prefect_stops_and_the_command_goes_on(
    trialflow, prefect_server, tmp_path, environment, monkeypatch
):
    monkeypatch.setenv("PREFECT_API_URL", f"{prefect_server}/api")
    search = trialflow(
        "search", STUDIES / "naps.py", "--project-name", "cancelled-one", NAP_SECONDS="60"
    )
    journal = tmp_path / "results" / "cancelled-one" / "journal"
    wait_until(lambda: len(list(journal.rglob("*.json"))) >= 2, search)
    _cancel(f"{prefect_server}/api", "cancelled-one")
    _, err = output_of(search)
    assert search.returncode == 130, err
    assert "Cancelled. To go on: trialflow search" in err
    assert not (tmp_path / "results/cancelled-one/lease.json").exists()
    assert _states(f"{prefect_server}/api", "cancelled-one") == ["CANCELLED"]


def _cancel(api, name):
    run = _runs(api, name)[0]
    _post(f"{api}/flow_runs/{run['id']}/set_state", {"state": {"type": "CANCELLING"}})


def _states(api, name):
    return [run["state"]["type"] for run in _runs(api, name)]


def _runs(api, name):
    return _post(f"{api}/flow_runs/filter", {"flow_runs": {"name": {"any_": [name]}}})


def _post(url, body):
    import urllib.request

    request = urllib.request.Request(
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.loads(answer.read())
