import io
import json
import re
import sys
import threading
import warnings
from concurrent.futures import ThreadPoolExecutor

import pytest
from support import ROOT, wait_until

from tuner import Objective, TrialStatus
from tuner.core.runtime import within
from tuner.oracles import RandomSearchOracle
from tuner.search.display import LogDisplay, display_for
from tuner.search.progress import Progress, clock, outcome_line, progress_of
from tuner.search.redrawn_display import LiveDisplay, NotebookDisplay
from tuner.testing import mixed_space


class Terminal(io.StringIO):
    def isatty(self):
        return True


def make(trials=3, ended=2):
    oracle = RandomSearchOracle(
        Objective("val_accuracy", "max"), max_trials=trials, seed=0, hyperparameters=mixed_space()
    )
    for number in range(ended):
        trial = oracle.create_trial("t")
        oracle.update_trial(trial.trial_id, {"val_accuracy": 0.5 + number / 10})
        trial.status = TrialStatus.COMPLETED
        oracle.end_trial(trial)
    return oracle


def test_a_line_says_done_running_failed_best_and_time_left():
    oracle = make()
    oracle.create_trial("running")
    line = progress_of(oracle, ended_before=0, seconds=120).line()
    assert line == (
        "2/3 done, 1 running, 0 failed, best val_accuracy 0.6 (trial 0001), about 1:00 left"
    )


def test_time_left_counts_only_the_trials_of_this_run():
    oracle = make(trials=10, ended=4)
    assert progress_of(oracle, ended_before=3, seconds=10).seconds_left == 60
    assert progress_of(oracle, ended_before=4, seconds=10).seconds_left is None


def test_a_search_without_an_end_says_no_total():
    line = Progress(3, 1, 2, None, None, "loss", None).line()
    assert line == "3 done, 2 running, 1 failed"


def test_a_log_has_plain_lines_only():
    oracle, stream = make(), io.StringIO()
    with within(stream=stream), display_for(oracle) as display:
        assert isinstance(display, LogDisplay)
        trial = oracle.trials["0001"]
        display.trial_began(trial)
        display.epoch_ended(trial, 0, {"val_accuracy": 0.1})
        display.trial_ended(trial)
        display.advanced()
        display.advanced()  # nothing has happened
    lines = stream.getvalue().splitlines()
    assert lines[0] == "[0:00] trial 0001: val_accuracy 0.6"
    assert len(lines) == 2
    assert re.fullmatch(r"[\x20-\x7e\n]+", stream.getvalue())


def test_a_terminal_shows_each_running_trial_in_place(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    oracle, stream = make(), Terminal()
    running = oracle.create_trial("running")
    with within(stream=stream), display_for(oracle) as display:
        assert isinstance(display, LiveDisplay)
        display.trial_began(running)
        display.epoch_ended(running, 4, {"val_accuracy": 0.75})
        display._live.refresh()
        display.batch_ended(running, 5, 2, {"epochs": 9, "steps": None})
        display._live.refresh()
        display.epoch_ended(running, 5, {"val_accuracy": float("nan")})
        display._live.refresh()
        display.note("by the way :smile:")
    shown = stream.getvalue()
    assert "trial 0002  epoch 5, val_accuracy 0.75, 0:00" in shown
    assert "epoch 6/9, batch 3, val_accuracy 0.75" in shown
    assert "epoch 6/9, val_accuracy nan" in shown
    assert "by the way :smile:" in shown
    assert "2/3 done" in shown


def test_verbose_zero_is_silent():
    oracle, stream = make(), io.StringIO()
    oracle.verbose = 0
    with within(stream=stream), display_for(oracle) as display:
        display.trial_ended(oracle.trials["0000"])
        display.advanced()
        display.note("x")
    assert stream.getvalue() == ""


def test_an_outcome_says_the_score_or_the_last_line_of_what_went_wrong():
    trial = make().trials["0000"]
    assert outcome_line(trial, "val_accuracy") == "val_accuracy 0.5"
    trial.status, trial.message = TrialStatus.FAILED, "Traceback ...\nValueError: too wide\n"
    assert outcome_line(trial, "val_accuracy") == "failed: ValueError: too wide"
    trial.message = None
    assert "no reason" in outcome_line(trial, "val_accuracy")


def test_durations_read_like_a_clock():
    assert [clock(s) for s in (0.4, 61, 3661)] == ["0:00", "1:01", "1:01:01"]


@pytest.mark.parametrize(("verbose", "lines"), [(1, 2), (2, 3)])
def test_verbose_two_gives_each_epoch_a_line(verbose, lines, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    oracle, stream = make(), Terminal() if verbose == 2 else io.StringIO()
    oracle.verbose = verbose
    with within(stream=stream), display_for(oracle) as display:
        display.epoch_ended(oracle.trials["0001"], 0, {"loss": 0.25, "val_accuracy": 0.5})
        display.trial_ended(oracle.trials["0001"])
        display.advanced()
    assert len(stream.getvalue().splitlines()) == lines
    told = "[0:00] trial 0001, epoch 1: loss 0.25, val_accuracy 0.5"
    assert (told in stream.getvalue()) == (verbose == 2)


@pytest.mark.parametrize("kind", ["dumb", "thread"])
def test_nothing_is_redrawn_where_it_would_be_torn(kind, monkeypatch):
    monkeypatch.setenv("TERM", "dumb" if kind == "dumb" else "xterm")
    found = []

    def show():
        with within(stream=Terminal()):
            found.append(display_for(make()))

    thread = threading.Thread(target=show)
    if kind == "dumb":
        thread.run()
    else:
        thread.start()
        thread.join()
    assert isinstance(found[0], LogDisplay)


class Handle:
    """What a notebook gives for an output."""

    def __init__(self):
        self.shown = []

    def update(self, bundle, **_):
        self.shown.append(bundle["text/html"])


def test_a_notebook_shows_a_trial_that_begins_right_after_another_has_ended():
    oracle = make(trials=5)
    display, trials = NotebookDisplay(oracle), [oracle.create_trial(str(n)) for n in range(2)]
    display._handle = handle = Handle()
    for trial in trials:
        display.trial_began(trial)
    wait_until(lambda: handle.shown and "running, 0:0" in handle.shown[-1])
    wait_until(lambda: all(f">{trial.trial_id}<" in handle.shown[-1] for trial in trials))
    display.batch_ended(trials[1], 2, 3, {"epochs": 9, "steps": 8})
    wait_until(lambda: "epoch 3/9, batch 4/8" in handle.shown[-1])
    assert len(handle.shown) <= 4  # not each time
    display.__exit__(None, None, None)
    assert "batch 4" not in handle.shown[-1]
    assert "2/5 done" in handle.shown[-1]


def test_a_notebook_is_drawn_by_several_threads(monkeypatch):
    monkeypatch.setattr("tuner.search.redrawn_display.INTERVAL", 0)
    display = NotebookDisplay(make())
    display._handle = Handle()
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda n: display.note(f"news {n}"), range(800)))
    assert len(display._handle.shown) == 800


CELL = """
import searches, sys
tuner = searches.searched({folder!r}, trials=9, verbose=1)
print("rich" in sys.modules)
"""


@pytest.mark.story
def test_a_notebook_has_one_output_that_is_updated_in_place(tmp_path, monkeypatch):
    nbformat, nbclient = pytest.importorskip("nbformat"), pytest.importorskip("nbclient")
    pytest.importorskip("ipykernel")
    monkeypatch.setenv("PYTHONPATH", str(ROOT / "tests"))
    cell = nbformat.v4.new_code_cell(CELL.format(folder=str(tmp_path / "p")))
    notebook = nbformat.v4.new_notebook(cells=[cell])
    spec = {"argv": [sys.executable, "-m", "ipykernel_launcher", "-f", "{connection_file}"]}
    folder = tmp_path / "kernels" / "own"
    folder.mkdir(parents=True)
    (folder / "kernel.json").write_text(
        json.dumps({**spec, "display_name": "own", "language": "python"})
    )
    monkeypatch.setenv("JUPYTER_PATH", str(tmp_path))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Jupyter's own
        nbclient.NotebookClient(notebook, kernel_name="own").execute()
    kinds = [output.output_type for output in cell.outputs]
    shown = next(o for o in cell.outputs if o.output_type == "display_data")["data"]
    assert kinds.count("display_data") == 1, kinds
    assert "9/9 done, 0 running, 1 failed" in shown["text/plain"]
    assert "<progress" in shown["text/html"]
    assert "&lt;/script&gt;" in shown["text/html"]  # a value of the search is no markup
    printed = "".join(o.get("text", "") for o in cell.outputs if o.get("name") == "stdout")
    assert printed == "False\n"
