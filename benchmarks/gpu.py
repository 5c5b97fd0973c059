"""Do two trials that share a GPU end sooner together than in turn?

    KERAS_BACKEND=torch python benchmarks/gpu.py --rounds 5     # or jax, or tensorflow

Two trainings of a small network, pinned to the first GPU as the slots of `--trials-per-gpu 2` are,
each with its share of the memory: in turn in one process, then in two at once. Imports, data and a
training to warm up are left out. Prints the seconds of each round and the median ratio; a ratio
above 1 says that sharing pays. `--without-gpu` only shows that the script runs.
"""

import argparse
import os
import statistics
import subprocess
import sys
import time
from typing import IO

from tasks.hardware.gpus import take_share, visible_gpus
from tasks.hardware.placement import Placement, place_slots

READY = "ready"


def train(times: int, width: int, epochs: int) -> None:
    """Warms up, says so, waits for a line, and trains."""
    take_share(os.environ)
    import keras
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.normal(size=(4096, 64)).astype("float32")
    y = rng.integers(0, 10, 4096)

    def fit(epochs: int) -> None:
        keras.utils.clear_session()
        layers = [keras.layers.Dense(width, activation="relu") for _ in range(3)]
        model = keras.Sequential([keras.Input((64,)), *layers, keras.layers.Dense(10)])
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        model.compile("adam", loss)
        model.fit(x, y, epochs=epochs, batch_size=64, verbose=0)

    fit(1)
    print(READY, flush=True)
    sys.stdin.readline()
    for _ in range(times):
        fit(epochs)


def seconds(processes: int, slots: list[Placement], options: argparse.Namespace) -> float:
    """Wall seconds of two trainings, spread over processes that are warm."""
    words = ["--times", str(2 // processes), "--width", str(options.width)]
    command = [sys.executable, __file__, *words, "--epochs", str(options.epochs)]
    started = [
        subprocess.Popen(
            command,
            env={**os.environ, **slot.env, "TF_CPP_MIN_LOG_LEVEL": "3"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        for slot in slots[:processes]
    ]
    for process in started:
        _wait_for(process.stdout)
    began = time.perf_counter()
    for process in started:
        _go(process.stdin)
    for process in started:
        if process.wait() != 0:
            raise RuntimeError(f"Expected a training. Received: exit status {process.returncode}.")
    return time.perf_counter() - began


def _wait_for(output: IO[str] | None) -> None:
    assert output is not None
    for line in output:
        if line.strip() == READY:
            return
    raise RuntimeError("Expected a training to warm up. Received: it ended.")


def _go(stdin: IO[str] | None) -> None:
    assert stdin is not None
    stdin.write("go\n")
    stdin.close()


def main() -> None:
    """Runs the pairs and prints their median ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--width", type=int, default=512)
    parser.add_argument("--epochs", type=int, default=10)
    parser.add_argument("--without-gpu", action="store_true")
    parser.add_argument("--times", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.times:
        train(options.times, options.width, options.epochs)
        return
    if options.without_gpu:
        slots = place_slots(2)
    elif visible_gpus(os.environ):
        slots = place_slots(2, gpus="0", trials_per_gpu=2)
    else:
        parser.exit(1, "Expected a GPU. Received: none is visible. See --without-gpu.\n")
    ratios = []
    for _ in range(options.rounds):
        in_turn, together = (seconds(processes, slots, options) for processes in (1, 2))
        ratios.append(in_turn / together)
        print(f"in turn {in_turn:.2f} s, together {together:.2f} s", flush=True)
    print(f"in turn / together: {statistics.median(ratios):.2f} (median of {len(ratios)})")


if __name__ == "__main__":
    main()
