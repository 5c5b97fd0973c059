"""What saving the training state costs, and how long a killed training takes to go on.

    .venv/bin/python benchmarks/resume.py [--seconds 20] [--parameters 1e5 1e6 1e7] [--s3]

Trains the same model with saving (`checkpoint_every="auto"` and 1) and without, in turn, for about
as many seconds each, and prints the share of the time that saving took: what training waited and
what the saving thread worked, and beside it what the pairs of runs differ in, which is mostly
noise. Then a process is killed with SIGKILL and the time until the next epoch begins in another.
"""

import argparse
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
WIDTHS = {1e5: 250, 1e6: 930, 1e7: 3080}


def train(url: str, parameters: float, epochs: int, every: str, steps: int) -> None:
    """Trains in this process; prints seconds of each epoch and of saving."""
    import keras
    import numpy as np

    from tuner import Tuner
    from tuner.oracles import RandomSearchOracle
    from tuner.training.state_writer import CheckpointSchedule

    began = time.time()
    width = WIDTHS[parameters]

    def build(_: object) -> keras.Model:
        layers = [keras.layers.Dense(width, activation="relu") for _ in range(2)]
        model = keras.Sequential([keras.Input((100,)), *layers, keras.layers.Dense(10)])
        model.compile("adam", "mse")
        return model

    class Clock(keras.callbacks.Callback):
        times: tuple[float, ...] = ()

        def on_epoch_begin(self, epoch: int, logs: object = None) -> None:
            del logs
            print(f"begins epoch={epoch} after={time.time() - began:.3f}", flush=True)
            Clock.times = (*Clock.times, time.monotonic())

    spent: list[float] = []
    took = CheckpointSchedule.took
    CheckpointSchedule.took = lambda self, seconds: (spent.append(seconds), took(self, seconds))[1]
    rng = np.random.default_rng(0)
    x = rng.normal(size=(steps * 32, 100)).astype("float32")
    tuner = Tuner(
        RandomSearchOracle("loss", max_trials=1, seed=0),
        build,
        directory=url,
        project_name="p",
        resume=every != "off",
        checkpoint_every={"off": None, "auto": "auto"}.get(every, 1),
    )
    tuner.search(x, x[:, :10], epochs=epochs, verbose=0, search_verbose=0, callbacks=[Clock()])
    times = [b - a for a, b in zip(Clock.times, Clock.times[1:], strict=False)]
    print(f"epoch={statistics.median(times[1:]):.4f} total={sum(times):.3f}", end=" ")
    print(f"spent={sum(spent):.4f} saves={len(spent)}")


def run(*words: object) -> dict[str, float]:
    """Runs `train` in a process of its own; the numbers it printed."""
    command = [sys.executable, __file__, "--train", *map(str, words)]
    quiet = {"stdout": subprocess.PIPE, "stderr": subprocess.DEVNULL, "text": True}
    output = subprocess.run(command, check=True, env=env(), **quiet)  # type: ignore[call-overload]
    pairs = [word.split("=") for word in output.stdout.split() if "=" in word]
    return {name: float(value) for name, value in pairs}


def killed(url: str, parameters: float, steps: int) -> tuple[float, float]:
    """Seconds from a kill to the next epoch, and those of them from the start of training code."""
    words = [url, parameters, 1000, 1, steps]
    command = [sys.executable, __file__, "--train", *map(str, words)]
    victim = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env())
    assert victim.stdout is not None
    while not victim.stdout.readline().startswith(b"begins epoch=3 "):
        pass  # by then a state of an earlier epoch is whole
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    began = time.monotonic()
    second = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=env()
    )
    assert second.stdout is not None
    line = second.stdout.readline()
    whole = time.monotonic() - began
    second.kill()
    second.wait()
    epoch, after = (float(word.split("=")[1]) for word in line.split()[1:])
    assert epoch > 0, "it did not go on"
    return whole, after


def env() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "TF_CPP_MIN_LOG_LEVEL": "3"}


def measure(where: str, url: str, parameters: float, seconds: float) -> None:
    """Prints one row for each way of saving."""
    steps = 200
    epoch = run(f"{url}/warm", parameters, 4, "off", steps)["epoch"]
    epochs = max(5, min(400, round(seconds / epoch)))
    plain = run(f"{url}/off", parameters, epochs, "off", steps)
    for every in ("auto", "1"):
        found = run(f"{url}/{every}", parameters, epochs, every, steps)
        print(
            f"{parameters:8.0e} {where:6s} every={every:5s} {epochs:4d} epochs of "
            f"{found['epoch'] * 1e3:7.1f} ms, {found['saves']:4.0f} saves of "
            f"{found['spent'] / max(1, found['saves']) * 1e3:7.1f} ms: "
            f"{found['spent'] / found['total']:6.1%} of the time; "
            f"run against run {found['total'] / plain['total'] - 1:+6.1%}",
            flush=True,
        )
    whole, own = killed(f"{url}/killed", parameters, steps)
    print(
        f"{parameters:8.0e} {where:6s} from kill to the next epoch {whole:.2f} s, "
        f"{own:.2f} s of it after the imports",
        flush=True,
    )


def main() -> None:
    """Measures local disk, and S3 if asked."""
    if sys.argv[1:2] == ["--train"]:
        url, parameters, epochs, every, steps = sys.argv[2:]
        train(url, float(parameters), int(epochs), every, int(steps))
        return
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--parameters", type=float, nargs="+", default=list(WIDTHS))
    parser.add_argument("--s3", action="store_true", help="also on the S3 server of the tests")
    options = parser.parse_args()
    for parameters in options.parameters:
        with tempfile.TemporaryDirectory() as folder:
            measure("local", folder, parameters, options.seconds)
    if options.s3:
        sys.path.append(str(ROOT / "tests"))
        from servers.s3 import BUCKET, S3Server  # type: ignore[import-not-found]

        server, process = S3Server.start()
        os.environ.update(server.environment)
        for parameters in options.parameters:
            measure("s3", f"s3://{BUCKET}/{parameters:.0f}", parameters, options.seconds)
        process.communicate()


if __name__ == "__main__":
    main()
