"""How long the commands take on a project of many trials; how large its report and a search get.

    python benchmarks/load.py --trials 10000

A search of trials that train nothing, in one process, makes the project; then each command runs in
a process of its own.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from tuner import BaseTuner, Objective
from tuner.core.trial import Trial
from tuner.oracles import RandomSearchOracle

MEBIBYTE = 2**20
COMMANDS = {
    "status": ["status", "PROJECT"],
    "trials": ["trials", "PROJECT"],
    "check": ["check", "PROJECT"],
    "report": ["report", "PROJECT", "--output", "REPORT"],
}


class Idle(BaseTuner):
    """Trains nothing, and notes how much memory the process holds at some trials.

    Attributes:
        memory: Bytes by number of trials.
    """

    memory: dict[int, int]
    noted: Sequence[int]

    def run_trial(self, trial: Trial) -> float:
        hp = trial.hyperparameters
        x, y = hp.Float("x", -1.0, 1.0), hp.Float("y", 1e-4, 1.0, sampling="log")
        hp.Choice("kind", ["a", "b", "c"])
        number = len(self.oracle.trials)
        if number in self.noted:
            self.memory[number] = _resident()
        return x**2 + y


@dataclass(frozen=True, slots=True)
class Taken:
    """What a command has taken."""

    name: str
    seconds: float
    computed: float
    """Seconds of processors."""
    memory: int
    """Bytes that its process held at most."""
    size: int
    """Bytes of what it wrote."""


def make_project(directory: Path, trials: int) -> tuple[dict[int, int], float]:
    """Memory of the search, by number of trials, and its seconds."""
    oracle = RandomSearchOracle(Objective("default_objective", "min"), max_trials=trials, seed=0)
    tuner = Idle(oracle, directory=str(directory), project_name="load")
    tuner.memory, tuner.noted = {}, (trials // 10, trials)
    began = time.monotonic()
    tuner.search(search_verbose=0)
    return tuner.memory, time.monotonic() - began


def run_commands(directory: Path) -> Iterator[Taken]:
    """Runs each of the commands, one after the other."""
    report = directory / "report.html"
    words = {"PROJECT": str(directory / "load"), "REPORT": str(report)}
    for name, template in COMMANDS.items():
        command = [words.get(word, word) for word in template]
        began = time.monotonic()
        run = subprocess.run(
            [sys.executable, "-c", MEASURED, *command], capture_output=True, text=True, check=True
        )
        seconds = time.monotonic() - began
        size = report.stat().st_size if name == "report" else len(run.stdout)
        held, computed = run.stderr.splitlines()[-1].split()
        yield Taken(name, seconds, float(computed), int(held) * 1024, size)


MEASURED = """
import resource, sys
from flows.cli import main
try:
    main()
finally:
    own = resource.getrusage(resource.RUSAGE_SELF)
    status = open("/proc/self/status").read()
    held = status.partition("VmHWM:")[2].split()[0]
    print(held, own.ru_utime + own.ru_stime, file=sys.stderr)
"""


def _resident() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def main() -> None:
    """Prints the figures, and with `--json` writes them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=10_000)
    parser.add_argument("--json", type=Path)
    told = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        memory, seconds = make_project(Path(folder), told.trials)
        print(f"{told.trials} trials in {seconds:.0f} s; memory of the search:")
        for number, held in memory.items():
            print(f"  {number:>7} trials  {held / MEBIBYTE:7.1f} MiB")
        found = list(run_commands(Path(folder)))
    for each in found:
        held, size = each.memory / MEBIBYTE, each.size / MEBIBYTE
        took = f"{each.seconds:6.2f} s, {each.computed:6.2f} s of a processor"
        print(f"{each.name:8} {took}  {held:7.1f} MiB of memory  {size:7.2f} MiB")
    if told.json:
        state = {each.name: asdict(each) for each in found}
        told.json.write_text(json.dumps({"trials": told.trials, "memory": memory, **state}))


if __name__ == "__main__":
    main()
