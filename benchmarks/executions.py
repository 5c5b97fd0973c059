"""What the executions of a trial cost: the digits example with `executions_per_trial=3`.

    make .venv-quality/.installed    # once: an environment with Keras Tuner
    .venv-quality/bin/python benchmarks/executions.py --configurations 4 --executions 3 --rounds 3

All train the same configurations in one slot, each way in a process of its own, in turn; imports,
data and one training to warm up are left out. `keras` is a loop that only builds and fits. Prints
the CPU and wall seconds of each, and medians of the ratios to Keras Tuner.
"""

import argparse
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Any

from digits_configurations import load_data, model_of

WAYS = {"keras": None, "trialflow": "auto", "traced again": False, "keras-tuner": None}


def run(way: str, configurations: int, executions: int) -> dict[str, float]:
    """CPU and wall seconds in this process."""
    data, numbers = load_data(), list(range(configurations))
    del data["callbacks"]
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
    """What `run` gives in a process of its own."""
    command = [sys.executable, __file__, "--way", way]
    command += ["--configurations", str(options.configurations)]
    command += ["--executions", str(options.executions)]
    env = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run(
        command, env=env, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    result: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    print(f"{way:14} {result['cpu']:7.1f} s CPU {result['wall']:7.1f} s wall", flush=True)
    return result


def main() -> None:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--configurations", type=int, default=4)
    parser.add_argument("--executions", type=int, default=3)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--way", choices=WAYS, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.way:
        print(json.dumps(run(options.way, options.configurations, options.executions)))
        return
    peers = [w for w in WAYS if w != "keras-tuner" or importlib.util.find_spec("keras_tuner")]
    rounds = [{way: in_a_process(way, options) for way in peers} for _ in range(options.rounds)]
    baseline = "keras-tuner" if "keras-tuner" in peers else "keras"
    for way in peers:
        cpu, wall = (
            statistics.median(r[baseline][clock] / r[way][clock] for r in rounds)
            for clock in ("cpu", "wall")
        )
        print(f"{baseline} / {way}: CPU {cpu:.2f}, wall {wall:.2f} (medians of {len(rounds)})")


if __name__ == "__main__":
    main()
