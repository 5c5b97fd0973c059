"""What a trial costs beyond its objective: a black-box quadratic of two numbers.

    make .venv-quality/.installed    # once: an environment with the peers
    .venv-quality/bin/python benchmarks/overhead.py --script 100 500 5000 --flow 500 --peers

Prints, for a plain script and for the flow with a running Prefect server, milliseconds per trial of
wall and CPU time, and the last 50 trials against the first 50. With --peers, Keras Tuner, Optuna
and Ray Tune run the same, where they are installed; Ray's CPU time is not known, since it has many
processes, and its actors are kept from trial to trial.
"""

import argparse
import contextlib
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from flows.server import prefect_server

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


def flow(trials: int, slots: int) -> None:
    """The flow, with a server that runs already."""
    with tempfile.TemporaryDirectory() as folder, prefect_server(print) as url:
        study = Path(folder) / "quadratic.py"
        study.write_text(STUDY)
        words = ["search", str(study), "--slots", str(slots), "--directory", folder, "--json"]
        subprocess.run(
            [sys.executable, "-m", "flows", *words, "--max-trials", str(trials)],
            env={**os.environ, "PREFECT_API_URL": f"{url}/api"},
            check=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )
        entries = sorted((Path(folder) / "quadratic" / "journal").rglob("*.json"))
        events = [
            event for path in entries for event in json.loads(path.read_text())["entry"]["events"]
        ]
        ended = [event["time"] for event in events if event["type"] == "trial_ended"]
        report(f"Trialflow, {slots} slots", [(moment, float("nan")) for moment in ended])


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
        flow(options.flow, options.slots)


if __name__ == "__main__":
    main()
