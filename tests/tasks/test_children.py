"""Real children: they answer, print, die, and never outlive their parent."""

import os
import shutil
import signal
import subprocess
import sys
import threading

import psutil
import pytest
from support import ROOT, STUDIES, wait_for_end_of, wait_until

from tasks.hardware.placement import thread_limits
from tasks.messages import Discover, Ended, Fatal, MetricsReport, Run
from tasks.process.local_slots import LocalSlots
from tasks.process.supervisor import ForkServer
from tasks.process.watchdog import TrialLimits
from tasks.slots import ChildLostError, SearchStoppedError
from tuner.core.outcome import Outcome

STUDY = """
import os, signal, sys, time
from tuner import BaseTuner
from tuner.oracles import RandomSearchOracle

class T(BaseTuner):
    def run_trial(self, trial):
        x = trial.hyperparameters.Int("x", 1, 3)
        how = os.environ.get("HOW", "")
        if how == "print":
            print("from python")
            sys.stderr.write("to stderr\\n")
            os.system("echo from a grandchild")
            os.write(1, b"no end of line")
        if how == "exit": os._exit(7)
        if how == "segfault": os.kill(os.getpid(), signal.SIGSEGV)
        if how == "sleep": time.sleep(600)
        if how == "files":
            import resource
            resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))
            self.held = []
            try:
                while True: self.held.append(open(os.devnull))
            except OSError:
                pass
        if how == "helper":
            if os.fork() == 0: time.sleep(600)
            os.kill(os.getpid(), signal.SIGKILL)
        if how == "environment":
            return {"default_objective": float(os.environ["TRIALFLOW_SLOT"]), "pid": os.getpid()}
        return x * 1.0

def build_tuner(**project):
    return T(RandomSearchOracle(), **project)
"""

TRIAL = {
    "trial_id": "0000",
    "hyperparameters": {"space": [], "values": {}},
    "metrics": {"metrics": {}},
    "status": "RUNNING",
}


@pytest.fixture
def setup(tmp_path):
    study = tmp_path / "study.py"
    study.write_text(STUDY)
    project = {"directory": str(tmp_path), "project_name": "p"}
    return {"study": str(study), "project": project}


def slots(setup, count=1, how=""):
    class Slots(LocalSlots):
        def start_child(self, slot, emit):
            server = self._server_of(self._places[int(slot)])
            return server.fork(setup, {"HOW": how, "TRIALFLOW_SLOT": slot}, emit)

    return Slots(count, setup)


def run(slot, trial_id="0000", lines=None):
    emit = (lambda line: None) if lines is None else lines.append
    messages = []
    answer = slot.ask(Run({**TRIAL, "trial_id": trial_id}), messages.append, emit)
    return answer, messages


def test_a_child_runs_a_trial_leaves_its_result_and_stays_warm(setup, tmp_path):
    with slots(setup) as some, some.lease() as slot:
        answer, messages = run(slot)
        assert answer.trial["status"] == "COMPLETED"
        assert messages == [MetricsReport({"default_objective": 1.0}, 0)]
        assert (tmp_path / "p/trials/0000/result.json").exists()
        again, _ = run(slot, "0001")
        assert again.trial["record"]["pid"] == answer.trial["record"]["pid"]


def test_each_slot_has_a_child_of_its_own_that_knows_which(setup):
    with slots(setup, 2, "environment") as some, some.lease() as first, some.lease() as second:
        answers = [run(slot, slot.name * 4)[0].trial for slot in (first, second)]
    names = [a["metrics"]["metrics"]["default_objective"] for a in answers]
    assert [n["observations"][0]["value"] for n in names] == [[0.0], [1.0]]
    assert answers[0]["record"]["pid"] != answers[1]["record"]["pid"]


def test_everything_a_child_prints_arrives_as_lines(setup):
    lines = []
    with slots(setup, how="print") as some, some.lease() as slot:
        run(slot, lines=lines)
        slot.end()
    expected = {"from python", "to stderr", "from a grandchild", "no end of line"}
    assert expected <= set(lines)


@pytest.mark.parametrize(
    ("how", "words"), [("exit", "exited with status 7"), ("segfault", "ended by SIGSEGV")]
)
def test_a_child_that_dies_says_how_and_the_next_trial_gets_a_fresh_one(setup, how, words):
    with slots(setup, how=how) as some, some.lease() as slot:
        for _ in range(2):
            with pytest.raises(ChildLostError, match=words):
                run(slot)


def test_a_study_that_cannot_be_loaded_is_reported_with_its_traceback(setup, tmp_path):
    (tmp_path / "study.py").write_text("import nowhere_to_be_found")
    with slots(setup) as some, some.lease() as slot:
        answer, _ = run(slot)
    assert isinstance(answer, Fatal)
    assert "nowhere_to_be_found" in answer.message


def test_a_child_that_dies_is_noticed_even_if_it_left_a_helper_behind_which_ends_too(setup):
    with slots(setup, how="helper") as some, some.lease() as slot:
        group = slot._warm(print).pid
        with pytest.raises(ChildLostError, match="SIGKILL"):
            run(slot)
        wait_until(lambda: not group_exists(group))


def group_exists(group):
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True


def test_stopping_ends_the_children_and_frees_who_waits(setup):
    raised = []
    with slots(setup, how="sleep") as some:

        def wait():
            with some.lease() as slot, pytest.raises(SearchStoppedError):
                run(slot)
            raised.append(True)

        waiter = threading.Thread(target=wait)
        waiter.start()
        children = wait_until(
            lambda: psutil.Process(some._server_of(some._places[0])._process.pid).children()
        )
        some.stop()
        waiter.join(timeout=10)
        assert raised == [True]
    wait_for_end_of(children)


def test_a_killed_fork_server_takes_its_children_along_and_is_started_again(setup):
    with slots(setup) as some, some.lease() as slot:
        first, _ = run(slot)
        some._server_of(some._places[0])._process.kill()
        wait_until(lambda: not psutil.pid_exists(first.trial["record"]["pid"]))
        with pytest.raises(ChildLostError):
            run(slot)
        assert isinstance(run(slot)[0], Ended)


def script_of(setup):
    """A process that runs one trial."""
    return (
        "from tasks.messages import Run\nfrom tasks.process.local_slots import LocalSlots\n"
        f"slots = LocalSlots(1, {setup!r}).__enter__()\n"
        "with slots.lease() as slot:\n"
        f"    slot.ask(Run({TRIAL!r}), print, print)\n"
    )


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal is Linux's")
@pytest.mark.parametrize("stuck", ["time.sleep(600)", "ctypes.PyDLL(None).sleep(600)"])
def test_no_child_outlives_a_killed_parent_even_while_it_holds_the_gil(tmp_path, stuck):
    study = tmp_path / "study.py"
    # Until it is stuck a child may notice by itself; from then on the kernel alone can end it.
    reached = tmp_path / "stuck"
    stuck = f"open({str(reached)!r}, 'w').close(), {stuck}"
    study.write_text(
        STUDY.replace("import os,", "import ctypes, os,").replace("time.sleep(600)", stuck)
    )
    setup = {"study": str(study), "project": {"directory": str(tmp_path), "project_name": "p"}}
    env = {**os.environ, "HOW": "sleep"}
    parent = subprocess.Popen([sys.executable, "-c", script_of(setup)], env=env, cwd=ROOT)
    wait_until(reached.exists, parent)
    family = psutil.Process(parent.pid).children(recursive=True)
    assert len(family) >= 2
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_for_end_of(family)


def test_a_child_is_told_the_reason_when_the_server_cannot_start_it(setup, monkeypatch):
    server = ForkServer((), {"PYTHONPATH": "/nowhere"})
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with pytest.raises(ChildLostError, match="start a child"):
        server.fork(setup, {}, print)
    server.stop()


def test_processors_are_divided_among_the_slots_unless_the_user_did_it(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("MKL_NUM_THREADS", "3")
    limits = thread_limits(2)
    assert limits["OMP_NUM_THREADS"] == "4"
    assert "MKL_NUM_THREADS" not in limits
    assert thread_limits(100)["OMP_NUM_THREADS"] == "1"


def test_the_space_is_discovered_in_a_child(setup):
    setup["study"] = str(STUDIES / "tiny.py")
    with LocalSlots(1, setup, ("keras",)) as some, some.lease() as slot:
        answer = slot.ask(Discover(), print, lambda line: None)
    names = [p["config"]["name"] for p in answer.space["space"]]
    assert names == ["hidden", "units", "learning_rate"]


LEAK = STUDY.replace("return x * 1.0", "LEAK.append(bytearray(os.urandom(50_000_000))); return 1.0")


def test_a_child_that_grows_from_trial_to_trial_is_replaced(setup, tmp_path):
    (tmp_path / "study.py").write_text(LEAK.replace("class T", "LEAK = []\nclass T"))
    pids = []
    with LocalSlots(1, setup, limits=TrialLimits(growth=80_000_000)) as some, some.lease() as slot:
        for number in range(5):
            answer, _ = run(slot, f"000{number}")
            pids.append(answer.trial["record"]["pid"])
    first, last = pids[0], pids[-1]
    assert first != last
    assert pids == [first, first, first, last, last]  # 50 MB, 100 MB, 150 MB, and again


def test_a_trial_that_ends_for_lack_of_memory_is_tried_in_another_process_first(setup, tmp_path):
    (tmp_path / "study.py").write_text(STUDY.replace("return x * 1.0", "return bytes(10**15)"))
    with LocalSlots(1, setup) as some, some.lease() as slot:
        answer, _ = run(slot)  # it is the first of its process, so it is to blame
        assert answer.trial["record"]["outcome"] == "out of memory"
        assert "smaller batches" in answer.trial["message"]
        assert slot._child is None
        (tmp_path / "study.py").write_text(
            STUDY.replace(
                "return x * 1.0", "return bytes(10**15) if LATER else LATER.append(1) or 1.0"
            ).replace("class T", "LATER = []\nclass T")
        )
        run(slot, "0001")
        with pytest.raises(ChildLostError) as lost:
            run(slot, "0002")
        assert (lost.value.outcome, lost.value.hopeless) == ("out of memory", False)


@pytest.mark.skipif(sys.platform != "linux", reason="memory is measured on Linux")
def test_a_trial_over_the_memory_limit_is_to_blame_only_if_it_had_the_process_to_itself(
    setup, tmp_path
):
    hoard = "LATER.append(os.urandom(400_000_000)) if LATER else LATER.append(1)"
    study = STUDY.replace("return x * 1.0", f"{hoard}; time.sleep(9 * len(LATER) - 9); return 1.0")
    (tmp_path / "study.py").write_text(study.replace("class T", "LATER = []\nclass T"))
    limits = TrialLimits(memory=250_000_000)
    with LocalSlots(1, setup, limits=limits) as some, some.lease() as slot:
        run(slot)
        with pytest.raises(ChildLostError, match="more than --memory-limit") as lost:
            run(slot, "0001")
        assert (lost.value.outcome, lost.value.hopeless) == ("out of memory", False)
        assert "tried again in a fresh one" in str(lost.value)


def test_a_process_that_has_no_files_left_to_keep_a_result_is_replaced(setup, tmp_path):
    with slots(setup, how="files") as some, some.lease() as slot:
        with pytest.raises(ChildLostError, match="Too many open files") as lost:
            run(slot)
        assert lost.value.outcome is Outcome.LOST
        assert not lost.value.hopeless
        setup["study"] = setup["study"].replace("study.py", "other.py")
        (tmp_path / "other.py").write_text(STUDY.replace('how == "files"', "False"))
        answer, _ = run(slot)
        assert answer.trial["status"] == "COMPLETED"


def test_a_scratch_folder_that_is_deleted_under_a_search_fails_no_trial(setup):
    with LocalSlots(2, setup) as some:
        with some.lease() as first, some.lease() as second:
            run(first)
            shutil.rmtree(some.scratch)
            for trial_id, slot in (
                ("0001", first),
                ("0002", second),
            ):  # a warm child, and a new one
                answer, _ = run(slot, trial_id)
                assert answer.trial["status"] == "COMPLETED"
        folder = some.scratch
        assert folder.is_dir()
    assert not folder.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's signal is Linux's")
def test_what_a_trial_has_started_does_not_outlive_a_killed_parent(tmp_path):
    study, started = tmp_path / "study.py", tmp_path / "started"
    killed = "os.kill(os.getpid(), signal.SIGKILL)"
    helper = f"if os.fork() == 0: open({str(started)!r}, 'w').write(str(os.getpid())); "
    study.write_text(
        STUDY.replace("if os.fork() == 0: ", helper).replace(killed, "time.sleep(600)")
    )
    setup = {"study": str(study), "project": {"directory": str(tmp_path), "project_name": "p"}}
    env = {**os.environ, "HOW": "helper"}
    parent = subprocess.Popen([sys.executable, "-c", script_of(setup)], env=env, cwd=ROOT)
    pid = int(wait_until(lambda: started.exists() and started.read_text(), parent))
    helper = psutil.Process(pid)
    parent.send_signal(signal.SIGKILL)
    parent.wait()
    wait_for_end_of([helper])
