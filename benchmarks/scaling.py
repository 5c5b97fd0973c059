"""How busy two slots are: the digits example, on the same configurations as its peers.

    make .venv-quality/.installed    # once: an environment with the peers
    .venv-quality/bin/python benchmarks/scaling.py --configurations 30 --slots 2 --rounds 3

Everything trains each configuration once. `keras` builds and fits one after the other, and nothing
else; Trialflow is the flow with a Prefect server that runs already; Ray Tune keeps its actors
(`reuse_actors`), Optuna's processes share a journal file, Keras Tuner runs in sequence. The wall
time is that from the first model's building to the last fit's end: no start of processes is in it.
Two shares are printed, of a search's processes' time:

- fits: how much of it `fit` took, in this very search.
- ideal: how much the fits of `keras`, alone on the machine, would have taken.

It needs a machine with nothing else to do.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

from digits_configurations import load_data, marker, model_of, numbers


class Took(NamedTuple):
    """Wall seconds, from the marks of a search."""

    fits: float
    wall: float


def train(number: int, data: dict[str, Any]) -> float:
    """One training, by hand; returns its score."""
    import keras

    keras.utils.clear_session()
    model = model_of(number)
    history = model.fit(**{**data, "callbacks": [marker()]}).history
    return float(max(history["val_accuracy"]))


def keras_alone(folder: str, slots: int) -> None:
    del folder, slots
    data = load_data()
    for number in numbers():
        train(number, data)


def keras_tuner(folder: str, slots: int) -> None:
    del slots
    import keras_tuner as kt

    data = load_data()
    tuner = kt.GridSearch(
        lambda hp: model_of(hp.Choice("number", numbers())),
        objective="val_accuracy",
        directory=folder,
    )
    tuner.search(**{**data, "callbacks": [marker()]})


def optuna(folder: str, slots: int) -> None:
    """Processes that share a study, as Optuna's documentation has it for one machine."""
    import optuna as library

    storage = _journal(folder)
    study = library.create_study(study_name="digits", storage=storage, direction="maximize")
    for number in numbers():
        study.enqueue_trial({"number": number})
    command = [sys.executable, __file__, "--way", "optuna-worker", "--folder", folder]
    for process in [subprocess.Popen(command) for _ in range(slots)]:
        assert process.wait() == 0


def optuna_worker(folder: str, slots: int) -> None:
    del slots
    import optuna as library

    data = load_data()
    study = library.load_study(study_name="digits", storage=_journal(folder))
    waiting = (library.trial.TrialState.WAITING,)
    last = len(numbers()) - 1
    while study.get_trials(deepcopy=False, states=waiting):
        trial = study.ask()
        study.tell(trial, train(trial.suggest_int("number", 0, last), data))


def _journal(folder: str) -> Any:
    from optuna.storages import JournalStorage
    from optuna.storages.journal import JournalFileBackend

    return JournalStorage(JournalFileBackend(str(Path(folder) / "journal.log")))


def ray(folder: str, slots: int) -> None:
    import ray as library
    from ray import tune

    held: dict[str, Any] = {}

    def trainable(config: dict[str, Any]) -> None:
        if not held:
            held.update(load_data())
        tune.report({"val_accuracy": train(config["number"], held)})

    library.init(num_cpus=slots, include_dashboard=False, log_to_driver=False)
    tune.Tuner(
        tune.with_resources(trainable, {"cpu": 1}),
        param_space={"number": tune.grid_search(numbers())},
        tune_config=tune.TuneConfig(max_concurrent_trials=slots, reuse_actors=True),
        run_config=tune.RunConfig(storage_path=folder, verbose=0),
    ).fit()


def trialflow(folder: str, slots: int) -> None:
    """The flow; its server was started before."""
    study = Path(__file__).with_name("digits_configurations.py")
    words = ["search", str(study), "--directory", folder, "--slots", str(slots), "--json"]
    subprocess.run([sys.executable, "-m", "flows", *words], check=True)


WAYS: dict[str, Callable[[str, int], None]] = {
    "keras": keras_alone,
    "trialflow": trialflow,
    "ray": ray,
    "optuna": optuna,
    "keras-tuner": keras_tuner,
    "optuna-worker": optuna_worker,
}
PACKAGES = {"ray": "ray", "optuna": "optuna", "keras-tuner": "keras_tuner"}
SEQUENTIAL = ("keras", "keras-tuner")


def took(way: str, options: argparse.Namespace) -> Took:
    """Runs one way in a process of its own, and reads its marks."""
    here = str(Path(__file__).parent)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "marks.jsonl"
        env = {**os.environ, "MARKS": str(path), "CONFIGURATIONS": str(options.configurations)}
        env |= {"PYTHONPATH": here, "TF_CPP_MIN_LOG_LEVEL": "3", "RAY_worker_niceness": "0"}
        command = [sys.executable, __file__, "--way", way, "--folder", folder]
        subprocess.run(
            [*command, "--slots", str(options.slots)],
            env=env,
            check=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        marks = [json.loads(line) for line in path.read_text().splitlines()]
    began: dict[int, float] = {}
    fits = []
    for line in marks:
        if line["what"] == "begin":
            began[line["pid"]] = line["time"]
        elif line["what"] == "end":
            fits.append(line["time"] - began[line["pid"]])
    if len(fits) != options.configurations:
        msg = f"Expected {options.configurations} trainings. Received: {len(fits)} of {way}."
        raise RuntimeError(msg)
    wall = marks[-1]["time"] - _first_training(marks)
    return Took(sum(fits), wall)


def _first_training(marks: list[dict[str, Any]]) -> float:
    """When the first model that is trained was about to be built; a search may build one to see."""
    first = next(line for line in marks if line["what"] == "begin")
    own = [line for line in marks if line["pid"] == first["pid"] and line["what"] == "build"]
    return float(max(line["time"] for line in own if line["time"] <= first["time"]))


def main() -> None:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configurations", type=int, default=30)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--ways", nargs="+", choices=WAYS, default=[*WAYS][:-1])
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        WAYS[options.way](options.folder, options.slots)
        return
    ways = [w for w in options.ways if w not in PACKAGES or importlib.util.find_spec(PACKAGES[w])]
    shares: dict[str, list[tuple[float, float]]] = {way: [] for way in ways}
    with ExitStack() as stack:
        from flows.server import prefect_server

        stack.enter_context(prefect_server(print))
        for _ in range(options.rounds):
            alone = 0.0
            for way in ways:
                found = took(way, options)
                alone = alone or found.fits
                slots = 1 if way in SEQUENTIAL else options.slots
                whole = slots * found.wall
                shares[way].append((found.fits / whole, alone / whole))
                print(
                    f"{way:12} {slots} slots {found.wall:7.1f} s wall, fits {found.fits:7.1f} s",
                    flush=True,
                )
    for way, pairs in shares.items():
        fits, ideal = (statistics.median(values) for values in zip(*pairs, strict=True))
        print(f"{way:12} fits {fits:.2f}, ideal {ideal:.2f} (medians of {len(pairs)})")


if __name__ == "__main__":
    main()
