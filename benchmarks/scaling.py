"""How fast the digits example is searched, against the fits alone and against Keras Tuner.

    make .venv-quality/.installed    # once: an environment with the peers
    .venv-quality/bin/python benchmarks/scaling.py --configurations 4 --executions 3 --rounds 3

All run the same configurations, each in a process of its own, in turn; imports, data and one
training to warm up are left out. Prints the CPU seconds of each, and medians of the ratios to Keras
Tuner. With --slots 2 the flow runs them too, on a
running Prefect server: wall seconds from the first trial's start to the last one's end, against the
wall seconds of the fits alone, divided by the slots. That needs a machine with nothing else to do.
"""

import argparse
import contextlib
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

STUDY = Path(__file__).resolve().parent.parent / "examples" / "digits.py"
WAYS = {"keras": None, "trialflow": "auto", "traced again": False, "keras-tuner": None}


def digits() -> Any:
    """The example, as a module."""
    spec = importlib.util.spec_from_file_location("digits", STUDY)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Drawn:
    """Hyperparameters whose values are drawn by a number."""

    def __init__(self, number: int) -> None:
        self._rng = np.random.default_rng([7, number])

    def Int(self, name: str, low: int, high: int, step: int = 1) -> int:
        del name
        return int(self._rng.choice(np.arange(low, high + 1, step)))

    def Choice(self, name: str, values: list[Any]) -> Any:
        del name
        return values[self._rng.integers(len(values))]

    def Float(self, name: str, low: float, high: float, sampling: str | None = None) -> float:
        del name
        ends = np.log([low, high]) if sampling == "log" else (low, high)
        drawn = self._rng.uniform(*ends)
        return float(np.exp(drawn) if sampling == "log" else drawn)

    def conditional_scope(self, *_: Any) -> Any:
        return contextlib.nullcontext()


def model_of(number: int) -> Any:
    """The model of one configuration."""
    return digits().build_model(Drawn(number))


def build_tuner(**project: Any) -> Any:
    """For the flow, of which this file is the study."""
    import tuner

    numbers = list(range(int(os.environ["CONFIGURATIONS"])))
    return tuner.GridSearch(
        lambda hp: model_of(hp.Choice("number", numbers)), objective="val_accuracy", **project
    )


def load_data() -> Any:
    """Likewise."""
    return {**digits().load_data(), "verbose": 0}


def run(way: str, configurations: int, executions: int) -> dict[str, float]:
    """CPU and wall seconds in this process."""
    data, numbers = load_data(), list(range(configurations))
    model_of(0).fit(**{**data, "epochs": 1})
    with tempfile.TemporaryDirectory() as folder:
        options: dict[str, Any] = {"objective": "val_accuracy", "directory": folder}
        options["executions_per_trial"] = executions
        if way == "keras-tuner":
            from keras_tuner import GridSearch
        else:
            from tuner import GridSearch

            options["reuse_compiled"] = WAYS[way]
        began = time.perf_counter(), time.process_time()
        if way == "keras":
            import keras

            for number in numbers * executions:
                keras.utils.clear_session()
                model_of(number).fit(**data)
        else:
            build = GridSearch(lambda hp: model_of(hp.Choice("number", numbers)), **options)
            build.search(**data)
        return {"wall": time.perf_counter() - began[0], "cpu": time.process_time() - began[1]}


def in_a_process(way: str, options: argparse.Namespace) -> dict[str, float]:
    numbers = [str(options.configurations), str(options.executions)]
    command = [sys.executable, __file__, "--way", way]
    command += ["--configurations", numbers[0], "--executions", numbers[1]]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(f"{way:14} {result['cpu']:7.1f} s CPU {result['wall']:7.1f} s wall", flush=True)
    return result


def flow(slots: int, configurations: int, api: str) -> float:
    """Wall seconds from the start of the first trial to the end of the last one."""
    with tempfile.TemporaryDirectory() as folder:
        words = ["search", __file__, "--directory", folder, "--slots", str(slots), "--json"]
        env = {**os.environ, "PREFECT_API_URL": api, "CONFIGURATIONS": str(configurations)}
        command = [sys.executable, "-m", "flows", *words]
        subprocess.run(
            command, env=env, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
        )
        found = Path(folder).rglob("trials/*/result.json")
        records = [json.loads(path.read_text())["record"] for path in found]
    return float(max(r["ended"] for r in records) - min(r["started"] for r in records))


def main() -> None:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configurations", type=int, default=4)
    parser.add_argument("--executions", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--slots", type=int, default=0)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(run(options.way, options.configurations, options.executions)))
        return
    if options.slots:
        scaling(options)
        return
    peers = [w for w in WAYS if w != "keras-tuner" or importlib.util.find_spec("keras_tuner")]
    rounds = [{way: in_a_process(way, options) for way in peers} for _ in range(options.rounds)]
    baseline = "keras-tuner" if "keras-tuner" in peers else "keras"
    for way in peers:
        ratio = statistics.median(r[baseline]["cpu"] / r[way]["cpu"] for r in rounds)
        print(f"CPU of {baseline} / {way}: {ratio:.2f} (median of {len(rounds)})")


def scaling(options: argparse.Namespace) -> None:
    """The flow with several slots against the fits alone."""
    from flows.server import prefect_server

    options.executions, shares = 1, []
    with prefect_server(print) as url:
        for _ in range(options.rounds):
            alone = in_a_process("keras", options)["wall"]
            wall = flow(options.slots, options.configurations, f"{url}/api")
            shares.append(alone / options.slots / wall)
            print(f"{options.slots} slots {wall:.1f} s wall, {shares[-1]:.2f} of the ideal")
    print(f"share of the ideal: {statistics.median(shares):.2f} (median of {len(shares)})")


if __name__ == "__main__":
    main()
