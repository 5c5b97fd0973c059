"""What the state of a search costs: requests, bytes, and the time to resume.

    python benchmarks/state.py [--trials 500] [--resumed 10000]

Beside each figure stands what Keras Tuner's design would cost: one file with the whole state of the
oracle, written again at each event. The object store is moto's S3 behind one lock, from the tests.
"""

from __future__ import annotations

import argparse
import json
import logging
import os
import statistics
import sys
import tempfile
import time
import uuid
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
# The tests have a folder of the package's name, which must come second.
sys.path += [str(ROOT), str(ROOT / "tests")]

from servers.s3 import BUCKET, S3Server

from storage import Journal, LocalStore, open_store
from tuner import BaseTuner, Objective
from tuner.core.hyperparameters import HyperParameters, serialize
from tuner.core.trial import Trial
from tuner.journal.events import SearchStarted, SpaceGrown, TrialCreated, TrialEnded, encode
from tuner.journal.project import Project, ProjectInfo
from tuner.oracles import RandomSearchOracle

OBJECTIVE = Objective("val_loss", "min")
EPOCHS = 20
EVENTS_OF_KERAS_TUNER = 5
"""How often Keras Tuner 1.4.8 writes its oracle's file for one trial, as counted there."""


class BlackBox(BaseTuner):
    """Five hyperparameters, and a learning curve of twenty epochs."""

    written = 0
    """Bytes that Keras Tuner's one file would have taken so far."""

    def run_trial(self, trial: Trial, **_: Any) -> dict[str, float]:
        hp = trial.hyperparameters
        x = hp.Float("rate", 1e-4, 1e-1, sampling="log") + hp.Float("dropout", 0.0, 0.5)
        x += hp.Int("units", 16, 256) * hp.Boolean("deep")
        x += len(hp.Choice("activation", ["relu", "gelu", "tanh"]))
        return {"val_loss": x, "loss": x, "val_accuracy": x, "accuracy": x}

    def on_trial_end(self, trial: Trial) -> None:
        super().on_trial_end(trial)
        state = json.dumps(self.oracle.get_state(), default=str)
        self.written += EVENTS_OF_KERAS_TUNER * len(state)


def search(url: str, trials: int) -> BlackBox:
    """A black-box search of so many trials; the tuner."""
    directory, _, name = url.rpartition("/")
    oracle = RandomSearchOracle(OBJECTIVE, max_trials=trials, seed=0)
    tuner = BlackBox(oracle, directory=directory, project_name=name)
    tuner.search(search_verbose=0)
    return tuner


def requests_of_a_trial(server: S3Server, trials: int = 20) -> tuple[float, float]:
    """PUTs, other writes and LISTs of one trial, from the question to the answer."""
    url = f"s3://{BUCKET}/{uuid.uuid4().hex}/project"
    search(url, 1)
    before = len(server.requests())
    search(url, 1 + trials)
    done = server.requests()[before:]
    # A search opens and ends the project once, which is no trial's: seen where there is none.
    opened = len(server.requests())
    search(url, 1 + trials)
    once = server.requests()[opened:]

    def puts(requests: list[tuple[str, str, str]]) -> int:
        return sum(method == "PUT" and "lease" not in path for method, path, _ in requests)

    def lists(requests: list[tuple[str, str, str]]) -> int:
        return sum("list-type" in query for _, _, query in requests)

    return (puts(done) - puts(once)) / trials, (lists(done) - lists(once)) / trials


def journal_bytes(folder: str) -> int:
    return sum(p.stat().st_size for p in Path(folder, "journal").rglob("*.json"))


def write_long_project(folder: str, trials: int) -> None:
    """A project of many ended trials, written as a search writes it, two entries a trial."""
    store = LocalStore(folder, durable=False)
    project = Project(str(Path(folder).parent), Path(folder).name)
    info = ProjectInfo(OBJECTIVE.to_json(), 0, "RandomSearchOracle")
    project.open(info)
    project.close()
    journal = Journal(store, owner="benchmark")
    journal.load()
    hp = HyperParameters()
    for name in "abcde":
        hp.Float(name, 0.0, 1.0)
    start = SearchStarted("benchmark", time.time(), trials)
    journal.append([encode(start), encode(SpaceGrown([serialize(p) for p in hp.space]))])
    curve = {"observations": [{"value": [0.5], "step": e} for e in range(EPOCHS)]}
    metrics = {"metrics": {m: {"direction": "min", **curve} for m in ("loss", "val_loss")}}
    for n in range(trials):
        values = {name: (n + k) / (trials + 5) for k, name in enumerate("abcde")}
        journal.append([encode(TrialCreated(f"{n:04d}", values, time.time(), seed=n))])
        record = {"started": 0.0, "ended": 1.0, "host": "here", "pid": 1, "scores": [0.5]}
        ended = TrialEnded(
            f"{n:04d}", "COMPLETED", n / trials, 3, metrics, None, record, time.time()
        )
        journal.append([encode(ended)])


def resume(url: str) -> tuple[float, int]:
    """CPU-seconds to know again everything that happened."""
    began = time.process_time()
    directory, _, name = url.rpartition("/")
    oracle = RandomSearchOracle(OBJECTIVE, max_trials=1)
    oracle.attach(Project(directory, name))
    return time.process_time() - began, len(oracle.trials)


def upload(folder: str, url: str) -> None:
    """Puts on the object store what resuming reads: segments, and entries that are in none."""
    store = open_store(url)
    last = max(int(p.stem) for p in Path(folder, "segments").glob("*.jsonl"))
    for path in Path(folder).rglob("*.json*"):
        key = path.relative_to(folder).as_posix()
        in_segment = key.startswith("journal/") and int(key.split("/")[1]) <= last
        if not in_segment or key.endswith("000.json"):
            store.upload(path, key)


def append_times(folder: str, entries: int = 300) -> list[float]:
    """Seconds of each synced append on a local disk."""
    journal = Journal(LocalStore(folder), owner="benchmark")
    times = []
    for n in range(entries):
        began = time.perf_counter()
        journal.append([{"type": "trial_created", "n": n, "text": "x" * 200}])
        times.append(time.perf_counter() - began)
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--resumed", type=int, default=10_000)
    options = parser.parse_args()
    logging.disable(logging.WARNING)
    server, process = S3Server.start()
    os.environ.update(server.environment)
    with tempfile.TemporaryDirectory() as folder:
        puts, lists = requests_of_a_trial(server)
        print(f"requests a trial on S3: {puts:.1f} PUT, {lists:.1f} LIST (at most 6, and none)")

        tuner = search(f"{folder}/many", options.trials)
        mine, one_file = journal_bytes(f"{folder}/many"), tuner.written
        print(
            f"journal of {options.trials} trials: {mine / 1e6:.2f} MB (under 1); "
            f"one file: {one_file / 1e6:.1f} MB written"
        )

        write_long_project(f"{folder}/long", options.resumed)
        seconds = [resume(f"{folder}/long") for _ in range(3)]
        assert seconds[0][1] == options.resumed
        print(
            f"resume of {options.resumed} trials of {EPOCHS} epochs, local: "
            f"{statistics.median(s for s, _ in seconds):.2f} s CPU (under 1)"
        )

        url = f"s3://{BUCKET}/{uuid.uuid4().hex}/long"
        upload(f"{folder}/long", url)
        before = len(server.requests())
        cpu, found = resume(url)
        assert found == options.resumed
        print(
            f"the same on S3: {len(server.requests()) - before} requests (at most 200), "
            f"{cpu:.2f} s CPU"
        )

        times = append_times(f"{folder}/appends")
        print(f"append with fsync: median {1000 * statistics.median(times):.2f} ms (under 2)")
    process.communicate()


if __name__ == "__main__":
    main()
